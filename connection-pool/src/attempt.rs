//! The task of one attempt to connect, which becomes the task of the connection.

use std::sync::{Arc, Weak};

use pravega_client_shared::Endpoint;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::{
    ConnectError, ConnectionError, Dial,
    driver::Driver,
    error::connect::ShutDownSnafu,
    hello,
    inbound::Inbound,
    landing::Landing,
    outbound::lock,
    pool::{Inner, Settings},
    shared::Shared,
};

/// One attempt to connect, and after it the life of the connection: a task.
pub(crate) struct Attempt {
    pub(crate) pool: Weak<Inner>,
    pub(crate) endpoint: Endpoint,
    pub(crate) number: u64,
    pub(crate) landing: Arc<Landing>,
    pub(crate) settings: Settings,
}

impl Attempt {
    pub(crate) async fn run(self, dialer: Arc<dyn Dial>, stop: CancellationToken) {
        let endpoint = self.endpoint.clone();
        // Boxed, so that the memory of dialling is given back before the connection's long life.
        let establish = Box::pin(establish(&*dialer, &endpoint, self.settings));
        let established = stop.run_until_cancelled(establish).await;
        match established.unwrap_or_else(|| ShutDownSnafu { endpoint }.fail()) {
            Ok((shared, driver)) => {
                let registered = self.succeed(shared);
                driver.run().await;
                drop(registered);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Puts the connection into the pool and tells those who wait.
    fn succeed(self, shared: Arc<Shared>) -> Registered {
        tracing::debug!(name: "connection.opened", endpoint = %self.endpoint, connection = shared.id(), "connected");
        match self.pool.upgrade() {
            Some(inner) => {
                let mut state = lock(&inner.state);
                if state.is_shut_down {
                    let endpoint = self.endpoint.clone();
                    shared.close(ConnectionError::ShutDown { endpoint });
                }
                state.change(&self.endpoint, |slots| {
                    slots.add(Arc::clone(&shared));
                    slots.end(self.number);
                });
            }
            None => shared.retire(),
        }
        self.landing.land(Some(Ok(Arc::clone(&shared))));
        Registered {
            pool: Weak::clone(&self.pool),
            shared,
        }
    }

    fn fail(self, error: ConnectError) {
        tracing::debug!(name: "connection.failed", endpoint = %self.endpoint, %error, "could not connect");
        // Who comes from here on gets an attempt of his own, however long it takes to tell those who waited for this one.
        self.end();
        self.landing.land(Some(Err(error)));
    }

    fn end(&self) {
        if let Some(inner) = self.pool.upgrade() {
            lock(&inner.state).change(&self.endpoint, |slots| slots.end(self.number));
        }
    }
}

impl Drop for Attempt {
    /// However the attempt ended, also by a panic or with its runtime: it is no attempt any more.
    fn drop(&mut self) {
        self.end();
        self.landing.land(None);
    }
}

/// A connection's place in its pool, given up however the connection ends.
struct Registered {
    pool: Weak<Inner>,
    shared: Arc<Shared>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let Some(inner) = self.pool.upgrade() else {
            return;
        };
        let is_silent = matches!(self.shared.cause(), Some(ConnectionError::Silent { .. }));
        lock(&inner.state).change(self.shared.endpoint(), |slots| {
            slots.remove(self.shared.id());
            if is_silent {
                slots.retire_unused();
            }
        });
    }
}

/// Dials and says hello.
#[instrument(name = "connection.connect", level = "debug", skip_all, fields(%endpoint))]
async fn establish(
    dialer: &dyn Dial,
    endpoint: &Endpoint,
    settings: Settings,
) -> Result<(Arc<Shared>, Driver), ConnectError> {
    let mut dialed = dialer.dial(endpoint).await?;
    let agreed = hello::exchange(&mut dialed, endpoint, settings.hello_timeout).await?;
    let shared = Arc::new(Shared::new(
        endpoint.clone(),
        agreed.version,
        dialed.writer,
        settings.idle_timeout,
    ));
    let inbound = Inbound::new(dialed.reader, agreed.already_read);
    let period = settings.keep_alive_interval;
    let driver = Driver::new(Arc::clone(&shared), inbound, period, dialed.held);
    Ok((shared, driver))
}
