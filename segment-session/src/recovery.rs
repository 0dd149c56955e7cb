//! What a failure reply asks of a session, decided in one place.

use pravega_wire_protocol::Reply;

/// What to do about a failure reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// The condition of an append did not hold. The server's side of the session stays usable.
    Conflict,
    /// Attach again and let the next setup decide what was stored. Nothing has failed.
    Resume,
    /// Attach again after a pause, a bounded number of times.
    Retry,
    /// Attach again after a pause, to where the controller says the segment is now.
    Relocate,
    /// Attach again with a new token.
    RenewToken(TokenFault),
    /// No attempt can help.
    Fail(Refusal),
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFault {
    /// It ran out: a new one will do.
    Expired,
    /// It does not permit the request. One new token is worth a try, since keys change; then it is final.
    Refused,
}

/// A failure that no attempt can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The segment takes no more appends. For a read: its end has been reached.
    Sealed,
    /// The segment is unknown or deleted.
    NoSuchSegment,
    /// A read begins before the segment's head. Nothing that an append can meet.
    Truncated {
        /// The head, as it came off the wire.
        head: i64,
    },
    /// The server does not offer the operation.
    Unsupported,
}

impl Recovery {
    /// What `reply` asks for; none when it is no failure reply.
    #[must_use]
    pub fn of(reply: &Reply) -> Option<Self> {
        Some(match reply {
            Reply::ConditionalCheckFailed(_) => Self::Conflict,
            Reply::InvalidEventNumber(_) => Self::Resume,
            // A setup races with the making of the segment's side index; the next one finds it made.
            Reply::SegmentAlreadyExists(_) | Reply::ErrorMessage(_) => Self::Retry,
            Reply::WrongHost(_) => Self::Relocate,
            Reply::AuthTokenCheckFailed(failure) => Self::RenewToken(if failure.is_expired() {
                TokenFault::Expired
            } else {
                TokenFault::Refused
            }),
            Reply::SegmentIsSealed(_) => Self::Fail(Refusal::Sealed),
            Reply::NoSuchSegment(_) => Self::Fail(Refusal::NoSuchSegment),
            Reply::SegmentIsTruncated(failure) => Self::Fail(Refusal::Truncated {
                head: failure.start_offset,
            }),
            Reply::OperationUnsupported(_) => Self::Fail(Refusal::Unsupported),
            Reply::Hello(_)
            | Reply::KeepAlive(_)
            | Reply::AppendSetup(_)
            | Reply::DataAppended(_)
            | Reply::SegmentRead(_)
            | Reply::StreamSegmentInfo(_)
            | Reply::SegmentCreated(_)
            | Reply::SegmentSealed(_)
            | Reply::SegmentDeleted(_)
            | Reply::SegmentPolicyUpdated(_)
            | Reply::SegmentTruncated(_)
            | Reply::SegmentAttribute(_)
            | Reply::SegmentAttributeUpdated(_)
            | Reply::OffsetLocated(_)
            | Reply::Foreign(_)
            | Reply::Unknown(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pravega_client_shared::WriterId;
    use pravega_wire_protocol::{
        AuthTokenCheckFailed, ConditionalCheckFailed, ErrorMessage, Hello, InvalidEventNumber,
        KeepAlive, NoSuchSegment, OperationUnsupported, SegmentAlreadyExists, SegmentIsSealed,
        SegmentIsTruncated, SegmentSealed, WrongHost,
    };

    use super::*;

    fn refused(error_code: i32) -> Reply {
        let server_stack_trace = String::new();
        AuthTokenCheckFailed {
            request_id: 1,
            server_stack_trace,
            error_code,
        }
        .into()
    }

    /// Every failure reply of the protocol, and what is done about it.
    fn table() -> Vec<(Reply, Recovery)> {
        let segment: Arc<str> = "scope/stream/0.#epoch.0".into();
        let writer_id = WriterId::from_wire(7);
        let (request_id, event_number, offset) = (1, 3, -1);
        let trace = String::new;
        vec![
            (
                ConditionalCheckFailed {
                    writer_id,
                    event_number,
                    request_id,
                }
                .into(),
                Recovery::Conflict,
            ),
            (
                InvalidEventNumber {
                    writer_id,
                    request_id,
                    server_stack_trace: trace(),
                    event_number,
                }
                .into(),
                Recovery::Resume,
            ),
            (
                WrongHost {
                    request_id,
                    segment: segment.clone(),
                    correct_host: String::new(),
                    server_stack_trace: trace(),
                }
                .into(),
                Recovery::Relocate,
            ),
            (
                SegmentIsSealed {
                    request_id,
                    segment: segment.clone(),
                    server_stack_trace: trace(),
                    offset,
                }
                .into(),
                Recovery::Fail(Refusal::Sealed),
            ),
            (
                SegmentAlreadyExists {
                    request_id,
                    segment: segment.clone(),
                    server_stack_trace: trace(),
                }
                .into(),
                Recovery::Retry,
            ),
            (
                NoSuchSegment {
                    request_id,
                    segment: segment.clone(),
                    server_stack_trace: trace(),
                    offset,
                }
                .into(),
                Recovery::Fail(Refusal::NoSuchSegment),
            ),
            (
                SegmentIsTruncated {
                    request_id,
                    segment: segment.clone(),
                    start_offset: 12,
                    server_stack_trace: trace(),
                    offset,
                }
                .into(),
                Recovery::Fail(Refusal::Truncated { head: 12 }),
            ),
            (
                OperationUnsupported {
                    request_id,
                    operation_name: "appending data".to_owned(),
                    server_stack_trace: trace(),
                }
                .into(),
                Recovery::Fail(Refusal::Unsupported),
            ),
            (refused(-1), Recovery::RenewToken(TokenFault::Refused)),
            (refused(0), Recovery::RenewToken(TokenFault::Refused)),
            (refused(1), Recovery::RenewToken(TokenFault::Expired)),
            (refused(99), Recovery::RenewToken(TokenFault::Refused)),
            (
                ErrorMessage {
                    request_id,
                    segment,
                    message: trace(),
                    error_code: -1,
                }
                .into(),
                Recovery::Retry,
            ),
        ]
    }

    #[test]
    fn every_failure_reply_has_its_recovery() {
        for (reply, expected) in table() {
            let is_conflict = matches!(reply, Reply::ConditionalCheckFailed(_));
            assert!(reply.is_failure() || is_conflict, "{reply:?}");
            assert_eq!(Recovery::of(&reply), Some(expected), "{reply:?}");
        }
    }

    #[test]
    fn other_replies_have_none() {
        let segment = "scope/stream/0.#epoch.0".into();
        let replies: [Reply; 3] = [
            KeepAlive.into(),
            Hello {
                high_version: 17,
                low_version: 5,
            }
            .into(),
            SegmentSealed {
                request_id: 1,
                segment,
            }
            .into(),
        ];
        for reply in replies {
            assert_eq!(Recovery::of(&reply), None);
        }
    }
}
