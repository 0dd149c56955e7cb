//! What all children of one factory share: configuration, controller, connections.

use std::fmt;

use pravega_client_config::ClientConfig;
use pravega_client_shared::Chance;
use pravega_connection_pool::ConnectionPool;
use pravega_controller_client::ControllerClient;
use pravega_segment_session::BackoffPolicy;
use tokio_util::sync::CancellationToken;

use crate::{ids::random_seed, measure::Meters};

/// The shared inside of a [`ClientFactory`](crate::ClientFactory).
pub(crate) struct Core {
    pub(crate) config: ClientConfig,
    pub(crate) controller: ControllerClient,
    pub(crate) pool: ConnectionPool,
    pub(crate) chance: Chance,
    pub(crate) meters: Meters,
    /// Cancelled by `shutdown`: every supervisor ends, every waiting call returns.
    pub(crate) shutdown: CancellationToken,
}

impl Core {
    /// The pauses between attempts, from the configuration, with randomness for one user of them.
    pub(crate) fn backoff_policy(&self) -> BackoffPolicy {
        let retry = self.config.retry();
        BackoffPolicy::default()
            .with_pauses(retry.initial_backoff(), retry.max_backoff())
            .with_factor(retry.factor())
            .with_seed(random_seed(&self.chance))
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
