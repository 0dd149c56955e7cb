//! Bytes received and not yet forgotten, by offset.

use std::{collections::VecDeque, fmt, ops::Range};

use bytes::Bytes;

use super::options::wide;

/// Chunks in order of their offsets, without overlap, and the position of the consumer among them.
///
/// ```text
///   kept behind       ready                hole      received early
///  ├────────────┼──────────────────────┤          ├────────────────┤
///  front     position              ready_end
/// ```
///
/// What lies behind the position is contiguous with it. Chunks are slices of the frames they came in; only
/// short ones are copied, so that a few bytes never keep a large receive buffer alive.
pub(super) struct ReadBuffer {
    chunks: VecDeque<Chunk>,
    position: u64,
    ready_end: u64,
    /// How many chunks lie wholly behind the position, and the sum of their lengths.
    behind: usize,
    behind_bytes: u64,
}

struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.start.saturating_add(wide(self.bytes.len()))
    }
}

impl ReadBuffer {
    pub(super) fn new(position: u64) -> Self {
        Self {
            chunks: VecDeque::new(),
            position,
            ready_end: position,
            behind: 0,
            behind_bytes: 0,
        }
    }

    /// The offset of the next byte for the consumer.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Where the contiguous bytes at the position end.
    pub(super) fn ready_end(&self) -> u64 {
        self.ready_end
    }

    /// How many bytes can be taken now.
    pub(super) fn ready(&self) -> u64 {
        self.ready_end.saturating_sub(self.position)
    }

    /// From where on memory is held for the consumer: the start of the chunk that it is in.
    pub(super) fn base(&self) -> u64 {
        self.chunks
            .get(self.behind)
            .map_or(self.position, |chunk| chunk.start.min(self.position))
    }

    /// Bytes held behind the position, in whole chunks.
    #[cfg(test)]
    pub(super) fn kept_behind(&self) -> u64 {
        self.behind_bytes
    }

    /// Takes bytes in. The caller sees to it that they overlap nothing that is here.
    pub(super) fn insert(&mut self, start: u64, bytes: Bytes) {
        let incoming = Chunk { start, bytes };
        if incoming.bytes.is_empty() || incoming.end() <= self.position {
            return;
        }
        let at = self.chunks.partition_point(|chunk| chunk.start < start);
        let neighbour = at
            .checked_sub(1)
            .filter(|&before| before >= self.behind)
            .and_then(|before| self.chunks.get_mut(before));
        match neighbour {
            Some(before) if before.takes(&incoming) => before.join(&incoming),
            _ => self.chunks.insert(at, incoming.compact()),
        }
        self.extend_ready();
    }

    /// Takes at most `max` bytes out. The second value tells whether that used up a chunk.
    pub(super) fn take(&mut self, max: usize) -> Option<(Bytes, bool)> {
        let chunk = self.current()?;
        let from = self.place_in(chunk)?;
        let to = from.saturating_add(max).min(chunk.bytes.len());
        let bytes = chunk.bytes.slice(from..to);
        let used_up = self.advance(bytes.len());
        Some((bytes, used_up))
    }

    /// The bytes at the position that lie together in memory.
    pub(super) fn peek(&self) -> Option<&[u8]> {
        let chunk = self.current()?;
        chunk.bytes.get(self.place_in(chunk)?..)
    }

    /// Moves the position forward over ready bytes. True when that used up at least one chunk.
    pub(super) fn advance(&mut self, len: usize) -> bool {
        let target = self.position.saturating_add(wide(len)).min(self.ready_end);
        self.position = target;
        let before = self.behind;
        while let Some(chunk) = self.chunks.get(self.behind)
            && chunk.end() <= target
        {
            self.behind_bytes = self.behind_bytes.saturating_add(wide(chunk.bytes.len()));
            self.behind += 1;
        }
        self.behind > before
    }

    /// Lets go of the oldest chunks until at most `keep` bytes lie behind the position.
    pub(super) fn trim(&mut self, keep: u64) {
        while self.behind > 0 && self.behind_bytes > keep {
            let Some(chunk) = self.chunks.pop_front() else {
                break;
            };
            self.behind -= 1;
            self.behind_bytes = self.behind_bytes.saturating_sub(wide(chunk.bytes.len()));
        }
        if self.chunks.is_empty() {
            // Gives the memory of the queue back as well: most sessions sit at a tail most of the time.
            self.chunks = VecDeque::new();
        }
    }

    /// Moves the position inside what is held contiguously. False, and nothing happens, for another place.
    pub(super) fn seek(&mut self, offset: u64) -> bool {
        let front = self
            .chunks
            .front()
            .map_or(self.position, |chunk| chunk.start.min(self.position));
        if offset < front || offset > self.ready_end {
            return false;
        }
        self.place(offset);
        true
    }

    /// Moves the position over a gap that will never be filled, keeping what was received beyond.
    pub(super) fn jump(&mut self, offset: u64) {
        while self
            .chunks
            .front()
            .is_some_and(|chunk| chunk.end() <= offset)
        {
            self.chunks.pop_front();
        }
        self.ready_end = offset;
        self.place(offset);
        self.extend_ready();
    }

    /// Forgets everything and goes on at `offset`.
    pub(super) fn restart(&mut self, offset: u64) {
        *self = Self::new(offset);
    }

    /// The end of the chunk that covers `offset`.
    pub(super) fn end_covering(&self, offset: u64) -> Option<u64> {
        let after = self.chunks.partition_point(|chunk| chunk.start <= offset);
        let chunk = self.chunks.get(after.checked_sub(1)?)?;
        Some(chunk.end()).filter(|&end| end > offset)
    }

    /// The start of the first chunk behind `offset`.
    pub(super) fn next_start(&self, offset: u64) -> Option<u64> {
        let after = self.chunks.partition_point(|chunk| chunk.start <= offset);
        self.chunks.get(after).map(|chunk| chunk.start)
    }

    /// The ranges held, for tests and for `Debug`.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.chunks.iter().map(|chunk| chunk.start..chunk.end())
    }

    fn current(&self) -> Option<&Chunk> {
        self.chunks
            .get(self.behind)
            .filter(|chunk| chunk.start <= self.position)
    }

    fn place_in(&self, chunk: &Chunk) -> Option<usize> {
        usize::try_from(self.position.checked_sub(chunk.start)?).ok()
    }

    fn place(&mut self, offset: u64) {
        self.position = offset;
        self.behind = self.chunks.partition_point(|chunk| chunk.end() <= offset);
        self.behind_bytes = self
            .chunks
            .iter()
            .take(self.behind)
            .map(|chunk| wide(chunk.bytes.len()))
            .sum();
    }

    fn extend_ready(&mut self) {
        let from = self
            .chunks
            .partition_point(|chunk| chunk.end() <= self.ready_end);
        for chunk in self.chunks.range(from..) {
            if chunk.start > self.ready_end {
                break;
            }
            self.ready_end = chunk.end();
        }
    }
}

impl Chunk {
    /// True when `next` follows and both together are so short that they are copied anyway.
    fn takes(&self, next: &Self) -> bool {
        self.end() == next.start && self.bytes.len() + next.bytes.len() <= COPY_BELOW_BYTES
    }

    fn join(&mut self, next: &Self) {
        self.bytes = [&*self.bytes, &*next.bytes].concat().into();
    }

    fn compact(self) -> Self {
        let bytes = if self.bytes.len() <= COPY_BELOW_BYTES {
            Bytes::copy_from_slice(&self.bytes)
        } else {
            self.bytes
        };
        Self { bytes, ..self }
    }
}

impl fmt::Debug for ReadBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBuffer")
            .field("position", &self.position)
            .field("ready", &self.ready())
            .field("chunks", &self.ranges().collect::<Vec<_>>())
            .finish()
    }
}

/// Chunks up to this length are copied out of the frame they came in, and joined with their neighbours: 4 KiB.
///
/// A copy of that size costs less than a memory allocation is worth noticing, and it bounds both what a
/// chunk can keep alive beside itself and how many chunks there are.
pub(super) const COPY_BELOW_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(range: Range<u64>) -> Bytes {
        range.map(|offset| offset.to_le_bytes()[0]).collect()
    }

    fn filled(ranges: &[Range<u64>]) -> ReadBuffer {
        let mut buffer = ReadBuffer::new(0);
        for range in ranges {
            buffer.insert(range.start, bytes(range.clone()));
        }
        buffer
    }

    #[test]
    fn hands_out_contiguous_bytes_only() {
        let mut buffer = filled(&[10_000..20_000, 0..5_000]);
        assert_eq!(buffer.ready(), 5_000);
        assert_eq!(buffer.take(usize::MAX), Some((bytes(0..5_000), true)));
        assert_eq!(buffer.take(usize::MAX), None);
        assert_eq!(buffer.peek(), None);
        buffer.insert(5_000, bytes(5_000..10_000));
        assert_eq!(buffer.ready(), 15_000);
        assert_eq!(buffer.take(1), Some((bytes(5_000..5_001), false)));
        assert_eq!(buffer.peek(), Some(&*bytes(5_001..10_000)));
        assert_eq!(buffer.base(), 5_000);
    }

    #[test]
    fn large_chunks_are_not_copied() {
        let frame = bytes(0..10_000);
        let mut buffer = ReadBuffer::new(0);
        buffer.insert(0, frame.clone());
        let (taken, _) = buffer.take(usize::MAX).unwrap();
        assert_eq!(taken.as_ptr(), frame.as_ptr());
    }

    #[test]
    fn short_chunks_pin_nothing_and_join() {
        let frame = bytes(0..10_000);
        let mut buffer = ReadBuffer::new(0);
        for start in 0..2_000 {
            buffer.insert(wide(start), frame.slice(start..=start));
        }
        assert!(buffer.chunks.len() <= 2);
        let (taken, used_up) = buffer.take(usize::MAX).unwrap();
        assert_eq!(taken, bytes(0..2_000));
        assert!(used_up && taken.as_ptr() != frame.as_ptr());
    }

    #[test]
    fn t59_seeks_inside_what_is_held() {
        let mut buffer = filled(&[0..5_000, 5_000..10_000, 12_000..20_000]);
        buffer.advance(7_000);
        for offset in [7_000, 0, 4_999, 5_000, 10_000, 1] {
            assert!(buffer.seek(offset), "{offset}");
            assert_eq!(buffer.position(), offset);
            assert_eq!(buffer.ready(), 10_000 - offset);
        }
        assert!(!buffer.seek(10_001));
        assert_eq!(buffer.position(), 1);
        buffer.seek(6_000);
        buffer.trim(0);
        assert!(!buffer.seek(4_999));
        assert!(buffer.seek(5_000));
    }

    #[test]
    fn trimming_keeps_at_most_the_bound() {
        let mut buffer = filled(&[0..5_000, 5_000..10_000, 10_000..15_000]);
        assert!(buffer.advance(12_000));
        assert_eq!(buffer.kept_behind(), 10_000);
        buffer.trim(9_999);
        assert_eq!(buffer.kept_behind(), 5_000);
        assert_eq!(buffer.take(usize::MAX), Some((bytes(12_000..15_000), true)));
        buffer.trim(0);
        assert_eq!(buffer.chunks.capacity(), 0);
        assert_eq!((buffer.position(), buffer.ready()), (15_000, 0));
    }

    #[test]
    fn a_jump_keeps_what_lies_beyond() {
        let mut buffer = filled(&[0..5_000, 12_000..20_000]);
        buffer.advance(5_000);
        buffer.jump(13_000);
        assert_eq!((buffer.position(), buffer.ready()), (13_000, 7_000));
        assert_eq!(buffer.peek(), Some(&*bytes(13_000..20_000)));
        assert!(!buffer.seek(5_000));
        buffer.jump(30_000);
        assert_eq!((buffer.position(), buffer.ready()), (30_000, 0));
    }

    #[test]
    fn finds_holes() {
        let buffer = filled(&[0..5_000, 7_000..12_000]);
        assert_eq!(buffer.end_covering(4_999), Some(5_000));
        assert_eq!(buffer.end_covering(5_000), None);
        assert_eq!(buffer.next_start(5_000), Some(7_000));
        assert_eq!(buffer.next_start(7_000), None);
    }

    #[test]
    fn bytes_behind_the_position_are_dropped() {
        let mut buffer = ReadBuffer::new(6_000);
        buffer.insert(0, bytes(0..6_000));
        assert_eq!(buffer.ranges().count(), 0);
        buffer.insert(1_000, bytes(1_000..7_000));
        assert_eq!(buffer.take(9), Some((bytes(6_000..6_009), false)));
        assert!(buffer.seek(1_000));
    }

    #[test]
    fn debug_shows_no_bytes() {
        assert!(!format!("{:?}", filled(&[65..80, 80..90])).contains("AB"));
    }
}
