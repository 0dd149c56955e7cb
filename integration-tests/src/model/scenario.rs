//! The small worlds.

use pravega_segment_session::WriteMode;

/// The name of the segment that all write to.
pub(super) const SEGMENT: &str = "scope/stream/0.#epoch.0";

/// The blocks of one writer, by their lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks(pub(super) &'static [usize]);

impl Blocks {
    pub(super) fn count(self) -> usize {
        self.0.len()
    }

    pub(super) fn len(self, block: usize) -> u64 {
        let len = self.0.get(block).copied().unwrap_or_default();
        u64::try_from(len).unwrap_or(u64::MAX)
    }

    /// The bytes of a block: they say which one it is, and not whose.
    pub(super) fn bytes(self, block: usize) -> Vec<u8> {
        let tag = u8::try_from(block).unwrap_or(u8::MAX);
        vec![tag; self.0.get(block).copied().unwrap_or_default()]
    }

    /// Which block has these bytes.
    pub(super) fn position(self, bytes: &[u8]) -> Option<usize> {
        (0..self.count()).find(|block| self.bytes(*block) == bytes)
    }

    /// The largest block. No two blocks fit into one of that size, so that each is sent by itself.
    pub(super) fn max(self) -> usize {
        self.0.iter().copied().max().unwrap_or(1)
    }
}

/// A small world of which every run is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) mode: WriteMode,
    pub(super) writers: [Start; 2],
    /// How many times a writer loses its connection.
    pub(super) resets: u8,
    /// How many times the store loses what it has not yet synced.
    pub(super) crashes: u8,
}

/// One writer before its first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) blocks: Blocks,
    /// Where its first block belongs; none to begin at the tail, which the store has confirmed.
    pub(super) at: Option<u64>,
}

const EQUAL: Blocks = Blocks(&[4, 4]);
const SHORT_FIRST: Blocks = Blocks(&[4, 8]);
const LONG_FIRST: Blocks = Blocks(&[8, 4]);

const fn at_the_tail(blocks: Blocks) -> Start {
    Start { blocks, at: None }
}

const fn above(blocks: Blocks, offset: u64) -> Start {
    Start {
        blocks,
        at: Some(offset),
    }
}

/// The worlds, each with so many resets and crashes; the largest first, so that they are done at the same time.
pub(super) fn all(resets: u8, crashes: u8) -> [Scenario; 5] {
    let world = |name, mode, writers| Scenario {
        name,
        mode,
        writers,
        resets,
        crashes,
    };
    [
        world(
            "shared, equal blocks",
            WriteMode::Shared,
            [at_the_tail(EQUAL), at_the_tail(EQUAL)],
        ),
        world(
            "exclusive, equal blocks",
            WriteMode::Exclusive,
            [at_the_tail(EQUAL), at_the_tail(EQUAL)],
        ),
        world(
            "exclusive, mixed blocks",
            WriteMode::Exclusive,
            [at_the_tail(SHORT_FIRST), at_the_tail(LONG_FIRST)],
        ),
        world(
            "exclusive, one above the tail",
            WriteMode::Exclusive,
            [above(EQUAL, 4), at_the_tail(EQUAL)],
        ),
        world(
            "exclusive, both above the tail",
            WriteMode::Exclusive,
            [above(EQUAL, 4), above(EQUAL, 8)],
        ),
    ]
}
