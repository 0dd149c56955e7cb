//! What a driver tells a session about its connection.

use std::{error::Error, fmt, sync::Arc};

/// How a session lost its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disconnect {
    /// The peer closed or reset it without a word. That is also how a segment store ends the connection of
    /// a writer whose token ran out, so the session asks once for a new token.
    Lost,
    /// The peer fell silent and keep-alive gave it up.
    Silent,
    /// The peer broke the protocol, towards this session or another one on the same connection.
    Violation,
    /// This side let go of it: the pool was shut down, or another session had it closed.
    Released,
}

/// Why an attempt to attach came to nothing.
#[derive(Debug, Clone)]
pub struct AttachFailure {
    kind: AttachFailureKind,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// What an [`AttachFailure`] means for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachFailureKind {
    /// No connection, no answer in time, or no controller: the session tries again after a pause and has
    /// the segment located anew.
    Unreachable,
    /// The controller knows no such scope, stream or segment: terminal.
    NoSuchSegment,
    /// The controller refuses a token, or refuses the caller: terminal.
    Unauthorized,
    /// Trying again cannot help, for example a certificate that does not fit or no common wire version:
    /// terminal.
    Rejected,
}

impl AttachFailure {
    /// A failure with nothing more to tell.
    #[must_use]
    pub fn new(kind: AttachFailureKind) -> Self {
        Self { kind, cause: None }
    }

    /// A failure with the error behind it, which becomes the source of the session's own failure.
    #[must_use]
    pub fn with_cause(kind: AttachFailureKind, cause: Arc<dyn Error + Send + Sync>) -> Self {
        let cause = Some(cause);
        Self { kind, cause }
    }

    /// What it means for the session.
    #[must_use]
    pub fn kind(&self) -> AttachFailureKind {
        self.kind
    }

    /// The error behind it.
    #[must_use]
    pub fn cause(&self) -> Option<&Arc<dyn Error + Send + Sync>> {
        self.cause.as_ref()
    }
}

impl fmt::Display for AttachFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AttachFailureKind::Unreachable => "the segment store cannot be reached",
            AttachFailureKind::NoSuchSegment => "no such segment",
            AttachFailureKind::Unauthorized => "not permitted",
            AttachFailureKind::Rejected => "the connection is impossible",
        })
    }
}

impl Error for AttachFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| -> &(dyn Error + 'static) { cause })
    }
}
