//! Why a call to the controller gave no result.

use std::{fmt, sync::Arc, time::Duration};

use pravega_client_shared::{
    Endpoint, ParseEndpointError, ScopeName, ScopedStream, SegmentIdError,
};
use snafu::Snafu;

use crate::{retry, rpc_error::RpcError};

/// Why a call to the controller gave no result. Cloning shares the cause, so that everybody who waited for
/// the same call gets the same error.
///
/// | question | answered by |
/// | --- | --- |
/// | is it worth calling again? | [`is_retryable`](Self::is_retryable) |
/// | may the call have done its work all the same? | [`may_have_taken_effect`](Self::may_have_taken_effect) |
/// | which controller was it? | [`endpoint`](Self::endpoint) |
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum ControllerError {
    /// There is no such scope.
    #[snafu(display("scope {scope} does not exist"))]
    ScopeNotFound {
        /// The scope.
        scope: ScopeName,
    },
    /// The scope exists, as far as is known, and has no such stream.
    #[snafu(display("stream {stream} does not exist"))]
    StreamNotFound {
        /// The stream.
        stream: ScopedStream,
    },
    /// A scope is deleted only when nothing is left in it.
    #[snafu(display("scope {scope} is not empty"))]
    ScopeNotEmpty {
        /// The scope.
        scope: ScopeName,
    },
    /// A stream is deleted only after the controller sealed it.
    #[snafu(display("stream {stream} is not sealed"))]
    StreamNotSealed {
        /// The stream.
        stream: ScopedStream,
    },
    /// A sealed stream keeps its configuration and its head.
    #[snafu(display("stream {stream} is sealed"))]
    StreamSealed {
        /// The stream.
        stream: ScopedStream,
    },
    /// The controller does not take this name.
    #[snafu(display("the controller refuses the name {name:?}"))]
    InvalidName {
        /// The name.
        name: String,
    },
    /// The configuration or cut makes no sense; nothing was sent.
    #[snafu(display("{reason}"))]
    InvalidArgument {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The controller does not know who is calling: no credentials, or wrong ones.
    #[snafu(display("{call}: the credentials were refused"))]
    Unauthenticated {
        /// The call that failed.
        call: FailedCall,
        /// What the controller said.
        source: RpcError,
    },
    /// The credentials are good, and do not give this right.
    #[snafu(display("{call}: not permitted"))]
    PermissionDenied {
        /// The call that failed.
        call: FailedCall,
        /// What the controller said.
        source: RpcError,
    },
    /// No controller could be reached, or the connection broke, or the controller asks for patience.
    #[snafu(display("{call}: the controller is unavailable"))]
    Unavailable {
        /// The call that failed last.
        call: FailedCall,
        /// How it failed.
        source: RpcError,
    },
    /// The peer has no certificate that is trusted, or does not speak TLS.
    #[snafu(display("{call}: no trustworthy connection"))]
    Untrusted {
        /// The call that failed.
        call: FailedCall,
        /// What the TLS library said.
        source: RpcError,
    },
    /// No answer came in time.
    #[snafu(display("{call}: no answer within {after:?}"))]
    Timeout {
        /// The call that failed.
        call: FailedCall,
        /// How long the last attempt waited.
        after: Duration,
    },
    /// The controller answered that the call failed, and no more.
    #[snafu(display("{call}: the controller reports a failure"))]
    Failure {
        /// The call that failed.
        call: FailedCall,
    },
    /// The call ended with a gRPC status that has no variant of its own.
    #[snafu(display("{call}: refused"))]
    Rejected {
        /// The call that failed.
        call: FailedCall,
        /// The status.
        source: RpcError,
    },
    /// The controller answered with a status that this client does not know.
    #[snafu(display("{call}: unknown status {number}"))]
    UnknownStatus {
        /// The call that failed.
        call: FailedCall,
        /// The status, as sent.
        number: i32,
    },
    /// The controller's answer makes no sense.
    #[snafu(display("{call}: bad reply"))]
    BadReply {
        /// The call that failed.
        call: FailedCall,
        /// What is wrong with it.
        source: BadReply,
    },
    /// A listing went on for [`MAX_PAGES`](crate::MAX_PAGES) pages.
    #[snafu(display("{call} has no end: {pages} pages read"))]
    EndlessListing {
        /// The call that was repeated.
        call: &'static str,
        /// Pages read.
        pages: usize,
    },
    /// The credentials hold a character that no header can carry.
    #[snafu(display("the credentials do not fit into a header"))]
    BadCredentials,
    /// TLS cannot be set up for this controller: no roots, or a host that no certificate can name.
    #[snafu(display("cannot set up the connection to {endpoint}"))]
    Setup {
        /// The controller.
        endpoint: Endpoint,
        /// What is wrong.
        source: Cause,
    },
    /// The call was made outside of a tokio runtime.
    #[snafu(display("no tokio runtime is running here"))]
    NoRuntime,
    /// The runtime that made the call for several waiters was shut down.
    #[snafu(display("the call was abandoned by its runtime"))]
    Abandoned,
}

/// The cause of an error, shared by its clones.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// The call that an error is about. Printed as `name at endpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCall {
    pub(crate) name: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) attempts: u32,
    pub(crate) uncertain: bool,
}

/// What is wrong with a controller's answer.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum BadReply {
    /// The segment store's address is none.
    #[snafu(display("the segment store's address cannot be used"))]
    BadEndpoint {
        /// What is wrong with it.
        source: ParseEndpointError,
    },
    /// A segment id is out of range.
    #[snafu(display("a segment id is out of range"))]
    BadSegmentId {
        /// What is wrong with it.
        source: SegmentIdError,
    },
    /// A part of the answer is missing.
    #[snafu(display("{field} is missing"))]
    Missing {
        /// The part.
        field: &'static str,
    },
    /// A number is outside of its range.
    #[snafu(display("{field} cannot be {value}"))]
    OutOfRange {
        /// The part.
        field: &'static str,
        /// The number, as sent.
        value: i64,
    },
    /// A key range is not within 0 to 1.
    #[snafu(display("a key range is not within 0 to 1"))]
    BadKeyRange,
    /// More of something than this client takes.
    #[snafu(display("{count} {what}, at most {max} are taken"))]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// The answer breaks the rules of gRPC so badly that the library gave up on it.
    #[snafu(display("the gRPC library gave up on it"))]
    Unreadable,
}

impl ControllerError {
    /// True when the same call may succeed later, with nothing changed by the caller. The client itself has
    /// given up on it by then: its attempts or its time are spent.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::Failure { .. }
            | Self::Abandoned => true,
            Self::Rejected { source, .. } => retry::react(source).repeat,
            Self::ScopeNotFound { .. }
            | Self::StreamNotFound { .. }
            | Self::ScopeNotEmpty { .. }
            | Self::StreamNotSealed { .. }
            | Self::StreamSealed { .. }
            | Self::InvalidName { .. }
            | Self::InvalidArgument { .. }
            | Self::Unauthenticated { .. }
            | Self::PermissionDenied { .. }
            | Self::Untrusted { .. }
            | Self::UnknownStatus { .. }
            | Self::BadReply { .. }
            | Self::EndlessListing { .. }
            | Self::BadCredentials
            | Self::Setup { .. }
            | Self::NoRuntime => false,
        }
    }

    /// True when the call may have done its work, or may yet do it, although it failed here. Of no meaning
    /// for calls that only ask.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Abandoned => true,
            _ => self.call().is_some_and(|call| call.uncertain),
        }
    }

    /// True when the controller says that what was asked about does not exist.
    pub(crate) fn is_about_nothing(&self) -> bool {
        match self {
            Self::StreamNotFound { .. } => true,
            Self::Rejected { source, .. } => source.is_answer(tonic::Code::NotFound),
            _ => false,
        }
    }

    /// The controller that was called last, where one was called.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Setup { endpoint, .. } => Some(endpoint),
            _ => self.call().map(FailedCall::endpoint),
        }
    }

    /// The call that failed, where the failure is one of a call.
    #[must_use]
    pub fn call(&self) -> Option<&FailedCall> {
        match self {
            Self::Unauthenticated { call, .. }
            | Self::PermissionDenied { call, .. }
            | Self::Unavailable { call, .. }
            | Self::Untrusted { call, .. }
            | Self::Timeout { call, .. }
            | Self::Failure { call }
            | Self::Rejected { call, .. }
            | Self::UnknownStatus { call, .. }
            | Self::BadReply { call, .. } => Some(call),
            Self::ScopeNotFound { .. }
            | Self::StreamNotFound { .. }
            | Self::ScopeNotEmpty { .. }
            | Self::StreamNotSealed { .. }
            | Self::StreamSealed { .. }
            | Self::InvalidName { .. }
            | Self::InvalidArgument { .. }
            | Self::EndlessListing { .. }
            | Self::BadCredentials
            | Self::Setup { .. }
            | Self::NoRuntime
            | Self::Abandoned => None,
        }
    }
}

impl FailedCall {
    /// The method's name on the wire, such as `createStream`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The controller called last.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How many attempts were made, at this controller and others.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl fmt::Display for FailedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stays_small() {
        assert!(
            size_of::<ControllerError>() <= 128,
            "{}",
            size_of::<ControllerError>()
        );
    }
}
