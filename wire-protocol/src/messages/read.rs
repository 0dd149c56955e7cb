//! Reading a segment.

use std::sync::Arc;

use pravega_client_shared::DelegationToken;

use crate::{Payload, layout::layout};

/// Asks for bytes from an offset on. Each gets exactly one reply.
///
/// At or beyond the tail of an open segment the reply waits until there is something to say, without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSegment {
    /// The segment's name.
    pub segment: Arc<str>,
    /// The first byte wanted: an absolute offset.
    pub offset: i64,
    /// How many bytes are wanted. Segment stores round up to 8 and down to
    /// [`MAX_READ_BYTES`](crate::MAX_READ_BYTES).
    pub suggested_length: i32,
    /// Permission to read the segment.
    pub delegation_token: DelegationToken,
    /// Pairs the reply with this request; −1 when absent.
    pub request_id: i64,
}

layout!(ReadSegment = READ_SEGMENT {
    segment,
    offset,
    suggested_length,
    delegation_token,
    request_id or -1,
});

/// Bytes of a segment: as many as the segment store had at hand, possibly none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRead {
    /// The segment's name.
    pub segment: Arc<str>,
    /// The offset that was asked for.
    pub offset: i64,
    /// A hint that the data reaches the tail; not proof, in either direction.
    pub at_tail: bool,
    /// The segment is sealed and ends behind the data.
    pub end_of_segment: bool,
    /// The bytes at `offset`.
    pub data: Payload,
    /// The id of the [`ReadSegment`]; −1 when absent.
    pub request_id: i64,
}

layout!(SegmentRead = SEGMENT_READ {
    segment,
    offset,
    at_tail,
    end_of_segment,
    data as Blob,
    request_id or -1,
});
