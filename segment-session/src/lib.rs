//! Append and read sessions of a Pravega segment as state machines: no I/O, no clock.
mod append;
mod attach;
mod backoff;
mod error;
mod read;
mod recovery;

pub use append::{
    AppendEvent, AppendFailure, AppendFailureKind, AppendOptions, AppendSession, AppendStats,
    Certainty, Fate, MAX_BLOCK_BYTES, ResyncError, Resynced, SubmitError, WriteMode,
};
pub use attach::{AttachFailure, AttachFailureKind, Disconnect};
pub use backoff::BackoffPolicy;
pub use error::ProtocolViolation;
pub use read::{
    MAX_OFFSET, MAX_REPLY_BYTES, MIN_REQUEST_BYTES, OnTruncation, ReadEvent, ReadFailure,
    ReadOptions, ReadSession, ReadStats, ReadStep, Readiness, SeekError, SegmentFacts,
};
pub use recovery::{Recovery, Refusal, TokenFault};
