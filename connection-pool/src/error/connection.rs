//! Why a connection cannot be used, or a request on it has no reply.

use std::{io, sync::Arc, time::Duration};

use pravega_client_shared::Endpoint;
use pravega_wire_protocol::{DecodeError, EncodeError};
use snafu::Snafu;

use crate::ProtocolError;

/// Why a connection cannot be used, or a request on it has no reply.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum ConnectionError {
    /// The peer closed the connection between two frames.
    #[snafu(display("{endpoint} closed the connection"))]
    ClosedByPeer {
        /// The other end.
        endpoint: Endpoint,
    },
    /// The connection ended inside a frame.
    #[snafu(display("{endpoint} closed the connection inside a frame"))]
    CutFrame {
        /// The other end.
        endpoint: Endpoint,
    },
    /// Reading failed.
    #[snafu(display("reading from {endpoint} failed"))]
    Read {
        /// The other end.
        endpoint: Endpoint,
        /// What the operating system or the TLS library says.
        #[snafu(source(from(io::Error, Arc::new)))]
        source: Arc<io::Error>,
    },
    /// Writing failed.
    #[snafu(display("writing to {endpoint} failed"))]
    Write {
        /// The other end.
        endpoint: Endpoint,
        /// What the operating system or the TLS library says.
        #[snafu(source(from(io::Error, Arc::new)))]
        source: Arc<io::Error>,
    },
    /// The peer did not answer keep-alives.
    #[snafu(display("nothing was heard from {endpoint} for {silence:?}"))]
    Silent {
        /// The other end.
        endpoint: Endpoint,
        /// How long it had been silent.
        silence: Duration,
    },
    /// A frame began and did not end in time.
    #[snafu(display("a frame from {endpoint} was not complete after {after:?}"))]
    SlowFrame {
        /// The other end.
        endpoint: Endpoint,
        /// The time it had.
        after: Duration,
    },
    /// The peer sent bytes that are no reply.
    #[snafu(display("{endpoint} sent a malformed frame"))]
    Malformed {
        /// The other end.
        endpoint: Endpoint,
        /// What is wrong with it.
        #[snafu(source(from(DecodeError, Arc::new)))]
        source: Arc<DecodeError>,
    },
    /// The peer sent a type of reply that this client does not know or never asks for.
    #[snafu(display("{endpoint} sent a frame of type {code}, which answers no request"))]
    UnknownReply {
        /// The other end.
        endpoint: Endpoint,
        /// The type code on the wire.
        code: i32,
    },
    /// The peer refused a request that was never sent. Whose it was cannot be told, so all must start over.
    #[snafu(display("{endpoint} sent {reply} for the request {id}, which was never made"))]
    UnknownRequest {
        /// The other end.
        endpoint: Endpoint,
        /// The name of the reply.
        reply: &'static str,
        /// The id in the reply, as on the wire.
        id: i64,
    },
    /// A user of the connection got a reply that breaks the protocol.
    #[snafu(display("{endpoint} broke the protocol"))]
    Violation {
        /// The other end.
        endpoint: Endpoint,
        /// How, in the words of who noticed.
        source: ProtocolError,
    },
    /// The reply to a call did not come in time. The connection stays open; a late reply is ignored.
    #[snafu(display("{endpoint} did not answer within {after:?}"))]
    Timeout {
        /// The other end.
        endpoint: Endpoint,
        /// The time it had.
        after: Duration,
    },
    /// The connection had been closed before this request. Nothing of the request was sent.
    #[snafu(display("the connection to {endpoint} had been closed before"))]
    AlreadyClosed {
        /// The other end.
        endpoint: Endpoint,
        /// Why it had been closed.
        source: Arc<ConnectionError>,
    },
    /// The request does not fit into a frame. Nothing of it was sent.
    #[snafu(display("a request to {endpoint} cannot be encoded"))]
    Encode {
        /// The other end.
        endpoint: Endpoint,
        /// What does not fit.
        #[snafu(source(from(EncodeError, Arc::new)))]
        source: Arc<EncodeError>,
    },
    /// As many calls or flows use this connection as may. Nothing was sent.
    #[snafu(display("the connection to {endpoint} has {max} {what} already"))]
    Full {
        /// The other end.
        endpoint: Endpoint,
        /// What there are too many of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// The request for a call carries another id than the one it was given. Nothing of it was sent.
    #[snafu(display("a call to {endpoint} was made with an id that is not its own"))]
    ForeignId {
        /// The other end.
        endpoint: Endpoint,
    },
    /// Nobody used the connection for the configured time.
    #[snafu(display("the connection to {endpoint} was not used any more"))]
    Idle {
        /// The other end.
        endpoint: Endpoint,
    },
    /// The pool was shut down, or a user closed the connection without a reason.
    #[snafu(display("the connection to {endpoint} was shut down"))]
    ShutDown {
        /// The other end.
        endpoint: Endpoint,
    },
    /// The task that served the connection is gone: its runtime was shut down, or a handler panicked.
    #[snafu(display("the task serving the connection to {endpoint} stopped"))]
    Stopped {
        /// The other end.
        endpoint: Endpoint,
    },
}

impl ConnectionError {
    /// The other end of the connection.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match self {
            Self::ClosedByPeer { endpoint }
            | Self::CutFrame { endpoint }
            | Self::Read { endpoint, .. }
            | Self::Write { endpoint, .. }
            | Self::Silent { endpoint, .. }
            | Self::SlowFrame { endpoint, .. }
            | Self::Malformed { endpoint, .. }
            | Self::UnknownReply { endpoint, .. }
            | Self::UnknownRequest { endpoint, .. }
            | Self::Violation { endpoint, .. }
            | Self::Timeout { endpoint, .. }
            | Self::AlreadyClosed { endpoint, .. }
            | Self::Encode { endpoint, .. }
            | Self::Full { endpoint, .. }
            | Self::ForeignId { endpoint }
            | Self::Idle { endpoint }
            | Self::ShutDown { endpoint }
            | Self::Stopped { endpoint } => endpoint,
        }
    }

    /// True when another attempt, on another connection where this one is closed, may succeed.
    ///
    /// Whether it is *right* to repeat is another question: see [`sent_nothing`](Self::sent_nothing).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::ClosedByPeer { .. }
            | Self::CutFrame { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Silent { .. }
            | Self::SlowFrame { .. }
            | Self::Malformed { .. }
            | Self::UnknownReply { .. }
            | Self::UnknownRequest { .. }
            | Self::Violation { .. }
            | Self::Timeout { .. }
            | Self::Full { .. }
            | Self::Idle { .. } => true,
            Self::AlreadyClosed { source, .. } => source.is_retryable(),
            Self::Encode { .. }
            | Self::ForeignId { .. }
            | Self::ShutDown { .. }
            | Self::Stopped { .. } => false,
        }
    }

    /// True when it is known that no byte of the failed request was sent, so that it did not happen and
    /// never will.
    #[must_use]
    pub fn sent_nothing(&self) -> bool {
        match self {
            Self::AlreadyClosed { .. }
            | Self::Encode { .. }
            | Self::Full { .. }
            | Self::ForeignId { .. } => true,
            Self::ClosedByPeer { .. }
            | Self::CutFrame { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Silent { .. }
            | Self::SlowFrame { .. }
            | Self::Malformed { .. }
            | Self::UnknownReply { .. }
            | Self::UnknownRequest { .. }
            | Self::Violation { .. }
            | Self::Timeout { .. }
            | Self::Idle { .. }
            | Self::ShutDown { .. }
            | Self::Stopped { .. } => false,
        }
    }

    /// The same cause, for somebody whose request came after it.
    pub(crate) fn already_closed(&self) -> Self {
        Self::AlreadyClosed {
            endpoint: self.endpoint().clone(),
            source: Arc::new(self.clone()),
        }
    }
}
