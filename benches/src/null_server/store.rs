//! Segments without bytes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use pravega_wire_protocol::{
    FrameQueue, GetStreamSegmentInfo, MAX_READ_BYTES, ReadSegment, SegmentRead, StreamSegmentInfo,
};
use tokio::sync::mpsc;

use super::{ENDLESS, delay::DelayLine};

/// The way to a connection for replies that come later. Bounded by the requests that the client has out.
pub(super) type Outlet = mpsc::UnboundedSender<FrameQueue>;

/// Where endless segments end: far, and not so far that a client which adds to it overflows.
const FAR: i64 = 1 << 60;

/// What all connections share.
pub(super) struct Store {
    segments: Mutex<HashMap<Arc<str>, Arc<Segment>>>,
    /// What every read is served from.
    payload: Bytes,
    pub(super) delay: Option<DelayLine>,
}

/// A segment: where it ends, and who waits for more.
pub(super) struct Segment {
    is_endless: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tail: i64,
    parked: Vec<(ReadSegment, Outlet)>,
}

impl Store {
    pub(super) fn new(reply: usize, delay: Option<DelayLine>) -> Self {
        Self {
            segments: Mutex::default(),
            payload: Bytes::from(vec![7; reply.min(MAX_READ_BYTES)]),
            delay,
        }
    }

    /// The segment of this name, which is there from the first question on.
    pub(super) fn segment(&self, name: &Arc<str>) -> Arc<Segment> {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let segment = segments.entry(Arc::clone(name)).or_insert_with(|| {
            Arc::new(Segment {
                is_endless: name.split('/').next() == Some(ENDLESS),
                state: Mutex::default(),
            })
        });
        Arc::clone(segment)
    }

    pub(super) fn info(&self, ask: &GetStreamSegmentInfo) -> StreamSegmentInfo {
        let segment = self.segment(&ask.segment);
        StreamSegmentInfo {
            request_id: ask.request_id,
            segment: Arc::clone(&ask.segment),
            exists: true,
            is_sealed: false,
            is_deleted: false,
            last_modified: 0,
            write_offset: if segment.is_endless {
                FAR
            } else {
                segment.lock().tail
            },
            start_offset: 0,
        }
    }

    /// The reply, or none if it comes later by way of `outlet`.
    pub(super) fn read(&self, read: ReadSegment, outlet: &Outlet) -> Option<SegmentRead> {
        let segment = self.segment(&read.segment);
        if segment.is_endless {
            return Some(self.reply(&read, FAR));
        }
        let mut state = segment.lock();
        if read.offset < state.tail {
            return Some(self.reply(&read, state.tail));
        }
        state.parked.push((read, outlet.clone()));
        None
    }

    /// Makes a segment longer and answers who waited for that. Returns the tail, and whether somebody had waited.
    pub(super) fn append(&self, segment: &Segment, bytes: usize) -> (i64, bool) {
        let mut state = segment.lock();
        state.tail = state
            .tail
            .saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        let tail = state.tail;
        let is_due = |(read, _): &mut (ReadSegment, Outlet)| read.offset < tail;
        let mut has_told = false;
        for (read, outlet) in state.parked.extract_if(.., is_due) {
            let mut replies = FrameQueue::new();
            if replies.push(&self.reply(&read, tail)).is_ok() {
                outlet.send(replies).ok();
                has_told = true;
            }
        }
        (tail, has_told)
    }

    fn reply(&self, read: &ReadSegment, tail: i64) -> SegmentRead {
        let there = usize::try_from(tail.saturating_sub(read.offset)).unwrap_or(0);
        let asked = usize::try_from(read.suggested_length).unwrap_or(0);
        let len = there.min(asked).min(self.payload.len());
        SegmentRead {
            segment: Arc::clone(&read.segment),
            offset: read.offset,
            at_tail: len == there,
            end_of_segment: false,
            data: self.payload.slice(..len).into(),
            request_id: read.request_id,
        }
    }
}

impl Segment {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
