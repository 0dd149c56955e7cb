//! The connections of a client: found by endpoint, made on demand, shared, closed when unused.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use pravega_client_config::ClientConfig;
use pravega_client_shared::Endpoint;
use snafu::{OptionExt, ResultExt, ensure};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ConnectError, Connection, ConnectionError, Dial, TcpDialer,
    attempt::Attempt,
    error::connect::{
        AbandonedSnafu, LostSnafu, NoRuntimeSnafu, ShutDownSnafu, TooManyEndpointsSnafu,
    },
    landing::{Landing, Waiter},
    limits::MAX_ENDPOINTS,
    outbound::lock,
    shared::Shared,
    slots::{Choice, Purpose, Slots},
};

/// Connections to segment stores, shared by everybody in a client. Cloning gives the same pool.
///
/// When the last clone is dropped, connections that nobody uses are closed at once, the others with their
/// last user.
#[derive(Clone)]
pub struct ConnectionPool(Arc<Inner>);

/// Numbers about a pool, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Segment stores with a connection, open or in the making.
    pub endpoints: usize,
    /// Open connections.
    pub connections: usize,
    /// Tasks of the pool, one for each connection that is open or in the making.
    pub tasks: usize,
}

pub(crate) struct Inner {
    settings: Settings,
    dialer: Arc<dyn Dial>,
    pub(crate) state: Mutex<State>,
    tasks: TaskTracker,
    /// Ends attempts to connect.
    stop: CancellationToken,
}

/// What the pool takes from the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) hello_timeout: Duration,
    pub(crate) keep_alive_interval: Duration,
    pub(crate) idle_timeout: Duration,
    max_per_endpoint: usize,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) is_shut_down: bool,
    endpoints: HashMap<Endpoint, Slots>,
    next_attempt: u64,
}

impl ConnectionPool {
    /// A pool that connects over TCP, with TLS when the configuration asks for it. No connection is made
    /// yet and no runtime is needed; with TLS the system's certificate authorities are read.
    ///
    /// # Errors
    /// [`ConnectError::TlsSetup`] or [`ConnectError::NoAuthority`] when nobody can be trusted.
    pub fn new(config: &ClientConfig) -> Result<Self, ConnectError> {
        let dialer = TcpDialer::new(config)?;
        Ok(Self::with_dialer(config, Arc::new(dialer)))
    }

    /// A pool that gets its byte streams from `dialer`. Time-outs of dialling and TLS are the dialer's.
    #[must_use]
    pub fn with_dialer(config: &ClientConfig, dialer: Arc<dyn Dial>) -> Self {
        let settings = Settings {
            hello_timeout: config.hello_timeout(),
            keep_alive_interval: config.keep_alive_interval(),
            idle_timeout: config.connection_idle_timeout(),
            max_per_endpoint: config.max_connections_per_endpoint(),
        };
        Self(Arc::new(Inner {
            settings,
            dialer,
            state: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// A connection to open a flow on: one that nobody uses, or else a new one, or, when there are as many
    /// as configured, the one with the fewest flows.
    ///
    /// Connections live on the tokio runtime (with I/O and time switched on) of the caller that first
    /// needed them.
    ///
    /// # Errors
    /// [`ConnectError`] when a new connection could not be made. It is not tried again here: when to come
    /// back is the caller's decision.
    ///
    /// # Cancel safety
    /// Cancel safe. A connection that was being made for a caller that is gone is completed, and there for
    /// the next one.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<Connection, ConnectError> {
        self.connect_for(endpoint, Purpose::Flow).await
    }

    /// A connection to make calls on: any that is open, the least used first, or else a new one.
    ///
    /// Unlike [`connect`](Self::connect) it never adds to the connections where one is open.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn connect_for_calls(&self, endpoint: &Endpoint) -> Result<Connection, ConnectError> {
        self.connect_for(endpoint, Purpose::Calls).await
    }

    /// Closes all connections and ends all attempts to make one; from now on no connection is given out.
    /// Everybody who uses a connection is told [`ConnectionError::ShutDown`].
    pub fn close(&self) {
        let open = {
            let mut state = lock(&self.0.state);
            state.is_shut_down = true;
            state.open_connections()
        };
        self.0.stop.cancel();
        self.0.tasks.close();
        for shared in open {
            let endpoint = shared.endpoint().clone();
            shared.close(ConnectionError::ShutDown { endpoint });
        }
    }

    /// [Closes](Self::close) the pool and waits until its tasks have ended and its sockets are closed.
    ///
    /// # Cancel safety
    /// Cancel safe: the pool is closed by the first poll, and a second call goes on waiting.
    pub async fn shutdown(&self) {
        self.close();
        self.0.tasks.wait().await;
    }

    /// Numbers about this pool.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let state = lock(&self.0.state);
        PoolStats {
            endpoints: state.endpoints.len(),
            connections: state
                .endpoints
                .values()
                .map(|slots| slots.open().len())
                .sum(),
            tasks: self.0.tasks.len(),
        }
    }

    async fn connect_for(
        &self,
        endpoint: &Endpoint,
        purpose: Purpose,
    ) -> Result<Connection, ConnectError> {
        let waiter = match self.find_or_dial(endpoint, purpose)? {
            Found::Open(connection) => return Ok(connection),
            Found::Dialing(waiter) => waiter,
        };
        match waiter.landed().await {
            Some(Ok(shared)) => claim(&shared, purpose).with_context(|_| LostSnafu {
                endpoint: endpoint.clone(),
            }),
            Some(Err(error)) => Err(error),
            None => AbandonedSnafu {
                endpoint: endpoint.clone(),
            }
            .fail(),
        }
    }

    /// Decides under the lock; waits for nothing.
    fn find_or_dial(&self, endpoint: &Endpoint, purpose: Purpose) -> Result<Found, ConnectError> {
        let inner = &self.0;
        let mut state = lock(&inner.state);
        ensure!(
            !state.is_shut_down,
            ShutDownSnafu {
                endpoint: endpoint.clone()
            }
        );
        let slots = state.endpoints.get(endpoint);
        let max = inner.settings.max_per_endpoint;
        match slots.map_or(Choice::Dial, |slots| slots.choose(purpose, max)) {
            Choice::Use(shared) => {
                // An error says that it was closed in this very moment: as if it had not been there.
                if let Ok(connection) = claim(&shared, purpose) {
                    return Ok(Found::Open(connection));
                }
            }
            Choice::Wait(waiter) => return Ok(Found::Dialing(waiter)),
            Choice::Dial => {}
        }
        self.dial(&mut state, endpoint).map(Found::Dialing)
    }

    /// Starts an attempt in a task of its own, so that it goes on when the caller is gone.
    fn dial(&self, state: &mut State, endpoint: &Endpoint) -> Result<Waiter, ConnectError> {
        let runtime = Handle::try_current().ok().with_context(|| NoRuntimeSnafu {
            endpoint: endpoint.clone(),
        })?;
        let number = state.next_attempt;
        state.next_attempt += 1;
        let landing = Arc::<Landing>::default();
        let waiter = landing.wait();
        state.slots(endpoint)?.begin(number, Arc::clone(&landing));
        let attempt = Attempt {
            pool: Arc::downgrade(&self.0),
            endpoint: endpoint.clone(),
            number,
            landing,
            settings: self.0.settings,
        };
        let dialer = Arc::clone(&self.0.dialer);
        let stop = self.0.stop.clone();
        self.0.tasks.spawn_on(attempt.run(dialer, stop), &runtime);
        Ok(waiter)
    }
}

impl fmt::Debug for ConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionPool")
            .field("settings", &self.0.settings)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Whoever waits for an attempt holds the pool, so nobody waits any more.
        self.stop.cancel();
        for shared in lock(&self.state).open_connections() {
            shared.retire();
        }
    }
}

/// A connection, or somebody who is making one.
enum Found {
    Open(Connection),
    Dialing(Waiter),
}

fn claim(shared: &Arc<Shared>, purpose: Purpose) -> Result<Connection, ConnectionError> {
    match purpose {
        Purpose::Flow => Connection::claim(shared),
        Purpose::Calls => Connection::unclaimed(shared),
    }
}

impl State {
    /// The connections to one endpoint.
    fn slots(&mut self, endpoint: &Endpoint) -> Result<&mut Slots, ConnectError> {
        ensure!(
            self.endpoints.len() < MAX_ENDPOINTS || self.endpoints.contains_key(endpoint),
            TooManyEndpointsSnafu {
                endpoint: endpoint.clone(),
                max: MAX_ENDPOINTS
            }
        );
        Ok(self.endpoints.entry(endpoint.clone()).or_default())
    }

    /// Changes the connections to one endpoint, and forgets the endpoint when it has none any more.
    pub(crate) fn change(&mut self, endpoint: &Endpoint, change: impl FnOnce(&mut Slots)) {
        if let Some(slots) = self.endpoints.get_mut(endpoint) {
            change(slots);
            if slots.is_empty() {
                self.endpoints.remove(endpoint);
            }
        }
    }

    fn open_connections(&self) -> Vec<Arc<Shared>> {
        let all = self.endpoints.values().flat_map(Slots::open);
        let mut all: Vec<_> = all.map(Arc::clone).collect();
        // The oldest first, so that who is told first does not depend on a hash.
        all.sort_unstable_by_key(|shared| shared.id());
        all
    }
}
