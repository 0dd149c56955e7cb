//! Bytes of one segment in memory: a run of chunks without a gap, read without copying.
//!
//! Large appends stay the buffers they came in. Small ones are copied into an open chunk, because a million
//! one-byte appends must cost a million bytes and not a million buffers; reads of that open chunk copy too.

use std::collections::VecDeque;

use bytes::Bytes;
use pravega_wire_protocol::Payload;

/// Appends from this size on are kept as they came, bytes. Below it, a copy costs less than a list entry
/// and the rest of a receive buffer that the entry would hold on to.
const KEEP_WHOLE: usize = 16 * 1024;

/// The open chunk is closed at this size, bytes: it bounds what a read at the tail copies.
const OPEN_CHUNK: usize = 64 * 1024;

/// The bytes from [`Log::start`] to [`Log::end`].
#[derive(Debug)]
pub(crate) struct Log {
    start: u64,
    chunks: VecDeque<Chunk>,
    open: Vec<u8>,
    open_at: u64,
}

#[derive(Debug)]
struct Chunk {
    at: u64,
    bytes: Bytes,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.at + size(&self.bytes)
    }
}

impl Log {
    /// An empty log whose next byte has the offset `at`.
    pub(crate) fn starting_at(at: u64) -> Self {
        Self {
            start: at,
            chunks: VecDeque::new(),
            open: Vec::new(),
            open_at: at,
        }
    }

    /// The offset of the first byte held.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The offset behind the last byte held.
    pub(crate) fn end(&self) -> u64 {
        self.open_at + size(&self.open)
    }

    /// Puts bytes at the end.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.len() >= KEEP_WHOLE {
            self.close_open_chunk();
            let at = self.open_at;
            self.open_at += size(&bytes);
            self.chunks.push_back(Chunk { at, bytes });
            return;
        }
        self.open.extend_from_slice(&bytes);
        if self.open.len() >= OPEN_CHUNK {
            self.close_open_chunk();
        }
    }

    /// At most `max` bytes from `offset` on; empty when none of them is held.
    pub(crate) fn read(&self, offset: u64, max: u64) -> Payload {
        let end = self.end().min(offset.saturating_add(max));
        if offset < self.start || offset >= end {
            return Payload::default();
        }
        let first = self.chunks.partition_point(|chunk| chunk.end() <= offset);
        let mut parts = Vec::new();
        for chunk in self.chunks.range(first..) {
            if chunk.at >= end {
                break;
            }
            let from = offset.max(chunk.at) - chunk.at;
            let to = end.min(chunk.end()) - chunk.at;
            parts.push(chunk.bytes.slice(index(from)..index(to)));
        }
        if end > self.open_at {
            let from = offset.max(self.open_at) - self.open_at;
            let part = self.open.get(index(from)..index(end - self.open_at));
            parts.push(Bytes::copy_from_slice(part.unwrap_or_default()));
        }
        Payload::from_chunks(parts)
    }

    /// Forgets what lies below `offset`. Returns how many bytes it no longer answers for.
    pub(crate) fn forget_below(&mut self, offset: u64) -> u64 {
        let before = self.start;
        self.start = self.start.max(offset.min(self.end()));
        while self
            .chunks
            .front()
            .is_some_and(|chunk| chunk.end() <= self.start)
        {
            self.chunks.pop_front();
        }
        if self.start == self.end() && !self.open.is_empty() {
            self.open_at = self.start;
            self.open = Vec::new();
        }
        self.start - before
    }

    fn close_open_chunk(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.open);
        bytes.shrink_to_fit();
        let chunk = Chunk {
            at: self.open_at,
            bytes: bytes.into(),
        };
        self.open_at = chunk.end();
        if chunk.end() > self.start {
            self.chunks.push_back(chunk);
        }
    }
}

/// A length as an offset: `usize` is at most 64 bits wide wherever this runs.
pub(crate) fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// An offset inside one chunk as an index; a chunk's length was a `usize` before.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(len: usize, seed: usize) -> Bytes {
        (0..len)
            .map(|i| u8::try_from((i * 7 + seed) % 251).unwrap())
            .collect()
    }

    #[test]
    fn large_blocks_are_not_copied() {
        let mut log = Log::starting_at(5);
        let large = block(KEEP_WHOLE, 1);
        log.push(block(3, 0));
        log.push(large.clone());
        let read = log.read(8, u64::MAX);
        assert_eq!(read.chunks().len(), 1);
        assert_eq!(read.chunks()[0].as_ptr(), large.as_ptr());
    }

    #[test]
    fn small_blocks_share_a_chunk() {
        let mut log = Log::starting_at(0);
        for _ in 0..100_000 {
            log.push(Bytes::from_static(b"x"));
        }
        assert_eq!(log.chunks.len(), 1);
        assert_eq!(log.end(), 100_000);
    }

    proptest! {
        #[test]
        fn reads_what_was_pushed(
            start in 0..1000_u64,
            steps in proptest::collection::vec(
                (prop_oneof![0..40_usize, 15_000..20_000_usize, 65_000..66_000_usize], 0..90_000_u64), 1..20),
            reads in proptest::collection::vec((0..300_000_u64, 0..80_000_u64), 1..10),
        ) {
            let mut log = Log::starting_at(start);
            let mut model = Vec::new();
            let mut head = start;
            for (index, (len, forget)) in steps.into_iter().enumerate() {
                let bytes = block(len, index);
                model.extend_from_slice(&bytes);
                log.push(bytes);
                let tail = start + size(&model);
                prop_assert_eq!(log.end(), tail);
                if forget % 3 == 0 {
                    let target = start + forget;
                    let forgotten = log.forget_below(target);
                    let expected = head.max(target.min(tail));
                    prop_assert_eq!(forgotten, expected - head);
                    head = expected;
                }
                prop_assert_eq!(log.start(), head);
            }
            for (offset, max) in reads {
                let offset = start + offset;
                let read = log.read(offset, max).into_bytes();
                if offset < head || offset >= log.end() {
                    prop_assert!(read.is_empty());
                } else {
                    let from = index(offset - start);
                    let to = model.len().min(from + index(max));
                    prop_assert_eq!(&read[..], &model[from..to]);
                }
            }
        }
    }
}
