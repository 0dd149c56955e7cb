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

    const REQUEST_ID: i64 = 1;

    fn segment() -> Arc<str> {
        "scope/stream/0.#epoch.0".into()
    }

    fn about_blocks() -> Vec<(Reply, Recovery)> {
        let (writer_id, event_number, request_id) = (WriterId::from_wire(7), 3, REQUEST_ID);
        let server_stack_trace = String::new();
        let condition = ConditionalCheckFailed {
            writer_id,
            event_number,
            request_id,
        };
        let number = InvalidEventNumber {
            writer_id,
            request_id,
            server_stack_trace,
            event_number,
        };
        vec![
            (condition.into(), Recovery::Conflict),
            (number.into(), Recovery::Resume),
        ]
    }

    fn about_places() -> Vec<(Reply, Recovery)> {
        let (request_id, offset) = (REQUEST_ID, -1);
        let (correct_host, server_stack_trace) = (String::new(), String::new());
        let host = WrongHost {
            request_id,
            segment: segment(),
            correct_host,
            server_stack_trace,
        };
        let server_stack_trace = String::new();
        let exists = SegmentAlreadyExists {
            request_id,
            segment: segment(),
            server_stack_trace,
        };
        let server_stack_trace = String::new();
        let missing = NoSuchSegment {
            request_id,
            segment: segment(),
            server_stack_trace,
            offset,
        };
        vec![
            (host.into(), Recovery::Relocate),
            (exists.into(), Recovery::Retry),
            (missing.into(), Recovery::Fail(Refusal::NoSuchSegment)),
        ]
    }

    fn about_ends() -> Vec<(Reply, Recovery)> {
        let (request_id, offset, start_offset) = (REQUEST_ID, -1, 12);
        let server_stack_trace = String::new();
        let sealed = SegmentIsSealed {
            request_id,
            segment: segment(),
            server_stack_trace,
            offset,
        };
        let truncated = SegmentIsTruncated {
            request_id,
            segment: segment(),
            start_offset,
            server_stack_trace: String::new(),
            offset,
        };
        vec![
            (sealed.into(), Recovery::Fail(Refusal::Sealed)),
            (
                truncated.into(),
                Recovery::Fail(Refusal::Truncated { head: start_offset }),
            ),
        ]
    }

    fn about_the_server() -> Vec<(Reply, Recovery)> {
        let (request_id, error_code) = (REQUEST_ID, -1);
        let (operation_name, server_stack_trace) = ("appending data".to_owned(), String::new());
        let unsupported = OperationUnsupported {
            request_id,
            operation_name,
            server_stack_trace,
        };
        let message = "out of memory".to_owned();
        let error = ErrorMessage {
            request_id,
            segment: segment(),
            message,
            error_code,
        };
        vec![
            (unsupported.into(), Recovery::Fail(Refusal::Unsupported)),
            (error.into(), Recovery::Retry),
        ]
    }

    fn about_tokens() -> Vec<(Reply, Recovery)> {
        let codes = [
            (-1, TokenFault::Refused),
            (0, TokenFault::Refused),
            (1, TokenFault::Expired),
            (99, TokenFault::Refused),
        ];
        let refusal = |(error_code, fault)| {
            let (request_id, server_stack_trace) = (REQUEST_ID, String::new());
            let reply = AuthTokenCheckFailed {
                request_id,
                server_stack_trace,
                error_code,
            };
            (reply.into(), Recovery::RenewToken(fault))
        };
        codes.map(refusal).into()
    }

    #[test]
    fn every_failure_reply_has_its_recovery() {
        let table = [
            about_blocks(),
            about_places(),
            about_ends(),
            about_the_server(),
            about_tokens(),
        ];
        for (reply, expected) in table.into_iter().flatten() {
            let is_conflict = matches!(reply, Reply::ConditionalCheckFailed(_));
            assert!(reply.is_failure() || is_conflict, "{reply:?}");
            assert_eq!(Recovery::of(&reply), Some(expected), "{reply:?}");
        }
    }

    #[test]
    fn other_replies_have_none() {
        let (request_id, segment) = (REQUEST_ID, segment());
        let replies: [Reply; 3] = [
            KeepAlive.into(),
            Hello {
                high_version: 17,
                low_version: 5,
            }
            .into(),
            SegmentSealed {
                request_id,
                segment,
            }
            .into(),
        ];
        for reply in replies {
            assert_eq!(Recovery::of(&reply), None);
        }
    }
}
