//! Memory of large frames that have been handed out, to be used again when nobody holds them any more.
//!
//! Without it an allocator is free to give every large read reply memory that the process has not touched before, and
//! the kernel then clears each page of it first.

use std::collections::VecDeque;

use bytes::BytesMut;

use crate::limits::{MAX_SPARE_BUFFERS, MIN_SPARE_BYTES};

/// Buffers whose frames were cut off, the oldest first.
///
/// **Bound**: [`MAX_SPARE_BUFFERS`], each as long as a frame; none once the connection has gone quiet.
#[derive(Default)]
pub(crate) struct Spares {
    buffers: VecDeque<Spare>,
}

struct Spare {
    /// An empty handle: it keeps the memory, together with whoever holds slices of it.
    handle: BytesMut,
    capacity: usize,
}

impl Spares {
    /// Keeps the memory of a buffer that had room for `capacity` bytes, if it is worth it.
    pub(crate) fn keep(&mut self, mut buffer: BytesMut, capacity: usize) {
        if capacity < MIN_SPARE_BYTES {
            return;
        }
        buffer.clear();
        if self.buffers.len() >= MAX_SPARE_BUFFERS {
            self.buffers.pop_front();
        }
        self.buffers.push_back(Spare {
            handle: buffer,
            capacity,
        });
    }

    /// A buffer with room for `len` bytes, if one is free. Never one of more than twice that: a small frame should
    /// not keep a large buffer busy.
    pub(crate) fn take(&mut self, len: usize) -> Option<(BytesMut, usize)> {
        let fits = |spare: &Spare| (len..=len.saturating_mul(2)).contains(&spare.capacity);
        let free = |spare: &mut Spare| fits(spare) && spare.handle.try_reclaim(spare.capacity);
        let at = self.buffers.iter_mut().position(free)?;
        let spare = self.buffers.remove(at)?;
        Some((spare.handle, spare.capacity))
    }

    /// Gives everything back.
    pub(crate) fn clear(&mut self) {
        self.buffers = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// A buffer whose only frame was cut off, and the frame.
    fn used(capacity: usize) -> (BytesMut, BytesMut) {
        let mut buffer = BytesMut::zeroed(capacity);
        let frame = buffer.split_to(capacity);
        (buffer, frame)
    }

    #[test]
    fn memory_is_used_again_when_its_frame_is_dropped_and_not_before() {
        let mut spares = Spares::default();
        let (buffer, frame) = used(MIB);
        let place = frame.as_ptr();
        spares.keep(buffer, MIB);
        assert!(spares.take(MIB).is_none(), "the frame is still in use");
        drop(frame);
        let (again, capacity) = spares.take(MIB).unwrap();
        assert_eq!((again.as_ptr(), capacity), (place, MIB));
        assert!(again.capacity() >= MIB && again.is_empty());
        assert!(spares.take(MIB).is_none(), "it was taken");
    }

    #[test]
    fn a_small_frame_does_not_get_a_large_buffer() {
        let mut spares = Spares::default();
        spares.keep(used(MIB).0, MIB);
        assert!(spares.take(MIB / 2 - 1).is_none());
        assert!(spares.take(MIB + 1).is_none());
        assert!(spares.take(MIB / 2).is_some());
    }

    #[test]
    fn no_more_than_the_bound_are_kept() {
        let mut spares = Spares::default();
        for _ in 0..10 * MAX_SPARE_BUFFERS {
            spares.keep(used(MIN_SPARE_BYTES).0, MIN_SPARE_BYTES);
        }
        assert_eq!(spares.buffers.len(), MAX_SPARE_BUFFERS);
        spares.clear();
        assert!(spares.take(MIN_SPARE_BYTES).is_none());
    }

    #[test]
    fn small_buffers_are_not_kept() {
        let mut spares = Spares::default();
        spares.keep(used(4096).0, 4096);
        assert!(spares.buffers.is_empty());
    }
}
