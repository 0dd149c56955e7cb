//! Every failure reply outside the append numbers, in one place.

use std::sync::Arc;

use crate::layout::layout;

/// The segment is not on this segment store. Ask the controller where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongHost {
    /// The id of the request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Where it is: always empty from the Java server.
    pub correct_host: String,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
}

layout!(WrongHost = WRONG_HOST {
    request_id,
    segment,
    correct_host,
    server_stack_trace or "",
});

/// The segment is sealed. For a read that waited at the tail it means the end of the segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentIsSealed {
    /// The id of the request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
    /// The *event number* of an append, the offset of a read, −1 for everything else and when absent.
    /// It never tells where the segment ends.
    pub offset: i64,
}

layout!(SegmentIsSealed = SEGMENT_IS_SEALED {
    request_id,
    segment,
    server_stack_trace or "",
    offset or -1,
});

/// The segment to be created is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentAlreadyExists {
    /// The id of the request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
}

layout!(SegmentAlreadyExists = SEGMENT_ALREADY_EXISTS {
    request_id,
    segment,
    server_stack_trace or "",
});

/// There is no such segment, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchSegment {
    /// The id of the request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
    /// The offset of a read or a truncation; −1 for everything else and when absent.
    pub offset: i64,
}

layout!(NoSuchSegment = NO_SUCH_SEGMENT {
    request_id,
    segment,
    server_stack_trace or "",
    offset or -1,
});

/// A read or a truncation in front of the head, or a truncation beyond the tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentIsTruncated {
    /// The id of the request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// The head: the first offset that can be read.
    pub start_offset: i64,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
    /// The offset the request named; −1 when absent.
    pub offset: i64,
}

layout!(SegmentIsTruncated = SEGMENT_IS_TRUNCATED {
    request_id,
    segment,
    start_offset,
    server_stack_trace or "",
    offset or -1,
});

/// This segment store does not do that, or not now: it may be read-only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationUnsupported {
    /// The id of the request.
    pub request_id: i64,
    /// A short text, such as "appending data".
    pub operation_name: String,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
}

layout!(OperationUnsupported = OPERATION_UNSUPPORTED {
    request_id,
    operation_name,
    server_stack_trace or "",
});

/// The delegation token was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthTokenCheckFailed {
    /// The id of the request; for a refused *read*, segment stores put the read's offset here.
    pub request_id: i64,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
    /// One of the constants of this type; others count as [`AuthTokenCheckFailed::CHECK_FAILED`].
    pub error_code: i32,
}

impl AuthTokenCheckFailed {
    /// No reason given; also the value when the field is absent.
    pub const UNSPECIFIED: i32 = -1;
    /// Missing, malformed, badly signed, or not for this segment: this token will never do.
    pub const CHECK_FAILED: i32 = 0;
    /// Expired: a new one will do.
    pub const EXPIRED: i32 = 1;

    /// True when a new token for the same user would help.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.error_code == Self::EXPIRED
    }
}

layout!(AuthTokenCheckFailed = AUTH_TOKEN_CHECK_FAILED {
    request_id,
    server_stack_trace or "",
    error_code or Self::UNSPECIFIED,
});

/// Something else went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorMessage {
    /// The id of the request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// What went wrong, for people.
    pub message: String,
    /// One of the constants of this type; others count as [`ErrorMessage::UNSPECIFIED`].
    pub error_code: i32,
}

impl ErrorMessage {
    /// No reason given.
    pub const UNSPECIFIED: i32 = -1;
    /// The request names something impossible, such as an offset beyond the end of a sealed segment.
    pub const ILLEGAL_ARGUMENT: i32 = 0;
}

layout!(
    ErrorMessage = ERROR_MESSAGE {
        request_id,
        segment,
        message,
        error_code,
    }
);
