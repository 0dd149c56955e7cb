//! The read session as a [`Machine`], with what the reader keeps beside it.

use std::time::Instant;

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, FlowId, ScopedSegment};
use pravega_segment_session::{
    AttachFailure, Disconnect, ProtocolViolation, ReadEvent, ReadFailure, ReadFailureKind,
    ReadOptions, ReadSession, ReadStep,
};
use pravega_wire_protocol::{Reply, Request};
use snafu::IntoError as _;

use crate::{
    driver::{Effect, Hints, Machine},
    error::{
        BeyondEndSnafu, MissingSegmentSnafu, ReadError, ReadFailedSnafu, ReaderClosedSnafu,
        TruncatedSnafu,
    },
    link::SegmentLink,
    segment::SegmentInfo,
};

/// A read session and the errors that its reader reports.
pub(crate) struct Reading {
    session: ReadSession,
    segment: ScopedSegment,
    is_closed: bool,
    /// The reader wants the head and does not know where that is: offset 0 until the store says more.
    starts_at_head: bool,
}

/// What a read found.
pub(crate) enum Step<T> {
    Took(T),
    End,
}
