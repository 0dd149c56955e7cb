//! What a segment holds.

use crate::evidence::Block;

/// One append as it was found in the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins.
    pub offset: u64,
    /// Which append it is.
    pub id: u64,
    /// How many bytes it has.
    pub len: u64,
}

/// The segment in the end, in the order of its offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// Where the segment ended before the first call.
    pub start: u64,
    /// What was appended since.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// The offset behind its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

impl Log {
    /// The log of a segment that ended at `start` and then received these blocks, each with its distance from
    /// there. Their ids are those of [`Log::id`].
    #[must_use]
    pub fn of_blocks(start: u64, blocks: &[(u64, Block)]) -> Self {
        let entry = |&(at, block): &(u64, Block)| Entry {
            offset: start.saturating_add(at),
            id: Self::id(block),
            len: u64::from(block.len),
        };
        let entries = blocks.iter().map(entry).collect();
        Self { start, entries }
    }

    /// The id of a block: its writer, epoch and number in one. Writers and epochs are below 65,536.
    #[must_use]
    pub fn id(block: Block) -> u64 {
        (u64::from(block.writer) << 48)
            | (u64::from(block.epoch & 0xffff) << 32)
            | u64::from(block.number)
    }

    /// The offset behind the last entry.
    #[must_use]
    pub fn tail(&self) -> u64 {
        self.entries.last().map_or(self.start, Entry::end)
    }

    /// How many entries there were while the segment ended at `tail`; none if it never ended there.
    pub(super) fn entries_at(&self, tail: u64) -> Option<usize> {
        if tail == self.start {
            return Some(0);
        }
        let before = self.entries.partition_point(|entry| entry.end() < tail);
        let ends_there = self.entries.get(before)?.end() == tail;
        ends_there.then_some(before + 1)
    }
}
