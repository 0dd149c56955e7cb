//! Errors of finding, opening, asking and changing a segment.

use std::{io, time::Duration};

use pravega_client_shared::{ScopeName, ScopedSegment, ScopedStream};
use pravega_segment_session::Certainty;
use snafu::Snafu;

use super::Cause;

/// Why a segment could not be found, opened, asked or changed.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum SegmentError {
    /// The scope does not exist.
    #[snafu(display("scope {scope} does not exist"))]
    ScopeNotFound {
        /// The scope asked for.
        scope: ScopeName,
    },
    /// The scope exists, the stream does not.
    #[snafu(display("stream {stream} does not exist"))]
    StreamNotFound {
        /// The stream asked for.
        stream: ScopedStream,
    },
    /// The stream was sealed at the controller: it takes no more bytes.
    #[snafu(display("stream {stream} is sealed"))]
    StreamSealed {
        /// The stream asked for.
        stream: ScopedStream,
    },
    /// A byte stream has one segment; this stream has another number of them.
    #[snafu(display("stream {stream} has {segments} segments, a byte stream has one"))]
    NotAByteStream {
        /// The stream asked for.
        stream: ScopedStream,
        /// How many segments it has.
        segments: usize,
    },
    /// The segment store does not have the segment: it was deleted, or never made.
    #[snafu(display("segment {segment} does not exist"))]
    NoSuchSegment {
        /// The segment asked for.
        segment: ScopedSegment,
    },
    /// The segment is sealed: it takes no more bytes.
    #[snafu(display("segment {segment} is sealed"))]
    Sealed {
        /// The segment asked for.
        segment: ScopedSegment,
    },
    /// The offset lies behind the tail.
    #[snafu(display(
        "offset {offset} is behind the tail of segment {segment}, which reaches from {head} to {tail}"
    ))]
    OutOfRange {
        /// The segment asked for.
        segment: ScopedSegment,
        /// The offset asked for.
        offset: u64,
        /// The first readable offset.
        head: u64,
        /// The offset of the next byte to be written, as it was right after the refusal.
        tail: u64,
    },
    /// The tail is not where the caller expected it when it opened the segment.
    #[snafu(display("segment {segment} ends at {actual}, not at {expected}"))]
    TailConflict {
        /// The segment that was opened.
        segment: ScopedSegment,
        /// The tail that was expected.
        expected: u64,
        /// The tail that was found.
        actual: u64,
    },
    /// The peer refused the credentials, or they do not permit the operation.
    #[snafu(display("not permitted to use {target}"))]
    Unauthorized {
        /// The stream or segment asked for.
        target: String,
        /// What refused, where it said more.
        source: Cause,
    },
    /// The peer cannot do what was asked.
    #[snafu(display("{operation} on {segment} was refused"))]
    Refused {
        /// The segment asked for.
        segment: ScopedSegment,
        /// What was asked.
        operation: &'static str,
        /// What the peer answered.
        source: Cause,
    },
    /// Neither the controller nor a segment store could be asked before the deadline, or they asked for patience until
    /// then: a store that is full does.
    #[snafu(display("{operation} on {target} is not possible now"))]
    Unavailable {
        /// The stream or segment asked for.
        target: String,
        /// What was asked.
        operation: &'static str,
        /// The last failure before giving up.
        source: Cause,
    },
    /// The deadline passed while the operation was still under way.
    #[snafu(display("{operation} on {target} did not end within {after:?}"))]
    Timeout {
        /// The stream or segment asked for.
        target: String,
        /// What was asked.
        operation: &'static str,
        /// The deadline.
        after: Duration,
        /// Who did not answer.
        source: Cause,
    },
    /// The factory cannot work at all, for instance because no trust root can be loaded.
    #[snafu(display("the client could not be set up"))]
    Setup {
        /// What failed.
        source: Cause,
    },
    /// The factory was shut down.
    #[snafu(display("the client is shut down"))]
    ShutDown,
}

impl SegmentError {
    /// True when the same call may succeed later without the caller changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Timeout { .. } => true,
            Self::ScopeNotFound { .. }
            | Self::StreamNotFound { .. }
            | Self::StreamSealed { .. }
            | Self::NotAByteStream { .. }
            | Self::NoSuchSegment { .. }
            | Self::Sealed { .. }
            | Self::OutOfRange { .. }
            | Self::TailConflict { .. }
            | Self::Unauthorized { .. }
            | Self::Refused { .. }
            | Self::Setup { .. }
            | Self::ShutDown => false,
        }
    }

    /// Whether a change that was asked for may have taken place all the same.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        match self {
            Self::Unavailable { .. } | Self::Timeout { .. } => Certainty::Indeterminate,
            _ => Certainty::Definite,
        }
    }

    pub(super) fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::ScopeNotFound { .. }
            | Self::StreamNotFound { .. }
            | Self::NoSuchSegment { .. } => io::ErrorKind::NotFound,
            Self::Unauthorized { .. } => io::ErrorKind::PermissionDenied,
            Self::Timeout { .. } => io::ErrorKind::TimedOut,
            Self::Unavailable { .. } => io::ErrorKind::NotConnected,
            Self::OutOfRange { .. } | Self::NotAByteStream { .. } => io::ErrorKind::InvalidInput,
            Self::Sealed { .. } | Self::StreamSealed { .. } => io::ErrorKind::ReadOnlyFilesystem,
            _ => io::ErrorKind::Other,
        }
    }
}

impl From<SegmentError> for io::Error {
    fn from(error: SegmentError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
