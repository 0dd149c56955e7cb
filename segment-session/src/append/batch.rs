//! Groups submissions into blocks that wait to be sent.

use std::{collections::VecDeque, fmt, time::Instant};

use bytes::{Bytes, BytesMut};
use pravega_wire_protocol::Payload;

use super::window::{BLOCK_OVERHEAD, CHUNK_OVERHEAD};

/// Accepted bytes on their way into blocks. A submission is never split over two blocks.
///
/// Small submissions are copied, once, into an arena, from which blocks are cut without another copy or
/// allocation; large ones are strung in between as they are. Arenas grow with use, are used again, and are given
/// back a while after everything is durable.
pub(super) struct Batch {
    /// Blocks that take nothing more.
    closed: VecDeque<Draft>,
    /// The block that still grows, when there is one.
    open: Option<Open>,
    /// The open block's chunks in front of those bytes of the arena that are its own.
    chunks: Vec<Bytes>,
    arena: BytesMut,
    /// Full arenas, the oldest first. As soon as the bytes of one are acknowledged it is used again, so that a
    /// busy writer neither allocates nor touches memory that it has not touched before.
    full: VecDeque<BytesMut>,
    /// The size of the present arena, 0 when there is none.
    arena_bytes: usize,
    max_arena_bytes: usize,
    max_block_bytes: usize,
}

/// A block that has no number yet.
#[derive(Debug)]
pub(super) struct Draft {
    /// Its first byte, in the writer's own count.
    pub(super) start: u64,
    pub(super) payload: Payload,
    /// What it takes of the window.
    pub(super) cost: usize,
}

/// The block that still grows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) start: u64,
    pub(super) len: usize,
    cost: usize,
    /// When its first byte was accepted.
    pub(super) since: Instant,
}

impl Batch {
    pub(super) fn new(max_block_bytes: usize, max_unacked_bytes: usize) -> Self {
        let part = max_unacked_bytes / ARENAS_PER_WINDOW;
        Self {
            closed: VecDeque::new(),
            open: None,
            chunks: Vec::new(),
            arena: BytesMut::new(),
            full: VecDeque::new(),
            arena_bytes: 0,
            max_arena_bytes: part.clamp(MIN_ARENA_BYTES, MAX_ARENA_BYTES),
            max_block_bytes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_empty()
    }

    pub(super) fn open(&self) -> Option<Open> {
        self.open
    }

    pub(super) fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// True when a submission of `len` owned bytes is not worth a copy.
    pub(super) fn rides(len: usize) -> bool {
        len >= RIDE_BYTES
    }

    /// What a submission of `len` bytes would take of the window.
    pub(super) fn cost(&self, len: usize, rides: bool) -> usize {
        let block = if self.fitting(len).is_some() {
            0
        } else {
            BLOCK_OVERHEAD
        };
        let chunk = if rides { CHUNK_OVERHEAD } else { 0 };
        len.saturating_add(block + chunk)
    }

    /// The most that a submission of at most `len` bytes can take of the window, whatever comes before it.
    pub(super) fn max_cost(len: usize) -> usize {
        match len {
            0 => 0,
            _ if Self::rides(len) => len.saturating_add(BLOCK_OVERHEAD + CHUNK_OVERHEAD),
            _ => len.saturating_add(BLOCK_OVERHEAD),
        }
    }

    /// Adds bytes by copying them. `start` is their place in the writer's own count.
    pub(super) fn push(&mut self, now: Instant, start: u64, data: &[u8], cost: usize) {
        self.extend(now, start, data.len(), cost);
        let mut rest = data;
        while !rest.is_empty() {
            let free = self.arena.capacity() - self.arena.len();
            if free == 0 {
                self.next_arena(rest.len());
                continue;
            }
            let (part, behind) = rest.split_at(free.min(rest.len()));
            self.arena.extend_from_slice(part);
            rest = behind;
        }
    }

    /// Adds bytes by copying them, if the open block and the arena have room for them as they are.
    pub(super) fn extend_in_place(&mut self, data: &[u8]) -> bool {
        let free = self.arena.capacity() - self.arena.len();
        let Some(open) = &mut self.open else {
            return false;
        };
        if data.len() > free || data.len() > self.max_block_bytes.saturating_sub(open.len) {
            return false;
        }
        open.len += data.len();
        open.cost += data.len();
        self.arena.extend_from_slice(data);
        true
    }

    /// True while memory is kept for more bytes.
    pub(super) fn holds_memory(&self) -> bool {
        self.arena_bytes > 0 || !self.full.is_empty()
    }

    /// Adds bytes as they are.
    pub(super) fn push_bytes(&mut self, now: Instant, start: u64, data: Bytes, cost: usize) {
        self.extend(now, start, data.len(), cost);
        self.cut_arena();
        self.chunks.push(data);
    }

    /// The first block, closed now if it was still growing.
    pub(super) fn take_first(&mut self) -> Option<Draft> {
        self.closed.pop_front().or_else(|| self.close())
    }

    /// Forgets everything and gives the memory back.
    pub(super) fn clear(&mut self) {
        self.closed = VecDeque::new();
        self.open = None;
        self.release();
    }

    /// Gives back what is kept for the next bytes. Called when there are none.
    pub(super) fn release(&mut self) {
        self.chunks = Vec::new();
        self.arena = BytesMut::new();
        self.full = VecDeque::new();
        self.arena_bytes = 0;
        if self.closed.is_empty() {
            self.closed = VecDeque::new();
        }
    }

    /// The open block, when `len` bytes more fit into it.
    fn fitting(&self, len: usize) -> Option<Open> {
        self.open
            .filter(|open| len <= self.max_block_bytes.saturating_sub(open.len))
    }

    fn extend(&mut self, now: Instant, start: u64, len: usize, cost: usize) {
        let open = match self.fitting(len) {
            Some(open) => open,
            None => {
                let full = self.close();
                self.closed.extend(full);
                Open {
                    start,
                    len: 0,
                    cost: 0,
                    since: now,
                }
            }
        };
        self.open = Some(Open {
            len: open.len + len,
            cost: open.cost + cost,
            ..open
        });
    }

    fn close(&mut self) -> Option<Draft> {
        let open = self.open.take()?;
        let payload = if self.chunks.is_empty() {
            Payload::from(self.arena.split().freeze())
        } else {
            self.cut_arena();
            Payload::from_chunks(std::mem::take(&mut self.chunks))
        };
        debug_assert_eq!(payload.len(), open.len, "every byte counted is in a chunk");
        Some(Draft {
            start: open.start,
            payload,
            cost: open.cost,
        })
    }

    fn cut_arena(&mut self) {
        if !self.arena.is_empty() {
            self.chunks.push(self.arena.split().freeze());
        }
    }

    /// Makes free space: the present arena is full, the next one is larger, or one of the largest that is free
    /// again.
    ///
    /// **Bound** of the full ones: a new one is made only while all of them hold what is unacknowledged.
    fn next_arena(&mut self, wanted: usize) {
        self.cut_arena();
        let full = std::mem::take(&mut self.arena);
        if self.arena_bytes == self.max_arena_bytes {
            self.full.push_back(full);
            if let Some(free) = self.free_arena() {
                self.arena = free;
                return;
            }
        }
        let grown = self.arena_bytes.saturating_mul(2).max(wanted);
        self.arena_bytes = grown.clamp(MIN_ARENA_BYTES, self.max_arena_bytes);
        self.arena = BytesMut::with_capacity(self.arena_bytes);
    }

    /// The oldest full arena, if nobody holds any of its bytes.
    fn free_arena(&mut self) -> Option<BytesMut> {
        let is_free = self.full.front_mut()?.try_reclaim(self.arena_bytes);
        is_free.then(|| self.full.pop_front()).flatten()
    }
}

impl fmt::Debug for Batch {
    /// Prints counts only: user bytes do not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("closed", &self.closed)
            .field("open", &self.open)
            .field("arena_bytes", &self.arena_bytes)
            .finish_non_exhaustive()
    }
}

/// Owned bytes from this length on are not copied. Shorter ones cost less to copy than to send as a piece of
/// their own.
const RIDE_BYTES: usize = 8 << 10;
/// The first arena: enough for a few small writes, little for a session that makes only one.
const MIN_ARENA_BYTES: usize = 2 << 10;
/// The largest arena: thousands of small writes for one allocation.
const MAX_ARENA_BYTES: usize = 512 << 10;
/// An arena is at most this part of the window, because one acknowledged byte less than all of it can keep
/// the whole arena alive.
const ARENAS_PER_WINDOW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can be made in no other way"
    )]
    fn push(batch: &mut Batch, data: &[u8]) {
        let cost = batch.cost(data.len(), false);
        batch.push(Instant::now(), 0, data, cost);
    }

    #[test]
    fn arenas_grow_with_use_up_to_their_limit_and_are_given_back() {
        let mut batch = Batch::new(8 << 20, 16 << 20);
        let mut kept = Vec::new();
        assert_eq!(batch.arena.capacity(), 0, "an idle session holds no buffer");
        for _ in 0..3_000 {
            push(&mut batch, &[1; 1_000]);
            kept.extend(batch.take_first());
        }
        assert_eq!(batch.arena_bytes, MAX_ARENA_BYTES);
        batch.release();
        assert_eq!((batch.arena.capacity(), batch.arena_bytes), (0, 0));
        push(&mut batch, b"little");
        assert_eq!(
            batch.arena_bytes, MIN_ARENA_BYTES,
            "a single byte takes no large buffer"
        );
    }

    #[test]
    fn a_busy_writer_uses_its_arenas_again() {
        let mut batch = Batch::new(8 << 20, 16 << 20);
        let mut places = std::collections::BTreeSet::new();
        let mut in_flight = VecDeque::new();
        for _ in 0..20_000 {
            push(&mut batch, &[1; 1_000]);
            in_flight.extend(batch.take_first());
            if in_flight.len() > 1_000 {
                in_flight.pop_front();
            }
            places.insert(batch.arena.as_ptr().addr() / MAX_ARENA_BYTES);
        }
        // A megabyte in flight, in arenas of half a megabyte that need not be aligned.
        assert!(places.len() <= 16, "{} places", places.len());
        assert!(batch.full.len() <= 3, "{} full arenas", batch.full.len());
        batch.release();
        assert!(batch.full.is_empty());
    }

    #[test]
    fn small_windows_have_small_arenas() {
        let mut batch = Batch::new(8 << 20, 64 << 10);
        let mut kept = Vec::new();
        for _ in 0..100 {
            push(&mut batch, &[1; 1_000]);
            kept.extend(batch.take_first());
        }
        assert_eq!(batch.arena_bytes, 4 << 10);
    }
}
