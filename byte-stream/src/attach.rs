//! What the layers below say about a connection, in the words of the sessions.

use std::sync::Arc;

use pravega_connection_pool::ConnectionError;
use pravega_segment_session::{AttachFailure, AttachFailureKind, Disconnect};

use crate::link::ReachError;

/// Why no connection could be had.
pub(crate) fn attach_failure(error: ReachError) -> AttachFailure {
    let kind = if error.is_denied() {
        AttachFailureKind::Unauthorized
    } else if error.is_not_found() {
        AttachFailureKind::NoSuchSegment
    } else if error.is_retryable() {
        AttachFailureKind::Unreachable
    } else {
        AttachFailureKind::Rejected
    };
    AttachFailure::with_cause(kind, Arc::new(error))
}

/// Why a connection was lost.
pub(crate) fn disconnect(error: &ConnectionError) -> Disconnect {
    match error {
        ConnectionError::AlreadyClosed { source, .. } => disconnect(source),
        ConnectionError::Silent { .. } | ConnectionError::SlowFrame { .. } => Disconnect::Silent,
        ConnectionError::Malformed { .. }
        | ConnectionError::UnknownReply { .. }
        | ConnectionError::UnknownRequest { .. }
        | ConnectionError::Violation { .. } => Disconnect::Violation,
        ConnectionError::Idle { .. }
        | ConnectionError::ShutDown { .. }
        | ConnectionError::Stopped { .. }
        | ConnectionError::Full { .. } => Disconnect::Released,
        _ => Disconnect::Lost,
    }
}
