//! Accepts connections to the segment store, up to a number.

use std::{sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::connection::{Connection, Shared};

/// The first pause after an accept that failed, for example for want of file descriptors.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest of these pauses; each is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts until `shutdown`, serves each connection in a task of its own, and returns when the last one has
/// ended. Dropping the future ends all of them at once.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, shutdown: CancellationToken) {
    let places = Places::new(&shared);
    let mut connections = JoinSet::new();
    let mut next_id = 0_u64;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            // The place of a connection that ended has been given back by its task.
            Some(_) = connections.join_next() => continue,
            accepted = places.accept(&listener) => accepted,
        };
        let Some((socket, place, silent)) = accepted else {
            break;
        };
        let id = next_id;
        next_id = next_id.wrapping_add(1);
        let connection = Connection::new(socket, id, Arc::clone(&shared), silent);
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            let reason = connection.run(shutdown).await;
            debug!(connection = id, ?reason, "closed a connection");
            drop(place);
        });
    }
    drop(listener);
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

    /// The next connection and its places; none never happens, as the semaphores are never closed.
    async fn accept(&self, listener: &TcpListener) -> Option<Accepted> {
        let place = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let silent = Arc::clone(&self.silent).acquire_owned().await.ok()?;
        Some((accept_one(listener).await, place, silent))
    }
}

type Accepted = (TcpStream, OwnedSemaphorePermit, OwnedSemaphorePermit);

async fn accept_one(listener: &TcpListener) -> TcpStream {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                // Acks are small and somebody waits for each. Without the option they are only later.
                socket.set_nodelay(true).ok();
                return socket;
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
