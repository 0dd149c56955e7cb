//! [`Services`]: the two services of a server, on connections of the caller's.

use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, atomic::AtomicU64},
};

use futures::Stream;
use pravega_client_shared::Endpoint;
use snafu::ResultExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::{
    append_memory::{AppendMemory, LARGEST_SHARE},
    connection::Shared,
    controller::{self, ControllerService},
    counters::ServerMeter,
    error::{ControllerSnafu, StartError},
    limits::Limits,
    listener,
    security::Guard,
    store::Segments,
};

/// Segments and catalog of a server, without listeners: made by
/// [`StandaloneBuilder::services`](crate::StandaloneBuilder::services).
///
/// Each service is served on a stream of connections that come from wherever the caller has them: pipes, a
/// simulated network, sockets that were handed over. It may be served in several places at the same time, as
/// several segment stores serve the segments of one cluster; what was acknowledged at one can be read at all.
/// Cloning shares everything.
#[derive(Clone)]
pub struct Services {
    shared: Arc<Shared>,
}

impl Services {
    pub(crate) fn new(segments: Segments, limits: Limits, guard: Option<Arc<Guard>>) -> Self {
        let memory = limits.max_append_bytes.max(LARGEST_SHARE);
        Self {
            shared: Arc::new(Shared {
                segments,
                limits,
                guard,
                append_memory: AppendMemory::new(memory),
                next_connection: AtomicU64::new(0),
                counters: Arc::default(),
            }),
        }
    }

    /// Gives the numbers of the services, all places where they are served together.
    #[must_use]
    pub fn meter(&self) -> ServerMeter {
        ServerMeter::new(&self.shared)
    }

    /// Serves as a segment store those who come, until `stop` is ready; then acknowledges what is in flight.
    /// Without anybody to come any more it ends with its last connection.
    ///
    /// The limits of numbers of connections hold for each place that serves.
    ///
    /// # Cancel safety
    /// Dropping the future ends all its connections at once.
    pub async fn serve_store<S>(
        &self,
        incoming: impl Stream<Item = io::Result<S>> + Send,
        stop: impl Future<Output = ()> + Send,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let stopping = CancellationToken::new();
        let stopped = async {
            stop.await;
            stopping.cancel();
            std::future::pending::<()>().await;
        };
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            biased;
            () = stopped => {}
            () = listener::serve(incoming, shared, stopping.clone()) => {}
        }
    }

    /// Serves as a controller those who come, until `stop` is ready. Clients are sent to `store` for every
    /// segment, and told `controller` when they ask for controllers.
    ///
    /// # Errors
    /// [`StartError::Controller`] when the catalog cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future ends all its connections at once. Changes under way are completed by tasks of
    /// their own.
    pub async fn serve_controller<S>(
        &self,
        incoming: impl Stream<Item = io::Result<S>> + Send,
        store: &Endpoint,
        controller: &Endpoint,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), StartError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = self.controller(store, controller).await?;
        controller::serve(service, incoming, stop).await;
        Ok(())
    }

    pub(crate) async fn controller(
        &self,
        store: &Endpoint,
        controller: &Endpoint,
    ) -> Result<ControllerService, StartError> {
        let segments = self.shared.segments.clone();
        let opened = ControllerService::open(segments, store.clone(), controller.clone()).await;
        let opened = opened.context(ControllerSnafu)?;
        Ok(opened
            .guarded_by(self.shared.guard.clone())
            .counted_by(Arc::clone(&self.shared.counters)))
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}
