//! Why a server does not start.

use std::{io, net::SocketAddr};

use pravega_client_shared::ParseEndpointError;
use snafu::Snafu;

use crate::{DirectoryError, OpenError};

/// Why a server does not start. Nothing of it is left running.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[snafu(display("cannot listen on {address} for the {service}"))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Which of the two services.
        service: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The host that clients are to be told is none.
    #[snafu(display("clients cannot be sent to that host"))]
    AdvertisedHost {
        /// What is wrong with it.
        source: ParseEndpointError,
    },
    /// Passwords and tokens would cross a network in the clear.
    #[snafu(display(
        "accounts need TLS to listen on {address}: passwords would cross the network in the clear"
    ))]
    PlainPasswords {
        /// The address, which is not of the loopback interface.
        address: SocketAddr,
    },
    /// There are accounts to be, but none; or the system gives no random numbers for keys.
    #[snafu(display("there is no account, or the system gives no random numbers"))]
    NoGuard,
    /// The data directory cannot be used.
    #[snafu(display("cannot use the data directory"))]
    DataDirectory {
        /// Why.
        #[snafu(source(from(DirectoryError, Box::new)))]
        source: Box<DirectoryError>,
    },
    /// Opening the data directory was given up, because the runtime shuts down or the storage library met
    /// content it did not expect.
    #[snafu(display("opening the data directory was interrupted"))]
    Interrupted {
        /// The end of the task.
        source: tokio::task::JoinError,
    },
    /// The controller does not start.
    #[snafu(display("the controller does not start"))]
    Controller {
        /// Why.
        source: OpenError,
    },
}

impl StartError {
    /// True when the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Listen { source, .. } => source.kind() == io::ErrorKind::AddrInUse,
            Self::DataDirectory { source } => source.is_retryable(),
            Self::AdvertisedHost { .. }
            | Self::PlainPasswords { .. }
            | Self::NoGuard
            | Self::Interrupted { .. }
            | Self::Controller { .. } => false,
        }
    }
}
