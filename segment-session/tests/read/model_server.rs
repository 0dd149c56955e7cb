//! A naive model of the reading side of a segment store: one segment, and the reads that wait at its tail.
//!
//! It follows what real stores were seen to do: replies of any length down to one byte, `at_tail` as a mere
//! hint, bytes that become readable a moment after the tail has moved, reads that wait without limit, and
//! connections closed without a word. What it is free to choose it chooses by the caller's [`Random`], so a
//! run repeats from its seed. It knows nothing of connections: the caller drops the waiting reads of one
//! that is lost, with [`ModelServer::forget_waiting`].

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use pravega_wire_protocol::{
    GetStreamSegmentInfo, NoSuchSegment, Payload, ReadSegment, Reply, Request, SegmentIsSealed,
    SegmentIsTruncated, SegmentRead, StreamSegmentInfo,
};

use crate::random::Random;

/// What the server does about a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It replies.
    Reply(Reply),
    /// It says nothing for now; see [`ModelServer::wake`].
    Waits,
    /// It closes the connection without a word.
    Close,
}

#[derive(Debug)]
pub(crate) struct ModelServer {
    head: u64,
    tail: u64,
    /// Bytes before this can be read; the others are acknowledged and not yet shown.
    shown: u64,
    is_sealed: bool,
    is_deleted: bool,
    waiting: Vec<ReadSegment>,
}

impl ModelServer {
    pub(crate) fn new(tail: u64) -> Self {
        Self {
            head: 0,
            tail,
            shown: tail,
            is_sealed: false,
            is_deleted: false,
            waiting: Vec::new(),
        }
    }

    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.is_deleted
    }

    /// How many reads wait at the tail or beyond it.
    pub(crate) fn waiting_at_tail(&self) -> usize {
        let is_there = |read: &&ReadSegment| start(read) >= self.tail;
        self.waiting.iter().filter(is_there).count()
    }

    /// Stores `len` more bytes. Readers see them after [`show`](Self::show).
    pub(crate) fn append(&mut self, len: u64) {
        if !self.is_sealed && !self.is_deleted {
            self.tail += len;
        }
    }

    /// Makes everything stored readable.
    pub(crate) fn show(&mut self) {
        self.shown = self.tail;
    }

    /// Everything is shown before the end is told.
    pub(crate) fn seal(&mut self) {
        self.show();
        self.is_sealed = true;
    }

    pub(crate) fn truncate(&mut self, head: u64) {
        self.head = head.clamp(self.head, self.shown);
    }

    pub(crate) fn delete(&mut self) {
        self.is_deleted = true;
    }

    /// Reads that waited for a lost connection: their replies would be lost as well.
    pub(crate) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Lets go of the segment, as a store does before it moves: waiting reads are answered empty.
    pub(crate) fn unload(&mut self) -> Vec<Reply> {
        self.waiting.drain(..).map(|read| empty(&read)).collect()
    }

    pub(crate) fn request(&mut self, request: &Request, random: &mut Random) -> Answer {
        match request {
            Request::GetStreamSegmentInfo(question) => Answer::Reply(self.info(question)),
            Request::ReadSegment(read) => self.read(read, random),
            other => panic!("a read session sent {other:?}"),
        }
    }

    /// The replies to reads that need not wait any longer.
    pub(crate) fn wake(&mut self, random: &mut Random) -> Vec<Reply> {
        let mut replies = Vec::new();
        for read in std::mem::take(&mut self.waiting) {
            if self.is_deleted {
                replies.push(empty(&read));
            } else if start(&read) >= self.shown && self.is_sealed {
                replies.push(sealed(&read));
            } else {
                match self.read(&read, random) {
                    Answer::Reply(Reply::SegmentRead(reply)) => {
                        // Of a read that waited, the tail is always said to be near.
                        let at_tail = true;
                        replies.push(SegmentRead { at_tail, ..reply }.into());
                    }
                    Answer::Reply(reply) => replies.push(reply),
                    Answer::Waits => {}
                    Answer::Close => panic!("a read that waited closes no connection"),
                }
            }
        }
        replies
    }

    fn read(&mut self, read: &ReadSegment, random: &mut Random) -> Answer {
        let at = start(read);
        if self.is_deleted {
            return Answer::Reply(no_such_segment(read.request_id, read.offset, &read.segment));
        }
        if at < self.head {
            return Answer::Reply(truncated(read, self.head));
        }
        if self.is_sealed && at > self.tail {
            return Answer::Close;
        }
        if at >= self.shown && !self.is_sealed {
            self.waiting.push(read.clone());
            return Answer::Waits;
        }
        let asked = u64::try_from(read.suggested_length.max(0)).unwrap();
        let most = asked.clamp(8, 2 << 20).min(self.shown - at);
        let len = match random.below(4) {
            0 => most.min(1),
            1 => u64::try_from(random.below(usize::try_from(most + 1).unwrap())).unwrap(),
            _ => most,
        };
        // An empty reply to a sealed segment says the end only at the end.
        let len = if at < self.shown { len.max(1) } else { 0 };
        let is_cut_by_tail = at + len == self.shown && len < asked.clamp(8, 2 << 20);
        Answer::Reply(
            SegmentRead {
                segment: Arc::clone(&read.segment),
                offset: read.offset,
                at_tail: is_cut_by_tail && !self.is_sealed && !random.one_in(8),
                end_of_segment: is_cut_by_tail && self.is_sealed,
                data: payload(at..at + len, random),
                request_id: read.request_id,
            }
            .into(),
        )
    }

    fn info(&self, question: &GetStreamSegmentInfo) -> Reply {
        if self.is_deleted {
            return no_such_segment(question.request_id, -1, &question.segment);
        }
        StreamSegmentInfo {
            request_id: question.request_id,
            segment: Arc::clone(&question.segment),
            exists: true,
            is_sealed: self.is_sealed,
            is_deleted: false,
            last_modified: 0,
            write_offset: i64::try_from(self.tail).unwrap(),
            start_offset: i64::try_from(self.head).unwrap(),
        }
        .into()
    }
}

/// What every segment has at these offsets: noise, so that bytes from another place are noticed.
pub(crate) fn content(range: Range<u64>) -> Bytes {
    let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap());
    let mut at = range.start;
    while at < range.end {
        let from = usize::try_from(at % NOISE_LEN).unwrap();
        let left = usize::try_from(range.end - at).unwrap();
        let piece = &NOISE[from..NOISE.len().min(from + left)];
        bytes.extend_from_slice(piece);
        at += u64::try_from(piece.len()).unwrap();
    }
    bytes.into()
}

/// After so many bytes the noise repeats. A prime, so that no round distance is a multiple of it.
const NOISE_LEN: u64 = 1_048_573;

static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::new(0);
    let bytes = (0..NOISE_LEN).map(|_| random.next().to_le_bytes()[0]);
    bytes.collect()
});

fn payload(range: Range<u64>, random: &mut Random) -> Payload {
    let whole = content(range);
    if whole.len() > 1 && random.one_in(4) {
        let at = random.below(whole.len());
        return Payload::from_chunks(vec![whole.slice(..at), whole.slice(at..)]);
    }
    whole.into()
}

fn start(read: &ReadSegment) -> u64 {
    u64::try_from(read.offset).expect("a session asked for a negative offset")
}

fn empty(read: &ReadSegment) -> Reply {
    SegmentRead {
        segment: Arc::clone(&read.segment),
        offset: read.offset,
        at_tail: true,
        end_of_segment: false,
        data: Payload::new(),
        request_id: read.request_id,
    }
    .into()
}

fn sealed(read: &ReadSegment) -> Reply {
    SegmentIsSealed {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        server_stack_trace: String::new(),
        offset: read.offset,
    }
    .into()
}

fn truncated(read: &ReadSegment, head: u64) -> Reply {
    SegmentIsTruncated {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        start_offset: i64::try_from(head).unwrap(),
        server_stack_trace: String::new(),
        offset: read.offset,
    }
    .into()
}

fn no_such_segment(request_id: i64, offset: i64, segment: &Arc<str>) -> Reply {
    NoSuchSegment {
        request_id,
        segment: Arc::clone(segment),
        server_stack_trace: String::new(),
        offset,
    }
    .into()
}
