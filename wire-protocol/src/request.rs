//! What a client sends to a segment store.

use bytes::{Buf, Bytes};

use crate::{
    AppendBlock, AppendBlockEnd, ConditionalAppend, ConditionalBlockEnd, CreateSegment,
    DecodeError, DeleteSegment, EncodeError, Foreign, Frame, FrameQueue, GetSegmentAttribute,
    GetStreamSegmentInfo, Hello, KeepAlive, LocateOffset, Padding, ReadSegment, SealSegment,
    SetupAppend, TruncateSegment, Unknown, UpdateSegmentAttribute, UpdateSegmentPolicy,
    dispatch::dispatch,
    foreign::UNKNOWN,
    layout::{self, Encode, Message, sealed::Sealed},
    message_type,
};

/// A message from a client to a segment store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Version exchange.
    Hello(Hello),
    /// Sign of life.
    KeepAlive(KeepAlive),
    /// Opens an append session.
    SetupAppend(SetupAppend),
    /// Parks data for the block's end.
    AppendBlock(AppendBlock),
    /// Appends.
    AppendBlockEnd(AppendBlockEnd),
    /// Appends one event at an expected offset.
    ConditionalAppend(ConditionalAppend),
    /// Appends at an expected offset.
    ConditionalBlockEnd(ConditionalBlockEnd),
    /// Nothing.
    Padding(Padding),
    /// Reads.
    ReadSegment(ReadSegment),
    /// Asks for head, tail and state.
    GetStreamSegmentInfo(GetStreamSegmentInfo),
    /// Creates a segment.
    CreateSegment(CreateSegment),
    /// Ends a segment.
    SealSegment(SealSegment),
    /// Deletes a segment.
    DeleteSegment(DeleteSegment),
    /// Changes the scaling policy of a segment.
    UpdateSegmentPolicy(UpdateSegmentPolicy),
    /// Moves the head of a segment.
    TruncateSegment(TruncateSegment),
    /// Asks for an attribute.
    GetSegmentAttribute(GetSegmentAttribute),
    /// Sets an attribute.
    UpdateSegmentAttribute(UpdateSegmentAttribute),
    /// Asks for an append boundary.
    LocateOffset(LocateOffset),
    /// A known type that is no request of byte streams.
    Foreign(Foreign),
    /// An unknown type.
    Unknown(Unknown),
}

dispatch!(Request {
    Hello,
    KeepAlive,
    SetupAppend,
    AppendBlock,
    AppendBlockEnd,
    ConditionalAppend,
    ConditionalBlockEnd,
    Padding,
    ReadSegment,
    GetStreamSegmentInfo,
    CreateSegment,
    SealSegment,
    DeleteSegment,
    UpdateSegmentPolicy,
    TruncateSegment,
    GetSegmentAttribute,
    UpdateSegmentAttribute,
    LocateOffset,
});
