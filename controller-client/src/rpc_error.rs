//! A gRPC status, as an error of ours: nothing of the gRPC library shows, and a peer's text is tamed.

use std::{error::Error, fmt, io, sync::Arc};

use tonic::{Code, ConnectError, Status, transport};

/// The most characters of a peer's message that are kept. Servers may put a whole stack trace there.
const MAX_MESSAGE_CHARS: usize = 500;

/// How a gRPC call ended, when it did not end well. Cloning shares it.
///
/// The peer's own words are shortened, and printed with control characters escaped.
#[derive(Clone)]
pub struct RpcError(Arc<Failed>);

struct Failed {
    code: Code,
    reach: Reach,
    message: String,
    /// Keeps the chain of sources of a broken connection.
    status: Status,
}

/// How far a request came that ended with this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A controller answered.
    Answered,
    /// There was no connection, so nothing was sent.
    NotSent,
    /// There was no connection, because the TLS library refused the peer.
    Untrusted,
    /// The connection broke with the request on its way.
    Broken,
}

impl RpcError {
    pub(crate) fn new(status: Status) -> Self {
        Self::reached(reach(&status), status)
    }

    /// For a connection that took no request at all.
    pub(crate) fn not_sent(error: transport::Error) -> Self {
        Self::reached(Reach::NotSent, Status::from_error(error.into()))
    }

    fn reached(reach: Reach, status: Status) -> Self {
        Self(Arc::new(Failed {
            code: status.code(),
            reach,
            message: status.message().chars().take(MAX_MESSAGE_CHARS).collect(),
            status,
        }))
    }

    /// The status code as gRPC writes it, such as `PERMISSION_DENIED`. For a connection that broke it is a
    /// guess of the client's own.
    #[must_use]
    pub fn code(&self) -> &'static str {
        code_name(self.0.code)
    }

    /// What the controller said, shortened; not to be parsed, and not safe to print unescaped.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// True when a controller answered with `code`.
    pub(crate) fn is_answer(&self, code: Code) -> bool {
        self.0.reach == Reach::Answered && self.0.code == code
    }

    pub(crate) fn grpc_code(&self) -> Code {
        self.0.code
    }

    pub(crate) fn reach(&self) -> Reach {
        self.0.reach
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.reach {
            Reach::Answered if self.0.message.is_empty() => f.write_str(self.code()),
            Reach::Answered => write!(f, "{}: {:?}", self.code(), self.0.message),
            Reach::NotSent => f.write_str("no connection"),
            Reach::Untrusted => f.write_str("the TLS handshake failed"),
            Reach::Broken => f.write_str("the connection broke"),
        }
    }
}

impl fmt::Debug for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcError")
            .field("code", &self.code())
            .field("reach", &self.0.reach)
            .field("message", &self.0.message)
            .field("source", &self.source())
            .finish()
    }
}

impl Error for RpcError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.status.source()
    }
}

/// A status that came from a peer has no source; one that stands for a failure of the connection has.
fn reach(status: &Status) -> Reach {
    let Some(first) = status.source() else {
        return Reach::Answered;
    };
    let chain = || std::iter::successors(Some(first), |&error| error.source());
    if !chain().any(<dyn Error>::is::<ConnectError>) {
        return Reach::Broken;
    }
    // The TLS library reports a peer that it refuses as invalid data; sockets have no such failure.
    let refused = |error: &(dyn Error + 'static)| {
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
    };
    if chain().any(refused) {
        Reach::Untrusted
    } else {
        Reach::NotSent
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tames_the_peers_text() {
        let hostile = format!("\u{1b}[2J\n{}", "x".repeat(100_000));
        let error = RpcError::new(Status::internal(hostile));
        let printed = error.to_string();
        assert!(
            printed.starts_with("INTERNAL: \"\\u{1b}[2J\\n"),
            "{printed}"
        );
        assert!(!printed.contains('\n') && printed.len() < 600);
        assert!(!format!("{error:?}").contains('\u{1b}'));
        assert!(error.source().is_none());
    }

    #[test]
    fn a_refused_connection_sent_nothing() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = RpcError::new(Status::from_error(Box::new(ConnectError(refused.into()))));
        assert_eq!(error.reach(), Reach::NotSent);
        assert_eq!(error.code(), "UNAVAILABLE");
        let untrusted = io::Error::new(io::ErrorKind::InvalidData, "bad certificate");
        let error = RpcError::new(Status::from_error(Box::new(ConnectError(untrusted.into()))));
        assert_eq!(error.reach(), Reach::Untrusted);
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(
            RpcError::new(Status::from_error(broken.into())).reach(),
            Reach::Broken
        );
    }
}
