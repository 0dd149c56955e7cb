//! The client: what it holds, and how it is made.

use std::{fmt, sync::Arc, time::Duration};

use pravega_client_config::ClientConfig;
use pravega_client_shared::{Chance, Endpoint, ScopedSegment, ScopedStream};

use crate::{
    Access, ControllerError,
    cache::{Cache, Freshness, Keep},
    channel::{Prepare, prepare},
    connect::{self, Connect},
    rpc::Rpc,
    token::DatedToken,
};

/// The most endpoints kept: one for each segment in use, a few hundred bytes each.
const MAX_ENDPOINTS: usize = 65_536;

/// How long a controller is waited for before a place that is doubted is tried again. An answer takes
/// milliseconds.
const LOCATING_PATIENCE: Duration = Duration::from_secs(1);

/// The most tokens kept: one or two for each stream in use, about a kilobyte each.
const MAX_TOKENS: usize = 32_768;

/// Calls to the controllers of one Pravega cluster. Cloning is cheap and shares connections and caches.
///
/// See the [crate's documentation](crate) for what all calls have in common.
#[derive(Clone)]
pub struct ControllerClient {
    pub(crate) rpc: Rpc,
    pub(crate) endpoints: Cache<ScopedSegment, Place>,
    pub(crate) tokens: Cache<(ScopedStream, Access), DatedToken>,
}

/// Where a segment is served.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) endpoint: Endpoint,
    /// Somebody has complained.
    pub(crate) is_doubted: bool,
}

/// A place is good until somebody complains about it. Then it is better than none: the store may only have been
/// away for a moment, and the controller be down.
impl Keep for Place {
    const PATIENCE: Duration = LOCATING_PATIENCE;

    fn freshness(&self, _now: tokio::time::Instant) -> Freshness {
        if self.is_doubted {
            Freshness::Ageing
        } else {
            Freshness::Fresh
        }
    }
}

impl ControllerClient {
    /// A client for the controllers that `config` names.
    ///
    /// Nothing is sent, and no runtime is needed: connections are made by the first call. With TLS, the
    /// operating system's certificates are read from their files.
    ///
    /// # Errors
    /// [`ControllerError::Setup`] when TLS cannot be set up for one of the controllers.
    pub fn new(config: &ClientConfig) -> Result<Self, ControllerError> {
        Self::with_connections(config, prepare(config), Chance::of_system())
    }

    /// A client that gets its byte streams from `connector`, and the random parts of its pauses from `chance`.
    ///
    /// Encryption is the connector's matter: whatever the configuration says of TLS, plain HTTP/2 is spoken
    /// over what it opens. It has the configured `connect_timeout` to do so.
    ///
    /// # Errors
    /// [`ControllerError::Setup`] when an address of a controller cannot be used in a request.
    pub fn with_connector(
        config: &ClientConfig,
        connector: Arc<dyn Connect>,
        chance: Chance,
    ) -> Result<Self, ControllerError> {
        let prepare = connect::prepare(config, connector);
        Self::with_connections(config, prepare, chance)
    }

    pub(crate) fn with_connections(
        config: &ClientConfig,
        prepare: Prepare,
        chance: Chance,
    ) -> Result<Self, ControllerError> {
        Ok(Self {
            rpc: Rpc::new(config, prepare, chance)?,
            endpoints: Cache::new(MAX_ENDPOINTS),
            tokens: Cache::new(MAX_TOKENS),
        })
    }
}

impl fmt::Debug for ControllerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.rpc.config().controller_address();
        f.debug_struct("ControllerClient")
            .field("address", &address.to_string())
            .finish_non_exhaustive()
    }
}
