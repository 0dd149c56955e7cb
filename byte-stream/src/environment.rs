//! [`Environment`]: what a factory takes from the machine that it runs on.

use std::{fmt, io, sync::Arc};

use futures::future::BoxFuture;
use pravega_client_config::ClientConfig;
use pravega_client_shared::{Chance, Endpoint};
use pravega_connection_pool::{ConnectError, ConnectionPool, Dial, TcpDialer};
use pravega_controller_client::{BoxedByteStream, Connect, ControllerClient, ControllerError};

use crate::measure::Meters;

/// What a factory takes from the machine that it runs on: byte streams, and random numbers. The third thing,
/// time, is tokio's.
///
/// Programs have no need of it: [`ClientFactory::new`](crate::ClientFactory::new) takes TCP and the system's
/// random numbers. With a dialer of its own a program goes through a proxy or a tunnel; with a seed as well, a
/// simulated client does the same in every run.
///
/// ```
/// use std::sync::Arc;
///
/// use futures::future::BoxFuture;
/// use pravega_byte_stream::{
///     ClientConfigBuilder, ClientFactory, ConnectError, Dial, Dialed, Endpoint, Environment,
/// };
///
/// /// Everything is behind one door.
/// struct Tunnel;
///
/// impl Dial for Tunnel {
///     fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
///         Box::pin(async move {
///             let unreachable = |error: std::io::Error| ConnectError::Unreachable {
///                 endpoint: endpoint.clone(),
///                 addresses: 1,
///                 source: Arc::new(error),
///             };
///             let tunnel = tokio::net::TcpStream::connect("localhost:1080").await.map_err(unreachable)?;
///             let (reader, writer) = tunnel.into_split();
///             Ok(Dialed::new(reader, writer))
///         })
///     }
/// }
///
/// let config = ClientConfigBuilder::default().controller_uri("controller:9090").build()?;
/// let environment = Environment::system().with_dialer(Arc::new(Tunnel));
/// let factory = ClientFactory::in_environment(config, environment);
/// # drop(factory);
/// # Ok::<(), pravega_byte_stream::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    dialer: Option<Arc<dyn Dial>>,
    pub(crate) chance: Chance,
}

impl Environment {
    /// TCP, with TLS when the configuration asks for it, and the system's random numbers. This is the default.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Controllers and segment stores are reached over what `dialer` opens. Encryption and the deadline of
    /// connecting are its matter then, whatever the configuration says.
    #[must_use]
    pub fn with_dialer(self, dialer: Arc<dyn Dial>) -> Self {
        Self {
            dialer: Some(dialer),
            ..self
        }
    }

    /// Writer ids and the random parts of pauses come from `seed`. For simulations only: two clients of one
    /// cluster with the same seed take each other's appends for their own.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self {
            chance: Chance::of_seed(seed),
            ..self
        }
    }

    pub(crate) fn controller(
        &self,
        config: &ClientConfig,
    ) -> Result<ControllerClient, ControllerError> {
        let Some(dialer) = &self.dialer else {
            return ControllerClient::new(config);
        };
        let connector = Arc::new(ToControllers(Arc::clone(dialer)));
        ControllerClient::with_connector(config, connector, self.chance.clone())
    }

    pub(crate) fn pool(
        &self,
        config: &ClientConfig,
        meters: &Meters,
    ) -> Result<ConnectionPool, ConnectError> {
        let dialer = match &self.dialer {
            None => Arc::new(TcpDialer::new(config)?),
            Some(dialer) => Arc::clone(dialer),
        };
        Ok(ConnectionPool::with_dialer(config, meters.counting(dialer)))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("has_dialer", &self.dialer.is_some())
            .field("chance", &self.chance)
            .finish()
    }
}

/// The way to controllers over a dialer for segment stores.
struct ToControllers(Arc<dyn Dial>);

impl Connect for ToControllers {
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxedByteStream>> {
        Box::pin(async move {
            let dialed = self.0.dial(endpoint).await.map_err(io::Error::other)?;
            let both = tokio::io::join(dialed.reader, dialed.writer);
            let both: BoxedByteStream = Box::new(both);
            Ok(both)
        })
    }
}
