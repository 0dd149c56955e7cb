//! Why a session takes nothing more, and what became of the bytes it had taken.

use std::{error::Error, fmt, ops::Range, sync::Arc};

use pravega_client_shared::planted::{self, Bug};
use snafu::Snafu;

use crate::ProtocolViolation;

/// Whether bytes that were not acknowledged may have been stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certainty {
    /// They are not stored and never will be.
    Definite,
    /// They may be stored, or may still come to be.
    Indeterminate,
}

/// The failure of an append session, the same for every caller. Cloning shares it.
#[derive(Clone)]
pub struct AppendFailure(Arc<Facts>);

/// What made a session fail.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum AppendFailureKind {
    /// The segment does not end where this writer believed. The session goes on after a resync.
    #[snafu(display(
        "the segment does not end at offset {expected}, where the next bytes belong{}",
        actual.map_or_else(String::new, |tail| format!(": its tail is {tail}"))
    ))]
    Conflict {
        /// The offset at which the first refused byte was to be stored.
        expected: u64,
        /// The segment's tail, once it is known.
        actual: Option<u64>,
    },
    /// The segment takes no more appends.
    #[snafu(display("the segment is sealed"))]
    Sealed,
    /// The segment is unknown or deleted.
    #[snafu(display("no such segment"))]
    NoSuchSegment,
    /// The token is refused, a new one too, or none is given out.
    #[snafu(display("not permitted to append"))]
    Unauthorized,
    /// The segment store does not take appends.
    #[snafu(display("the segment store does not support appends"))]
    Unsupported,
    /// The segment store has lost bytes that it had acknowledged.
    #[snafu(display("block {acked} was acknowledged, but the segment store knows only {stored}"))]
    DataLoss {
        /// The highest event number that was acknowledged.
        acked: i64,
        /// The event number that the store has now; 0 when it has none.
        stored: i64,
    },
    /// The segment store broke the protocol again and again.
    #[snafu(display("the segment store keeps breaking the protocol"))]
    Protocol {
        /// What it did last.
        source: ProtocolViolation,
    },
    /// The segment store refuses the writer again and again.
    #[snafu(display("the segment store keeps refusing the writer: {reason:?}"))]
    Refused {
        /// What it said last, shortened.
        reason: String,
    },
    /// A connection is impossible, and trying again cannot help.
    #[snafu(display("no connection to the segment store is possible"))]
    Unattachable,
}

struct Facts {
    segment: Arc<str>,
    kind: AppendFailureKind,
    unacked: Range<u64>,
    doubtful: Range<u64>,
    cause: Option<Cause>,
}

pub(super) type Cause = Arc<dyn Error + Send + Sync>;

impl AppendFailure {
    pub(super) fn new(
        segment: Arc<str>,
        kind: AppendFailureKind,
        unacked: Range<u64>,
        doubtful: Range<u64>,
        cause: Option<Cause>,
    ) -> Self {
        Self(Arc::new(Facts {
            segment,
            kind,
            unacked,
            doubtful,
            cause,
        }))
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &AppendFailureKind {
        &self.0.kind
    }

    /// The segment's name.
    #[must_use]
    pub fn segment(&self) -> &str {
        &self.0.segment
    }

    /// The bytes that were accepted and not acknowledged, in the session's own count.
    #[must_use]
    pub fn unacked(&self) -> Range<u64> {
        self.0.unacked.clone()
    }

    /// The part of [`unacked`](Self::unacked) that may be stored all the same. Empty when there is none.
    #[must_use]
    pub fn doubtful(&self) -> Range<u64> {
        self.0.doubtful.clone()
    }

    /// [`Certainty::Definite`] when none of the unacknowledged bytes is stored or ever will be.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        self.certainty_of(&self.0.unacked)
    }

    /// The same for some of the bytes, in the session's own count.
    #[must_use]
    pub fn certainty_of(&self, range: &Range<u64>) -> Certainty {
        let doubtful = &self.0.doubtful;
        if range.start.max(doubtful.start) < range.end.min(doubtful.end) {
            Certainty::Indeterminate
        } else {
            Certainty::Definite
        }
    }

    /// True for a conflict, from which a resync recovers. Everything else is for good.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.0.kind, AppendFailureKind::Conflict { .. })
    }

    /// True when the same call may succeed later without the caller's doing: never, since the session has
    /// by then tried everything that could help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }

    /// The same conflict with the tail filled in, unless it is known already.
    pub(super) fn with_tail(&self, tail: u64) -> Option<Self> {
        let AppendFailureKind::Conflict {
            expected,
            actual: None,
        } = self.0.kind
        else {
            return None;
        };
        let mut doubtful = self.doubtful();
        if planted::is_on(Bug::TailAfterFailureBelieved) && tail > expected {
            doubtful.end = doubtful.start;
        }
        Some(Self::new(
            Arc::clone(&self.0.segment),
            AppendFailureKind::Conflict {
                expected,
                actual: Some(tail),
            },
            self.unacked(),
            doubtful,
            None,
        ))
    }
}

impl fmt::Debug for AppendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendFailure")
            .field("segment", &self.0.segment)
            .field("kind", &self.0.kind)
            .field("unacked", &self.0.unacked)
            .field("doubtful", &self.0.doubtful)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl fmt::Display for AppendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "appending to {}: {}", self.0.segment, self.0.kind)
    }
}

impl Error for AppendFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Some(cause) => Some(cause.as_ref()),
            None => self.0.kind.source(),
        }
    }
}

/// Why a submission was not accepted. No byte of it was.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(super)))]
#[non_exhaustive]
pub enum SubmitError {
    /// The window is full: the same submission fits once enough has been acknowledged.
    #[snafu(display("no room for the bytes: {room} bytes fit now"))]
    Full {
        /// How many bytes would be accepted now.
        room: usize,
    },
    /// No submission may be that long.
    #[snafu(display("too many bytes at once: at most {max} are taken together"))]
    TooLarge {
        /// The longest submission.
        max: usize,
    },
    /// The session failed, now or earlier.
    #[snafu(display("the writer has failed"))]
    Failed {
        /// The session's failure.
        #[snafu(source)]
        failure: AppendFailure,
    },
}

impl SubmitError {
    /// True when the same submission may be accepted later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::TooLarge { .. } => false,
            Self::Failed { failure } => failure.is_retryable(),
        }
    }
}

/// Why a session cannot be told where its next byte belongs. Nothing was changed.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(super)))]
#[non_exhaustive]
pub enum ResyncError {
    /// Bytes are accepted and not yet durable.
    #[snafu(display("{bytes} bytes are not yet durable"))]
    Unflushed {
        /// How many.
        bytes: u64,
    },
    /// No segment has such an offset.
    #[snafu(display("offset {offset} is beyond the longest segment"))]
    OutOfRange {
        /// The offset given.
        offset: u64,
    },
    /// The session failed: for good, or with a conflict that only a resync to the tail ends.
    #[snafu(display("the writer has failed"))]
    Terminal {
        /// The session's failure.
        #[snafu(source)]
        failure: AppendFailure,
    },
}

/// What a resync did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resynced {
    /// Where the next byte belongs now.
    pub tail: u64,
    /// The bytes given up, in the session's own count. Empty when there was no conflict.
    pub discarded: Range<u64>,
}

/// What became of some accepted bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fate {
    /// Not decided yet.
    Pending,
    /// All of them are stored for good.
    Durable,
    /// Some of them were not acknowledged and never will be.
    Failed(AppendFailure),
    /// They were decided so long ago, and so many conflicts have been resynced since, that the session no
    /// longer knows how.
    Forgotten,
}
