//! Why a session cannot give the next byte.

use std::{error::Error, fmt};

use snafu::Snafu;

use super::options::MAX_OFFSET;
use crate::{AttachFailure, ProtocolViolation};

/// Why there is no next byte. A read has no side effects, so nothing is ever in doubt.
///
/// [`Truncated`](Self::Truncated) and [`BeyondEnd`](Self::BeyondEnd) hold for the position: a seek leaves
/// them behind. The others are for good.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadFailure {
    /// The bytes at the position were truncated away.
    Truncated {
        /// The offset wanted.
        requested: u64,
        /// The first readable offset.
        head: u64,
    },
    /// The position is behind the end of a sealed segment.
    BeyondEnd {
        /// The offset wanted.
        requested: u64,
        /// The segment's length.
        length: u64,
    },
    /// The segment is unknown or deleted.
    NoSuchSegment {
        /// What the driver was told, when it was not the segment store that said so.
        cause: Option<AttachFailure>,
    },
    /// The token is refused, a new one too.
    Unauthorized {
        /// What the driver was told, when it was not the segment store that said so.
        cause: Option<AttachFailure>,
    },
    /// The segment store does not serve reads.
    Unsupported,
    /// The segment store has lost bytes that it had shown before.
    DataLoss {
        /// Up to where the segment was known to reach.
        known: u64,
        /// Where it ends now.
        tail: u64,
    },
    /// The segment store refuses the read again and again.
    Refused {
        /// What it said last, shortened.
        reason: String,
    },
    /// The segment store broke the protocol again and again.
    Protocol {
        /// What it did last.
        violation: ProtocolViolation,
    },
    /// A connection is impossible.
    Attach {
        /// What the driver was told.
        cause: AttachFailure,
    },
}

impl ReadFailure {
    /// True when no seek and no patience helps: every later call meets the same failure.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Truncated { .. } | Self::BeyondEnd { .. } => false,
            Self::NoSuchSegment { .. }
            | Self::Unauthorized { .. }
            | Self::Unsupported
            | Self::DataLoss { .. }
            | Self::Refused { .. }
            | Self::Protocol { .. }
            | Self::Attach { .. } => true,
        }
    }

    /// True when the same call may succeed later without the caller's doing: never, since the session has
    /// by then tried everything that could help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { requested, head } => {
                write!(
                    f,
                    "offset {requested} was truncated away: the segment begins at {head}"
                )
            }
            Self::BeyondEnd { requested, length } => {
                write!(
                    f,
                    "offset {requested} is beyond the end of the sealed segment at {length}"
                )
            }
            Self::NoSuchSegment { .. } => f.write_str("no such segment"),
            Self::Unauthorized { .. } => f.write_str("not permitted to read"),
            Self::Unsupported => f.write_str("the segment store does not support reads"),
            Self::DataLoss { known, tail } => {
                write!(
                    f,
                    "data is lost: the segment reached to {known} and now ends at {tail}"
                )
            }
            Self::Refused { reason } => {
                write!(f, "the segment store keeps refusing the read: {reason:?}")
            }
            Self::Protocol { .. } => f.write_str("the segment store keeps breaking the protocol"),
            Self::Attach { .. } => f.write_str("the segment store cannot be attached"),
        }
    }
}

impl Error for ReadFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoSuchSegment { cause: Some(cause) }
            | Self::Unauthorized { cause: Some(cause) }
            | Self::Attach { cause } => Some(cause),
            Self::Protocol { violation } => Some(violation),
            Self::NoSuchSegment { cause: None }
            | Self::Unauthorized { cause: None }
            | Self::Truncated { .. }
            | Self::BeyondEnd { .. }
            | Self::Unsupported
            | Self::DataLoss { .. }
            | Self::Refused { .. } => None,
        }
    }
}

/// The place sought is in no segment. The position has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Snafu)]
#[snafu(
    visibility(pub(super)),
    display("offset {offset} is above the largest, {MAX_OFFSET}")
)]
pub struct SeekError {
    offset: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AttachFailureKind;

    #[test]
    fn only_the_place_dependent_failures_can_be_left_behind() {
        let truncated = ReadFailure::Truncated {
            requested: 0,
            head: 4,
        };
        assert!(!truncated.is_terminal());
        assert!(ReadFailure::NoSuchSegment { cause: None }.is_terminal());
    }

    #[test]
    fn keeps_the_source_and_does_not_repeat_it() {
        let cause = AttachFailure::new(AttachFailureKind::Unauthorized);
        let failure = ReadFailure::Unauthorized { cause: Some(cause) };
        assert_eq!(failure.source().unwrap().to_string(), "not permitted");
        assert_eq!(failure.to_string(), "not permitted to read");
    }

    #[test]
    fn stays_small() {
        assert!(
            size_of::<ReadFailure>() <= 64,
            "{}",
            size_of::<ReadFailure>()
        );
    }
}
