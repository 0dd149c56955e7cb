//! What a healthy store would say.

use std::sync::Arc;

use bytes::Bytes;
use pravega_wire_protocol::{
    GetStreamSegmentInfo, MAX_READ_BYTES, Payload, ReadSegment, Reply, Request, SegmentIsTruncated,
    SegmentRead, StreamSegmentInfo,
};

/// The fewest bytes that a store reads for one request.
const LEAST_READ: usize = 8;

/// A segment as a healthy store shows it, for the questions of a reader.
#[derive(Debug, Clone)]
pub struct Honest {
    /// All bytes ever written, also those that are truncated.
    pub bytes: Bytes,
    /// The first readable offset.
    pub head: usize,
    /// Nothing more will come.
    pub is_sealed: bool,
}

impl Honest {
    /// A segment that may grow.
    pub fn open(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            head: 0,
            is_sealed: false,
        }
    }

    /// A segment that ends behind its bytes.
    pub fn sealed(bytes: impl Into<Bytes>) -> Self {
        Self {
            is_sealed: true,
            ..Self::open(bytes)
        }
    }

    /// The right answer. None for what a healthy store would answer later, and for what no reader asks.
    pub fn answer(&self, request: &Request) -> Option<Reply> {
        match request {
            Request::ReadSegment(read) => self.read(read, MAX_READ_BYTES),
            Request::GetStreamSegmentInfo(ask) => Some(self.info(ask).into()),
            _ => None,
        }
    }

    /// The right answer to a read, with at most `max` bytes. None where a healthy store lets it wait.
    pub fn read(&self, read: &ReadSegment, max: usize) -> Option<Reply> {
        let asked = usize::try_from(read.suggested_length).unwrap_or_default();
        let from = usize::try_from(read.offset).unwrap_or(usize::MAX);
        if from < self.head {
            return Some(self.truncated(read).into());
        }
        let end = from
            .saturating_add(asked.clamp(LEAST_READ, MAX_READ_BYTES).min(max))
            .min(self.bytes.len());
        let data = self.bytes.get(from..end)?;
        let is_short = data.len() < asked && end == self.bytes.len();
        if data.is_empty() && !self.is_sealed {
            return None;
        }
        let reply = SegmentRead {
            at_tail: is_short && !self.is_sealed,
            end_of_segment: is_short && self.is_sealed,
            data: self.bytes.slice_ref(data).into(),
            ..Self::nothing(read)
        };
        Some(reply.into())
    }

    /// The reply that is neither bytes nor the end. A store sends it when it lets go of a segment; others to
    /// the same read are made of it.
    pub fn nothing(read: &ReadSegment) -> SegmentRead {
        SegmentRead {
            segment: Arc::clone(&read.segment),
            offset: read.offset,
            at_tail: true,
            end_of_segment: false,
            data: Payload::new(),
            request_id: read.request_id,
        }
    }

    /// Head, tail, and whether it is sealed.
    pub fn info(&self, ask: &GetStreamSegmentInfo) -> StreamSegmentInfo {
        StreamSegmentInfo {
            request_id: ask.request_id,
            segment: Arc::clone(&ask.segment),
            exists: true,
            is_sealed: self.is_sealed,
            is_deleted: false,
            last_modified: 0,
            write_offset: on_wire(self.bytes.len()),
            start_offset: on_wire(self.head),
        }
    }

    fn truncated(&self, read: &ReadSegment) -> SegmentIsTruncated {
        SegmentIsTruncated {
            request_id: read.request_id,
            segment: Arc::clone(&read.segment),
            start_offset: on_wire(self.head),
            server_stack_trace: String::new(),
            offset: read.offset,
        }
    }
}

fn on_wire(offset: usize) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
