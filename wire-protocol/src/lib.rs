#![doc = include_str!("../README.md")]

pub mod append_block;
mod dispatch;
pub mod error;
mod field;
pub mod foreign;
pub mod frame;
mod layout;
pub mod message_type;
pub mod messages;
pub mod payload;
pub mod queue;
mod read;
pub mod reply;
pub mod request;
mod text;
pub mod version;

pub use error::{DecodeError, EncodeError};
pub use foreign::{Foreign, Unknown};
pub use frame::{
    Frame, FrameDecoder, FrameLimits, HEADER_BYTES, MAX_APPEND_BYTES, MAX_CONTROL_PAYLOAD,
    MAX_FRAME, MAX_HELLO_PAYLOAD, MAX_READ_BYTES, MAX_RECEIVED_PAYLOAD, MAX_SENT_PAYLOAD,
};
pub use layout::Encode;
pub use messages::{
    append::{
        AppendBlock, AppendBlockEnd, AppendSetup, ConditionalAppend, ConditionalBlockEnd,
        ConditionalCheckFailed, DataAppended, InvalidEventNumber, Padding, PartialEvent,
        SetupAppend,
    },
    attribute::{
        GetSegmentAttribute, SegmentAttribute, SegmentAttributeUpdated, UpdateSegmentAttribute,
    },
    failure::{
        AuthTokenCheckFailed, ErrorMessage, NoSuchSegment, OperationUnsupported,
        SegmentAlreadyExists, SegmentIsSealed, SegmentIsTruncated, WrongHost,
    },
    hello::{Hello, KeepAlive},
    read::{ReadSegment, SegmentRead},
    segment::{
        CreateSegment, DeleteSegment, GetStreamSegmentInfo, LocateOffset, OffsetLocated,
        SealSegment, SegmentCreated, SegmentDeleted, SegmentPolicyUpdated, SegmentSealed,
        SegmentTruncated, StreamSegmentInfo, TruncateSegment, UpdateSegmentPolicy,
    },
};
pub use payload::Payload;
pub use queue::{FrameQueue, MERGE_LIMIT};
pub use reply::Reply;
pub use request::Request;
pub use version::{IncompatibleVersion, OLDEST_COMPATIBLE_VERSION, WIRE_VERSION, negotiate};

/// The event number of a writer that has none yet: −2^63, in
/// [`AppendSetup`] and in the first [`DataAppended`] of a writer.
pub const NO_EVENT_NUMBER: i64 = i64::MIN;
