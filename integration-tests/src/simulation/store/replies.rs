//! Failure replies, as a real segment store words them.

use std::sync::Arc;

use pravega_wire_protocol::{
    AuthTokenCheckFailed, ErrorMessage, NoSuchSegment, Payload, ReadSegment, Reply,
    SegmentAlreadyExists, SegmentIsSealed, SegmentIsTruncated, SegmentRead, WrongHost,
};

/// Why a setup or a read is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The segment is said to be elsewhere, though it is not.
    WrongHost,
    /// The token ran out, and the store says so.
    Expired,
    /// The token ran out, and the store closes the connection.
    ExpiredInSilence,
    /// The token does not permit it.
    Forbidden,
    /// Something else is wrong.
    Error,
    /// The side segment is just being made.
    NotYet,
}

impl Refusal {
    pub(crate) const ALL: [Self; 6] = [
        Self::WrongHost,
        Self::Expired,
        Self::ExpiredInSilence,
        Self::Forbidden,
        Self::Error,
        Self::NotYet,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WrongHost => "refused: wrong host",
            Self::Expired => "refused: token expired",
            Self::ExpiredInSilence => "closed: token expired",
            Self::Forbidden => "refused: token forbidden",
            Self::Error => "refused: error message",
            Self::NotYet => "refused: not yet",
        }
    }

    /// The store closes the connection behind the answer.
    pub(super) fn closes(self) -> bool {
        matches!(self, Self::Expired | Self::ExpiredInSilence)
    }

    /// The answer, if there is one.
    pub(super) fn reply(self, request_id: i64, segment: &Arc<str>) -> Option<Reply> {
        let server_stack_trace = String::new();
        Some(match self {
            Self::ExpiredInSilence => return None,
            Self::WrongHost => wrong_host(request_id, segment),
            Self::Expired => token(request_id, AuthTokenCheckFailed::EXPIRED),
            Self::Forbidden => token(request_id, AuthTokenCheckFailed::CHECK_FAILED),
            Self::Error => ErrorMessage {
                request_id,
                segment: Arc::clone(segment),
                message: "busy".to_owned(),
                error_code: ErrorMessage::UNSPECIFIED,
            }
            .into(),
            Self::NotYet => SegmentAlreadyExists {
                request_id,
                segment: Arc::clone(segment),
                server_stack_trace,
            }
            .into(),
        })
    }
}

fn token(request_id: i64, error_code: i32) -> Reply {
    AuthTokenCheckFailed {
        request_id,
        server_stack_trace: String::new(),
        error_code,
    }
    .into()
}

pub(super) fn wrong_host(request_id: i64, segment: &Arc<str>) -> Reply {
    WrongHost {
        request_id,
        segment: Arc::clone(segment),
        correct_host: String::new(),
        server_stack_trace: String::new(),
    }
    .into()
}

/// `offset` is the event number of an append and the offset of a read.
pub(super) fn sealed(request_id: i64, segment: &Arc<str>, offset: i64) -> Reply {
    SegmentIsSealed {
        request_id,
        segment: Arc::clone(segment),
        server_stack_trace: String::new(),
        offset,
    }
    .into()
}

pub(super) fn missing(request_id: i64, segment: &Arc<str>, offset: i64) -> Reply {
    NoSuchSegment {
        request_id,
        segment: Arc::clone(segment),
        server_stack_trace: String::new(),
        offset,
    }
    .into()
}

pub(super) fn truncated(read: &ReadSegment, head: u64) -> Reply {
    SegmentIsTruncated {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        start_offset: i64::try_from(head).unwrap_or(i64::MAX),
        server_stack_trace: String::new(),
        offset: read.offset,
    }
    .into()
}

/// What a store says to waiting reads when it lets go of the segment.
pub(super) fn empty(read: &ReadSegment) -> Reply {
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
