//! What all children of one factory share: configuration, controller, connections.

use std::{fmt, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use pravega_client_config::ClientConfig;
use pravega_client_shared::Chance;
use pravega_connection_pool::ConnectionPool;
use pravega_controller_client::ControllerClient;
use tokio_util::sync::CancellationToken;

/// The shared inside of a [`ClientFactory`](crate::ClientFactory).
pub(crate) struct Core {
    pub(crate) config: ClientConfig,
    pub(crate) controller: ControllerClient,
    pub(crate) pool: ConnectionPool,
    pub(crate) chance: Chance,
    /// Cancelled by `shutdown`: every supervisor ends, every waiting call returns.
    pub(crate) shutdown: CancellationToken,
}

impl Core {
    /// Pauses between the attempts of one call, growing and with jitter. They never end.
    pub(crate) fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let retry = self.config.retry();
        let delays = ExponentialBuilder::default()
            .with_min_delay(retry.initial_backoff())
            .with_max_delay(retry.max_backoff())
            .with_factor(retry.factor())
            .with_jitter()
            .without_max_times();
        match self.chance.seeded() {
            Some(seed) => delays.with_jitter_seed(seed).build(),
            None => delays.build(),
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
