//! Errors of reading.

use std::{io, time::Duration};

use pravega_client_shared::ScopedSegment;
use snafu::Snafu;

use super::{Cause, SegmentError};

/// Why bytes could not be read.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes asked for were truncated. [`seek`](crate::ByteReader::seek) to `head` or behind it.
    #[snafu(display("offset {requested} of {segment} was truncated, it starts at {head}"))]
    Truncated {
        /// The segment read.
        segment: ScopedSegment,
        /// The offset asked for.
        requested: u64,
        /// The first readable offset.
        head: u64,
    },
    /// The offset lies behind the end of a sealed segment.
    #[snafu(display(
        "offset {offset} is beyond the end of {segment}, which is sealed at {length}"
    ))]
    BeyondEnd {
        /// The segment read.
        segment: ScopedSegment,
        /// The offset asked for.
        offset: u64,
        /// Where the sealed segment ends.
        length: u64,
    },
    /// A range was asked for that the segment does not hold yet.
    #[snafu(display("{segment} ends at {tail}, {wanted} is wanted"))]
    Incomplete {
        /// The segment read.
        segment: ScopedSegment,
        /// The end of the range asked for.
        wanted: u64,
        /// The tail when it was asked for.
        tail: u64,
    },
    /// A seek to a place that no segment has: below 0 or above 2^63 − 1.
    #[snafu(display("no segment has that offset"))]
    InvalidSeek,
    /// The segment was deleted, or never made.
    #[snafu(
        context(name(ReadNoSuchSegmentSnafu)),
        display("segment {segment} does not exist")
    )]
    NoSuchSegment {
        /// The segment read.
        segment: ScopedSegment,
    },
    /// The reader cannot go on: refused credentials, or a peer that breaks the protocol.
    #[snafu(context(name(ReadBrokenSnafu)), display("reading {segment} failed"))]
    Broken {
        /// The segment read.
        segment: ScopedSegment,
        /// What happened.
        source: Cause,
    },
    /// Neither controller nor segment store could be reached for the operation time-out. The reader goes on
    /// trying; asking again is right.
    #[snafu(display("{segment} could not be reached for {after:?}"))]
    Unreachable {
        /// The segment read.
        segment: ScopedSegment,
        /// How long it was tried at least.
        after: Duration,
        /// Why the last attempt failed.
        source: Cause,
    },
    /// No byte arrived within the time that the reader was told to wait.
    #[snafu(display("{segment} had no byte at {offset} for {after:?}"))]
    Idle {
        /// The segment read.
        segment: ScopedSegment,
        /// The offset waited at.
        offset: u64,
        /// How long it was waited for.
        after: Duration,
    },
    /// The end of the segment came before the buffer was full.
    #[snafu(display("{segment} ended at {length} with {missing} bytes still wanted"))]
    UnexpectedEnd {
        /// The segment read.
        segment: ScopedSegment,
        /// Where it ends.
        length: u64,
        /// How many bytes were wanted in addition.
        missing: usize,
    },
    /// The factory was shut down.
    #[snafu(
        context(name(ReadClosedSnafu)),
        display("the reader of {segment} is closed")
    )]
    Closed {
        /// The segment read.
        segment: ScopedSegment,
    },
    /// A blocking call was ended by an [`Interrupt`](crate::blocking::Interrupt). The reader goes on; asking
    /// again is right.
    #[snafu(
        context(name(ReadInterruptedSnafu)),
        display("a call of the reader of {segment} was interrupted")
    )]
    Interrupted {
        /// The segment read.
        segment: ScopedSegment,
    },
    /// Asking the segment failed.
    #[snafu(context(false), display("the segment could not be asked"))]
    Asking {
        /// What failed.
        source: SegmentError,
    },
}

impl ReadError {
    /// True when the same call may succeed later without the caller changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Incomplete { .. }
            | Self::Idle { .. }
            | Self::Unreachable { .. }
            | Self::Interrupted { .. } => true,
            Self::Asking { source } => source.is_retryable(),
            Self::Truncated { .. }
            | Self::BeyondEnd { .. }
            | Self::InvalidSeek
            | Self::NoSuchSegment { .. }
            | Self::Broken { .. }
            | Self::UnexpectedEnd { .. }
            | Self::Closed { .. } => false,
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::InvalidSeek => io::ErrorKind::InvalidInput,
            Self::NoSuchSegment { .. } => io::ErrorKind::NotFound,
            Self::Idle { .. } => io::ErrorKind::TimedOut,
            Self::Unreachable { .. } => io::ErrorKind::NotConnected,
            Self::UnexpectedEnd { .. } | Self::Incomplete { .. } | Self::BeyondEnd { .. } => {
                io::ErrorKind::UnexpectedEof
            }
            Self::Closed { .. } => io::ErrorKind::BrokenPipe,
            Self::Asking { source } => source.io_kind(),
            // Not what std calls interrupted: its loops would call again and never end.
            Self::Truncated { .. } | Self::Broken { .. } | Self::Interrupted { .. } => {
                io::ErrorKind::Other
            }
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
