//! Accepts connections to the segment store, up to a number.

#[cfg(test)]
mod tests;

use std::{
    io,
    pin::pin,
    sync::{Arc, atomic::Ordering},
};

use futures::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    connection::{Connection, Shared},
    incoming,
};

/// Accepts until `shutdown`, or until nobody comes any more; serves each connection in a task of its own, and
/// returns when the last one has ended. Dropping the future ends all of them at once.
pub(crate) async fn serve<S>(
    incoming: impl Stream<Item = io::Result<S>> + Send,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let places = Places::new(&shared);
    let mut connections = JoinSet::new();
    {
        // Gone, and its listener with it, before the last connections are waited for.
        let mut incoming = pin!(incoming);
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                // The place of a connection that ended has been given back by its task.
                Some(_) = connections.join_next() => continue,
                accepted = places.accept(&mut incoming) => accepted,
            };
            let Some((socket, place, silent)) = accepted else {
                break;
            };
            let id = shared.next_connection.fetch_add(1, Ordering::Relaxed);
            let connection = Connection::new(socket, id, Arc::clone(&shared), silent);
            debug!(name: "server.connection_opened", connection = id, "a connection");
            let shutdown = shutdown.clone();
            let open = shared.counters.connection();
            connections.spawn(async move {
                let reason = connection.run(shutdown).await;
                debug!(name: "server.connection_closed", connection = id, ?reason, "closed a connection");
                drop((open, place));
            });
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Room for connections: taken before one is accepted, so that the system's backlog holds the rest.
struct Places {
    all: Arc<Semaphore>,
    silent: Arc<Semaphore>,
}

impl Places {
    fn new(shared: &Shared) -> Self {
        let permits = |limit: usize| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self {
            all: permits(shared.limits.max_connections),
            silent: permits(shared.limits.max_silent_connections),
        }
    }

    /// The next connection and its places; none when no more will come.
    async fn accept<S>(
        &self,
        incoming: &mut (impl Stream<Item = io::Result<S>> + Unpin),
    ) -> Option<(S, OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        // The semaphores are never closed.
        let place = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let silent = Arc::clone(&self.silent).acquire_owned().await.ok()?;
        Some((incoming::next(incoming).await?, place, silent))
    }
}
