//! How an append session behaves.

use std::time::Duration;

use crate::BackoffPolicy;

/// Whether a writer shares its segment with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WriteMode {
    /// Every block is appended on the condition that the segment ends where this writer believes it does.
    /// Bytes of another writer make the block fail, so nothing is ever interleaved. One block is in flight
    /// at a time: after a failed condition the real segment store falls back to the last number it
    /// acknowledged, and a second block sent in the meantime could be stored without the first.
    #[default]
    Exclusive,
    /// Blocks are appended wherever the segment ends, several in flight, in order and exactly once. Other
    /// writers' bytes may lie between them; they are noticed and reported.
    Shared,
}

/// Settings of an [`AppendSession`](crate::AppendSession).
///
/// Values out of range are brought into range by the session.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AppendOptions {
    /// Alone on the segment or not. Default [`WriteMode::Exclusive`].
    pub mode: WriteMode,
    /// Most bytes accepted and not yet durable, with what their blocks cost beside the data. Default 16 MiB,
    /// at least 1.
    pub max_unacked_bytes: usize,
    /// Most bytes in one block, and so in one submission. Default 8 MiB, from 1 to
    /// [`MAX_BLOCK_BYTES`](crate::MAX_BLOCK_BYTES).
    pub max_block_bytes: usize,
    /// In shared mode a block of this many bytes goes out though others are in flight; with a linger time it
    /// goes out without waiting for more. Default 256 KiB.
    pub pipeline_block_bytes: usize,
    /// How long a block may wait for more bytes. With zero, the default, a block goes out at once when
    /// nothing is in flight, and otherwise waits for the acks of what is.
    pub linger: Duration,
    /// Pauses between attempts to attach.
    pub backoff: BackoffPolicy,
    /// How many times in a row, with no ack in between, the server may refuse a setup, answer with an error
    /// message or break the protocol before the session fails for good. Default 5, at least 1. Lost
    /// connections do not count.
    pub max_setup_failures: u32,
}

impl Default for AppendOptions {
    fn default() -> Self {
        Self {
            mode: WriteMode::default(),
            max_unacked_bytes: DEFAULT_UNACKED_BYTES,
            max_block_bytes: DEFAULT_BLOCK_BYTES,
            pipeline_block_bytes: DEFAULT_PIPELINE_BYTES,
            linger: Duration::ZERO,
            backoff: BackoffPolicy::default(),
            max_setup_failures: DEFAULT_SETUP_FAILURES,
        }
    }
}

impl AppendOptions {
    /// The same options with another mode.
    #[must_use]
    pub fn with_mode(self, mode: WriteMode) -> Self {
        Self { mode, ..self }
    }

    /// The same options with another bound on unacknowledged bytes.
    #[must_use]
    pub fn with_max_unacked_bytes(self, max_unacked_bytes: usize) -> Self {
        Self {
            max_unacked_bytes,
            ..self
        }
    }

    /// The same options with another largest block.
    #[must_use]
    pub fn with_max_block_bytes(self, max_block_bytes: usize) -> Self {
        Self {
            max_block_bytes,
            ..self
        }
    }

    /// The same options with another size at which blocks are pipelined.
    #[must_use]
    pub fn with_pipeline_block_bytes(self, pipeline_block_bytes: usize) -> Self {
        Self {
            pipeline_block_bytes,
            ..self
        }
    }

    /// The same options with another linger time.
    #[must_use]
    pub fn with_linger(self, linger: Duration) -> Self {
        Self { linger, ..self }
    }

    /// The same options with other pauses between attempts.
    #[must_use]
    pub fn with_backoff(self, backoff: BackoffPolicy) -> Self {
        Self { backoff, ..self }
    }

    /// The same options with another number of refused setups in a row.
    #[must_use]
    pub fn with_max_setup_failures(self, max_setup_failures: u32) -> Self {
        Self {
            max_setup_failures,
            ..self
        }
    }

    pub(super) fn in_range(self) -> Self {
        let max_block_bytes = self.max_block_bytes.clamp(1, MAX_BLOCK_BYTES);
        Self {
            max_block_bytes,
            max_unacked_bytes: self.max_unacked_bytes.max(1),
            pipeline_block_bytes: self.pipeline_block_bytes.clamp(1, max_block_bytes),
            max_setup_failures: self.max_setup_failures.max(1),
            ..self
        }
    }

    /// The largest submission: one that fits into a block and into an empty window.
    pub(super) fn max_submission(&self) -> usize {
        self.max_block_bytes.min(self.max_unacked_bytes)
    }
}

/// The most bytes that one block may be set to carry: 16,000,000.
///
/// Real segment stores take 16,777,163 bytes of data in one append and reset the connection at one more;
/// the rest is left for fields that a later version may add.
pub const MAX_BLOCK_BYTES: usize = 16_000_000;

/// Half a second of a gigabit link; keeps one writer far below the 128 MiB at which a segment store stops
/// reading from a connection.
const DEFAULT_UNACKED_BYTES: usize = 16 << 20;
/// The largest write that other clients make.
const DEFAULT_BLOCK_BYTES: usize = 8 << 20;
/// Large enough to make the cost of a block vanish, small enough to keep several in flight.
const DEFAULT_PIPELINE_BYTES: usize = 256 << 10;
/// With the pauses between them, enough for a store that is being moved.
const DEFAULT_SETUP_FAILURES: u32 = 5;
