//! Why there is no connection.

use std::{fmt, io, sync::Arc, time::Duration};

use pravega_client_shared::Endpoint;
use pravega_wire_protocol::IncompatibleVersion;
use snafu::Snafu;

use crate::{Cause, ConnectionError, ProtocolError};

/// Why there is no connection.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum ConnectError {
    /// The authorities or the TLS settings cannot be used. Found when the pool is made.
    #[snafu(display("the TLS settings cannot be used"))]
    TlsSetup {
        /// What the TLS library says.
        source: Cause,
    },
    /// TLS is on, no authority was configured, and the operating system knows none.
    #[snafu(display("no certificate authority is known to the system, and none was configured"))]
    NoAuthority,
    /// The host name could not be resolved.
    #[snafu(display("the name of {endpoint} could not be resolved"))]
    Resolve {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// What the resolver says.
        #[snafu(source(from(io::Error, Arc::new)))]
        source: Arc<io::Error>,
    },
    /// The host name has no address.
    #[snafu(display("the name of {endpoint} has no address"))]
    NoAddress {
        /// Where the connection was to lead.
        endpoint: Endpoint,
    },
    /// No address of the host took a connection.
    #[snafu(display("{endpoint} could not be reached, {addresses} addresses were tried"))]
    Unreachable {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// How many addresses were tried.
        addresses: usize,
        /// What the last address tried came to.
        #[snafu(source(from(io::Error, Arc::new)))]
        source: Arc<io::Error>,
    },
    /// A step took too long.
    #[snafu(display("{step} with {endpoint} took longer than {after:?}"))]
    Timeout {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// The step that was not done in time.
        step: ConnectStep,
        /// The time it had.
        after: Duration,
    },
    /// The host is no name that a certificate can carry.
    #[snafu(display("{endpoint} is no name that a certificate can be checked against"))]
    ServerName {
        /// Where the connection was to lead.
        endpoint: Endpoint,
    },
    /// The TLS handshake failed.
    #[snafu(display("TLS with {endpoint} failed: {failure}"))]
    Tls {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// The reason, in classes.
        failure: TlsFailure,
        /// What the TLS library says.
        #[snafu(source(from(io::Error, Arc::new)))]
        source: Arc<io::Error>,
    },
    /// The peer answered the hello with something else: it is no segment store.
    #[snafu(display("{endpoint} does not speak the segment store protocol"))]
    NotPravega {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// What it said instead.
        source: ProtocolError,
    },
    /// The peer speaks no version of the protocol that this client speaks.
    #[snafu(display("{endpoint} speaks another version of the protocol"))]
    Version {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// The two ranges.
        source: IncompatibleVersion,
    },
    /// The peer closed the connection before its hello. A segment store that wants TLS does this to a
    /// client that speaks plain text.
    #[snafu(display("{endpoint} closed the connection before its hello"))]
    ClosedBeforeHello {
        /// Where the connection was to lead.
        endpoint: Endpoint,
    },
    /// Reading or writing failed during the hello.
    #[snafu(display("the connection to {endpoint} broke during the hello"))]
    BrokenBeforeHello {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// What the operating system says.
        #[snafu(source(from(io::Error, Arc::new)))]
        source: Arc<io::Error>,
    },
    /// The connection was made, and lost before it could be used.
    #[snafu(display("the connection to {endpoint} was lost as soon as it was made"))]
    Lost {
        /// Where the connection led.
        endpoint: Endpoint,
        /// Why it was lost.
        source: ConnectionError,
    },
    /// The pool is connected to as many endpoints as it may be.
    #[snafu(display("no connection to {endpoint}: {max} other endpoints are connected"))]
    TooManyEndpoints {
        /// Where the connection was to lead.
        endpoint: Endpoint,
        /// The bound.
        max: usize,
    },
    /// The pool was shut down.
    #[snafu(display("no connection to {endpoint}: the pool was shut down"))]
    ShutDown {
        /// Where the connection was to lead.
        endpoint: Endpoint,
    },
    /// The task that was making the connection is gone: its runtime was shut down.
    #[snafu(display("the runtime stopped while connecting to {endpoint}"))]
    Abandoned {
        /// Where the connection was to lead.
        endpoint: Endpoint,
    },
    /// The caller does not run on a tokio runtime.
    #[snafu(display("connecting to {endpoint} needs a tokio runtime"))]
    NoRuntime {
        /// Where the connection was to lead.
        endpoint: Endpoint,
    },
}

/// A step on the way to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectStep {
    /// Asking for the addresses of the host.
    Resolve,
    /// Connecting to one of the addresses.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// The exchange of hellos.
    Hello,
}

/// Why a TLS handshake failed, in the classes that a user does something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The certificate was issued by nobody we trust.
    UnknownAuthority,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another name.
    WrongName,
    /// The certificate is unusable for another reason, such as a bad signature.
    BadCertificate,
    /// The peer does not speak TLS.
    NotTls,
    /// The peer speaks TLS, and refused the handshake.
    Refused,
    /// The connection broke during the handshake. A peer that does not know TLS may do this too.
    Broken,
}

impl ConnectError {
    /// Where the connection was to lead; none for errors of the pool's own making.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::TlsSetup { .. } | Self::NoAuthority => None,
            Self::Resolve { endpoint, .. }
            | Self::NoAddress { endpoint }
            | Self::Unreachable { endpoint, .. }
            | Self::Timeout { endpoint, .. }
            | Self::ServerName { endpoint }
            | Self::Tls { endpoint, .. }
            | Self::NotPravega { endpoint, .. }
            | Self::Version { endpoint, .. }
            | Self::ClosedBeforeHello { endpoint }
            | Self::BrokenBeforeHello { endpoint, .. }
            | Self::Lost { endpoint, .. }
            | Self::TooManyEndpoints { endpoint, .. }
            | Self::ShutDown { endpoint }
            | Self::Abandoned { endpoint }
            | Self::NoRuntime { endpoint } => Some(endpoint),
        }
    }

    /// True when the same attempt may succeed later without anybody changing anything here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::NoAddress { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::ClosedBeforeHello { .. }
            | Self::BrokenBeforeHello { .. }
            | Self::Lost { .. }
            | Self::TooManyEndpoints { .. } => true,
            Self::Tls { failure, .. } => failure.is_retryable(),
            Self::TlsSetup { .. }
            | Self::NoAuthority
            | Self::ServerName { .. }
            | Self::NotPravega { .. }
            | Self::Version { .. }
            | Self::ShutDown { .. }
            | Self::Abandoned { .. }
            | Self::NoRuntime { .. } => false,
        }
    }

    /// True: without a connection no request was sent. For symmetry with
    /// [`ConnectionError::sent_nothing`].
    #[must_use]
    pub fn sent_nothing(&self) -> bool {
        true
    }
}

impl TlsFailure {
    fn is_retryable(self) -> bool {
        match self {
            Self::Broken => true,
            Self::UnknownAuthority
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongName
            | Self::BadCertificate
            | Self::NotTls
            | Self::Refused => false,
        }
    }
}

impl fmt::Display for ConnectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving the name",
            Self::Tcp => "the TCP connection",
            Self::Tls => "the TLS handshake",
            Self::Hello => "the hello",
        })
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => "the certificate's authority is unknown",
            Self::Expired => "the certificate has expired",
            Self::NotYetValid => "the certificate is not valid yet",
            Self::WrongName => "the certificate is for another name",
            Self::BadCertificate => "the certificate cannot be used",
            Self::NotTls => "the server does not speak TLS",
            Self::Refused => "the server refused the handshake",
            Self::Broken => "the connection broke in the handshake",
        })
    }
}
