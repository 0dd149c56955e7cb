//! What a segment store sends to a client.

use bytes::{Buf, Bytes};

use crate::{
    AppendSetup, AuthTokenCheckFailed, ConditionalCheckFailed, DataAppended, DecodeError,
    EncodeError, ErrorMessage, Foreign, Frame, FrameQueue, Hello, InvalidEventNumber, KeepAlive,
    NoSuchSegment, OffsetLocated, OperationUnsupported, SegmentAlreadyExists, SegmentAttribute,
    SegmentAttributeUpdated, SegmentCreated, SegmentDeleted, SegmentIsSealed, SegmentIsTruncated,
    SegmentPolicyUpdated, SegmentRead, SegmentSealed, SegmentTruncated, StreamSegmentInfo, Unknown,
    WrongHost,
    dispatch::dispatch,
    foreign::UNKNOWN,
    layout::{self, Encode, Message, sealed::Sealed},
    message_type,
};

/// A message from a segment store to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Version exchange.
    Hello(Hello),
    /// Sign of life.
    KeepAlive(KeepAlive),
    /// The append session is open.
    AppendSetup(AppendSetup),
    /// The ack.
    DataAppended(DataAppended),
    /// The segment did not end at the expected offset.
    ConditionalCheckFailed(ConditionalCheckFailed),
    /// The event number does not follow what is stored.
    InvalidEventNumber(InvalidEventNumber),
    /// Bytes of the segment.
    SegmentRead(SegmentRead),
    /// Head, tail and state.
    StreamSegmentInfo(StreamSegmentInfo),
    /// The segment was created.
    SegmentCreated(SegmentCreated),
    /// The segment was sealed.
    SegmentSealed(SegmentSealed),
    /// The segment was deleted.
    SegmentDeleted(SegmentDeleted),
    /// The scaling policy was changed.
    SegmentPolicyUpdated(SegmentPolicyUpdated),
    /// The head was moved.
    SegmentTruncated(SegmentTruncated),
    /// The value of an attribute.
    SegmentAttribute(SegmentAttribute),
    /// Whether an attribute was set.
    SegmentAttributeUpdated(SegmentAttributeUpdated),
    /// An append boundary.
    OffsetLocated(OffsetLocated),
    /// The segment is elsewhere.
    WrongHost(WrongHost),
    /// The segment is sealed.
    SegmentIsSealed(SegmentIsSealed),
    /// The segment is there already.
    SegmentAlreadyExists(SegmentAlreadyExists),
    /// There is no such segment.
    NoSuchSegment(NoSuchSegment),
    /// The offset is in front of the head.
    SegmentIsTruncated(SegmentIsTruncated),
    /// The segment store does not do that.
    OperationUnsupported(OperationUnsupported),
    /// The token was refused.
    AuthTokenCheckFailed(AuthTokenCheckFailed),
    /// Something else went wrong.
    ErrorMessage(ErrorMessage),
    /// A known type that is no reply of byte streams.
    Foreign(Foreign),
    /// An unknown type.
    Unknown(Unknown),
}

dispatch!(Reply {
    Hello,
    KeepAlive,
    AppendSetup,
    DataAppended,
    ConditionalCheckFailed,
    InvalidEventNumber,
    SegmentRead,
    StreamSegmentInfo,
    SegmentCreated,
    SegmentSealed,
    SegmentDeleted,
    SegmentPolicyUpdated,
    SegmentTruncated,
    SegmentAttribute,
    SegmentAttributeUpdated,
    OffsetLocated,
    WrongHost,
    SegmentIsSealed,
    SegmentAlreadyExists,
    NoSuchSegment,
    SegmentIsTruncated,
    OperationUnsupported,
    AuthTokenCheckFailed,
    ErrorMessage,
});

impl Reply {
    /// True for replies that say the request was not done.
    ///
    /// A failed condition is none of them, as in the Java client: it is one of two regular outcomes.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::InvalidEventNumber(_)
            | Self::WrongHost(_)
            | Self::SegmentIsSealed(_)
            | Self::SegmentAlreadyExists(_)
            | Self::NoSuchSegment(_)
            | Self::SegmentIsTruncated(_)
            | Self::OperationUnsupported(_)
            | Self::AuthTokenCheckFailed(_)
            | Self::ErrorMessage(_) => true,
            Self::Hello(_)
            | Self::KeepAlive(_)
            | Self::AppendSetup(_)
            | Self::DataAppended(_)
            | Self::ConditionalCheckFailed(_)
            | Self::SegmentRead(_)
            | Self::StreamSegmentInfo(_)
            | Self::SegmentCreated(_)
            | Self::SegmentSealed(_)
            | Self::SegmentDeleted(_)
            | Self::SegmentPolicyUpdated(_)
            | Self::SegmentTruncated(_)
            | Self::SegmentAttribute(_)
            | Self::SegmentAttributeUpdated(_)
            | Self::OffsetLocated(_)
            | Self::Foreign(_)
            | Self::Unknown(_) => false,
        }
    }
}
