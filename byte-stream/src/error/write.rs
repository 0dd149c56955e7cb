//! Errors of writing.

use std::{io, time::Duration};

use pravega_client_shared::ScopedSegment;
use pravega_segment_session::Certainty;
use snafu::Snafu;

use super::{Cause, SegmentError};

/// Why bytes could not be accepted, or could not be made durable.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum WriteError {
    /// Another writer appended first. Nothing is written until [`resync`](crate::ByteWriter::resync).
    #[snafu(display(
        "segment {segment} does not end at {expected}: another writer appended to it{}",
        may_be_stored(*certainty)
    ))]
    Conflict {
        /// The segment written to.
        segment: ScopedSegment,
        /// Where this writer believed the tail to be.
        expected: u64,
        /// Where the tail was found, if it is known.
        actual: Option<u64>,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
    },
    /// The segment was sealed.
    #[snafu(
        context(name(WriteSealedSnafu)),
        display("segment {segment} is sealed{}", may_be_stored(*certainty))
    )]
    Sealed {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
    },
    /// The segment was deleted, or never made.
    #[snafu(
        context(name(WriteNoSuchSegmentSnafu)),
        display("segment {segment} does not exist{}", may_be_stored(*certainty))
    )]
    NoSuchSegment {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
    },
    /// The writer cannot go on: refused credentials, a peer that breaks the protocol, lost data.
    #[snafu(display("writing to {segment} failed"))]
    Broken {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
        /// What happened.
        source: Cause,
    },
    /// The writer's buffer has no room now, and the writer was told not to wait.
    #[snafu(display("the buffer of the writer to {segment} is full, {room} bytes are free"))]
    Full {
        /// The segment written to.
        segment: ScopedSegment,
        /// Free room, in bytes.
        room: usize,
    },
    /// One append is larger than an atomic write may be.
    #[snafu(display("an atomic write has at most {max} bytes, this one has {len}"))]
    TooLarge {
        /// Length of the refused write, in bytes.
        len: usize,
        /// The most that is accepted, in bytes.
        max: usize,
    },
    /// The writer cannot move while accepted bytes are not durable.
    #[snafu(display("{bytes} bytes are not flushed yet"))]
    Unflushed {
        /// Accepted bytes that are not durable.
        bytes: u64,
    },
    /// The deadline passed. The writer goes on in the background; asking again is right.
    #[snafu(
        context(name(WriteTimeoutSnafu)),
        display("{operation} on {segment} did not end within {after:?}")
    )]
    Timeout {
        /// The segment written to.
        segment: ScopedSegment,
        /// What was waited for.
        operation: &'static str,
        /// The deadline.
        after: Duration,
        /// Whether the bytes concerned may be stored.
        certainty: Certainty,
        /// Why there was no connection, or who did not answer.
        source: Cause,
    },
    /// The writer or its factory was closed.
    #[snafu(display("the writer to {segment} is closed"))]
    Closed {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
    },
    /// A blocking call was ended by an [`Interrupt`](crate::blocking::Interrupt). The writer goes on; asking
    /// again is right.
    #[snafu(display("a call of the writer to {segment} was interrupted"))]
    Interrupted {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes concerned may be stored.
        certainty: Certainty,
    },
    /// Asking or changing the segment failed.
    #[snafu(context(false), display("the segment could not be asked"))]
    Segment {
        /// What failed.
        source: SegmentError,
    },
}

impl WriteError {
    /// True when the same call may succeed later without the caller changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Timeout { .. } | Self::Interrupted { .. } => true,
            Self::Segment { source } => source.is_retryable(),
            Self::Conflict { .. }
            | Self::Sealed { .. }
            | Self::NoSuchSegment { .. }
            | Self::Broken { .. }
            | Self::TooLarge { .. }
            | Self::Unflushed { .. }
            | Self::Closed { .. } => false,
        }
    }

    /// Whether the bytes that were not acknowledged may be in the segment all the same.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        match self {
            Self::Conflict { certainty, .. }
            | Self::Sealed { certainty, .. }
            | Self::NoSuchSegment { certainty, .. }
            | Self::Broken { certainty, .. }
            | Self::Timeout { certainty, .. }
            | Self::Closed { certainty, .. }
            | Self::Interrupted { certainty, .. } => *certainty,
            Self::Segment { source } => source.certainty(),
            Self::Full { .. } | Self::TooLarge { .. } | Self::Unflushed { .. } => {
                Certainty::Definite
            }
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::Conflict { .. } => io::ErrorKind::AlreadyExists,
            Self::Sealed { .. } => io::ErrorKind::ReadOnlyFilesystem,
            Self::NoSuchSegment { .. } => io::ErrorKind::NotFound,
            Self::Full { .. } => io::ErrorKind::WouldBlock,
            Self::TooLarge { .. } | Self::Unflushed { .. } => io::ErrorKind::InvalidInput,
            Self::Timeout { .. } => io::ErrorKind::TimedOut,
            Self::Closed { .. } => io::ErrorKind::BrokenPipe,
            Self::Segment { source } => source.io_kind(),
            // Not what std calls interrupted: its loops would call again and never end.
            Self::Broken { .. } | Self::Interrupted { .. } => io::ErrorKind::Other,
        }
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

fn may_be_stored(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Definite => "",
        _ => ", unacknowledged bytes may be stored",
    }
}
