//! How a read session behaves.

use crate::BackoffPolicy;

/// What a reader does when the bytes it wants next were truncated away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnTruncation {
    /// Reading fails with [`ReadFailure::Truncated`](crate::ReadFailure::Truncated) until a seek.
    #[default]
    Error,
    /// Reading goes on at the head, and
    /// [`ReadEvent::Truncated`](crate::ReadEvent::Truncated) tells which bytes are missing.
    SkipToHead,
}

/// Settings of a [`ReadSession`](crate::ReadSession).
///
/// Values out of range are brought into range by the session.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The offset of the first byte wanted, at most [`MAX_OFFSET`]. Default 0. It is taken on trust: a caller
    /// that does not know whether the segment reaches that far says so with a
    /// [`seek`](crate::ReadSession::seek) instead.
    pub offset: u64,
    /// Reading ends in front of this offset, and nothing at or behind it is ever asked for. Default none.
    pub until: Option<u64>,
    /// Most bytes received and not yet taken, plus asked for. Default 4 MiB, at least
    /// [`request_bytes`](Self::request_bytes).
    pub max_read_ahead_bytes: usize,
    /// Bytes asked for at once; a request may be up to half as long again, so that requests end on multiples
    /// of this. Default 1 MiB, from [`MIN_REQUEST_BYTES`] to [`MAX_REPLY_BYTES`].
    pub request_bytes: usize,
    /// Most bytes kept behind the position, for seeking back without asking again. Default 1 MiB. A session
    /// that waits at the tail keeps none.
    pub keep_behind_bytes: usize,
    /// What happens when bytes were truncated away. Default [`OnTruncation::Error`].
    pub on_truncation: OnTruncation,
    /// Pauses between attempts to attach.
    pub backoff: BackoffPolicy,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            until: None,
            max_read_ahead_bytes: DEFAULT_READ_AHEAD_BYTES,
            request_bytes: DEFAULT_REQUEST_BYTES,
            keep_behind_bytes: DEFAULT_KEEP_BEHIND_BYTES,
            on_truncation: OnTruncation::default(),
            backoff: BackoffPolicy::default(),
        }
    }
}

impl ReadOptions {
    /// The same options with another first offset.
    #[must_use]
    pub fn with_offset(self, offset: u64) -> Self {
        Self { offset, ..self }
    }

    /// The same options with another limit.
    #[must_use]
    pub fn with_until(self, until: Option<u64>) -> Self {
        Self { until, ..self }
    }

    /// The same options with another bound on read-ahead.
    #[must_use]
    pub fn with_max_read_ahead_bytes(self, max_read_ahead_bytes: usize) -> Self {
        Self {
            max_read_ahead_bytes,
            ..self
        }
    }

    /// The same options with another request length.
    #[must_use]
    pub fn with_request_bytes(self, request_bytes: usize) -> Self {
        Self {
            request_bytes,
            ..self
        }
    }

    /// The same options with another bound on what is kept behind the position.
    #[must_use]
    pub fn with_keep_behind_bytes(self, keep_behind_bytes: usize) -> Self {
        Self {
            keep_behind_bytes,
            ..self
        }
    }

    /// The same options with another answer to truncation.
    #[must_use]
    pub fn with_on_truncation(self, on_truncation: OnTruncation) -> Self {
        Self {
            on_truncation,
            ..self
        }
    }

    /// The same options with other pauses between attempts.
    #[must_use]
    pub fn with_backoff(self, backoff: BackoffPolicy) -> Self {
        Self { backoff, ..self }
    }

    pub(super) fn limits(&self) -> Limits {
        let request = self.request_bytes.clamp(MIN_REQUEST_BYTES, MAX_REPLY_BYTES);
        Limits {
            until: self
                .until
                .map_or(OFFSETS_END, |until| until.min(OFFSETS_END)),
            has_until: self.until.is_some(),
            read_ahead: wide(self.max_read_ahead_bytes.max(request)),
            request: wide(request),
            keep_behind: wide(self.keep_behind_bytes),
            on_truncation: self.on_truncation,
        }
    }
}

/// The options a session needs after it was made, in range and in offsets' own type.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) until: u64,
    pub(super) has_until: bool,
    pub(super) read_ahead: u64,
    pub(super) request: u64,
    pub(super) keep_behind: u64,
    pub(super) on_truncation: OnTruncation,
}

impl Limits {
    /// How many requests fill the read-ahead.
    pub(super) fn max_window(&self) -> u64 {
        self.read_ahead
            .div_ceil(self.request)
            .clamp(1, MAX_REQUESTS_OUT)
    }
}

/// A length in memory as a distance between offsets.
pub(super) fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The largest offset that a segment can have: offsets are signed 64-bit integers on the wire.
pub const MAX_OFFSET: u64 = i64::MAX.cast_unsigned();

/// Behind the largest offset.
pub(super) const OFFSETS_END: u64 = MAX_OFFSET + 1;

/// The shortest reply that a segment store prepares, in bytes; less is rounded up.
///
/// **Source**: wire protocol, reads; seen with `pravega-standalone` 0.13.0.
pub const MIN_REQUEST_BYTES: usize = 8;

/// The longest reply of a segment store, in bytes; more is cut.
///
/// **Source**: wire protocol, reads; seen with `pravega-standalone` 0.13.0.
pub const MAX_REPLY_BYTES: usize = 2 << 20;

/// Four requests out hide 10 ms of latency at 400 MB/s.
const DEFAULT_READ_AHEAD_BYTES: usize = 4 << 20;
/// Segment stores read their long-term storage in blocks of this size.
const DEFAULT_REQUEST_BYTES: usize = 1 << 20;
/// One request: a parser that steps back over what it has just been given finds it.
const DEFAULT_KEEP_BEHIND_BYTES: usize = 1 << 20;
/// Most requests out at once, however short they are set to be.
const MAX_REQUESTS_OUT: u64 = 64;
