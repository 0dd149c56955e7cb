//! What can go wrong, one enum for each surface: [`SegmentError`], [`WriteError`], [`ReadError`].
//!
//! Every error is data: what failed, on which segment, at which offset. Two questions are answered for
//! all of them: `is_retryable()`, whether the same call may succeed later, and `certainty()`, whether the
//! bytes that were not acknowledged may be in the segment all the same.

use std::{error::Error, io, sync::Arc, time::Duration};

use pravega_client_shared::{ScopeName, ScopedSegment, ScopedStream};
pub use pravega_segment_session::Certainty;
use snafu::Snafu;

/// A cause further down, kept as it was. Shared, because one cause may fail many waiters.
pub type Cause = Arc<dyn Error + Send + Sync>;

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
    #[snafu(display("offset {offset} is outside of segment {segment}, which starts at {head}"))]
    OutOfRange {
        /// The segment asked for.
        segment: ScopedSegment,
        /// The offset asked for.
        offset: u64,
        /// The first readable offset.
        head: u64,
    },
    /// The tail is not where the caller expected it when it opened the segment.
    #[snafu(display("segment {segment} ends at {actual}, not at {expected}"))]
    UnexpectedTail {
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
    /// Neither the controller nor a segment store could be asked before the deadline.
    #[snafu(display("{operation} on {target} got no answer"))]
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
            | Self::UnexpectedTail { .. }
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

    fn io_kind(&self) -> io::ErrorKind {
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
    #[snafu(display("segment {segment} is sealed{}", may_be_stored(*certainty)))]
    SegmentSealed {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
    },
    /// The segment was deleted, or never made.
    #[snafu(display("segment {segment} does not exist{}", may_be_stored(*certainty)))]
    SegmentMissing {
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
    #[snafu(display("{operation} on {segment} did not end within {after:?}"))]
    TimedOut {
        /// The segment written to.
        segment: ScopedSegment,
        /// What was waited for.
        operation: &'static str,
        /// The deadline.
        after: Duration,
        /// Whether the bytes concerned may be stored.
        certainty: Certainty,
    },
    /// The writer or its factory was closed.
    #[snafu(display("the writer to {segment} is closed"))]
    Closed {
        /// The segment written to.
        segment: ScopedSegment,
        /// Whether the bytes that were not acknowledged may be stored.
        certainty: Certainty,
    },
    /// Asking or changing the segment failed.
    #[snafu(context(false), display("the segment could not be asked"))]
    Segment {
        /// What failed.
        source: SegmentError,
    },
}

fn may_be_stored(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Definite => "",
        _ => ", unacknowledged bytes may be stored",
    }
}

impl WriteError {
    /// True when the same call may succeed later without the caller changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::TimedOut { .. } => true,
            Self::Segment { source } => source.is_retryable(),
            Self::Conflict { .. }
            | Self::SegmentSealed { .. }
            | Self::SegmentMissing { .. }
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
            | Self::SegmentSealed { certainty, .. }
            | Self::SegmentMissing { certainty, .. }
            | Self::Broken { certainty, .. }
            | Self::TimedOut { certainty, .. }
            | Self::Closed { certainty, .. } => *certainty,
            Self::Segment { source } => source.certainty(),
            Self::Full { .. } | Self::TooLarge { .. } | Self::Unflushed { .. } => {
                Certainty::Definite
            }
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::Conflict { .. } => io::ErrorKind::AlreadyExists,
            Self::SegmentSealed { .. } => io::ErrorKind::ReadOnlyFilesystem,
            Self::SegmentMissing { .. } => io::ErrorKind::NotFound,
            Self::Full { .. } => io::ErrorKind::WouldBlock,
            Self::TooLarge { .. } | Self::Unflushed { .. } => io::ErrorKind::InvalidInput,
            Self::TimedOut { .. } => io::ErrorKind::TimedOut,
            Self::Closed { .. } => io::ErrorKind::BrokenPipe,
            Self::Segment { source } => source.io_kind(),
            Self::Broken { .. } => io::ErrorKind::Other,
        }
    }
}

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
    #[snafu(display("segment {segment} does not exist"))]
    MissingSegment {
        /// The segment read.
        segment: ScopedSegment,
    },
    /// The reader cannot go on: refused credentials, or a peer that breaks the protocol.
    #[snafu(display("reading {segment} failed"))]
    ReadFailed {
        /// The segment read.
        segment: ScopedSegment,
        /// What happened.
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
    #[snafu(display("the reader of {segment} is closed"))]
    ReaderClosed {
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
            Self::Incomplete { .. } | Self::Idle { .. } => true,
            Self::Asking { source } => source.is_retryable(),
            Self::Truncated { .. }
            | Self::BeyondEnd { .. }
            | Self::InvalidSeek
            | Self::MissingSegment { .. }
            | Self::ReadFailed { .. }
            | Self::UnexpectedEnd { .. }
            | Self::ReaderClosed { .. } => false,
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::InvalidSeek => io::ErrorKind::InvalidInput,
            Self::MissingSegment { .. } => io::ErrorKind::NotFound,
            Self::Idle { .. } => io::ErrorKind::TimedOut,
            Self::UnexpectedEnd { .. } | Self::Incomplete { .. } | Self::BeyondEnd { .. } => {
                io::ErrorKind::UnexpectedEof
            }
            Self::ReaderClosed { .. } => io::ErrorKind::BrokenPipe,
            Self::Asking { source } => source.io_kind(),
            Self::Truncated { .. } | Self::ReadFailed { .. } => io::ErrorKind::Other,
        }
    }
}

impl From<SegmentError> for io::Error {
    fn from(error: SegmentError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stay_small_and_can_be_sent() {
        fn check<T: Error + Clone + Send + Sync + 'static>() {
            assert!(size_of::<T>() <= 128, "{} bytes", size_of::<T>());
        }
        check::<SegmentError>();
        check::<WriteError>();
        check::<ReadError>();
    }

    #[test]
    fn io_errors_keep_the_source() {
        let error = io::Error::from(ReadError::InvalidSeek);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.get_ref().is_some_and(|inner| inner.is::<ReadError>()));
    }
}
