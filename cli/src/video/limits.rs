//! Every bound of the web server, and the places that requests take.

use std::{sync::Arc, time::Duration};

use snafu::OptionExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::problem::{BusySnafu, Problem};

/// Connections at the same time; further ones wait in the system's backlog.
pub(crate) const MAX_CONNECTIONS: usize = 512;
/// Range answers under way at the same time. Each holds at most one [`PIECE`], so they hold 128 MiB at most.
pub(crate) const MAX_PLAYS: usize = 128;
/// Live answers at the same time. Each holds at most [`LIVE_READ_AHEAD`], together 128 MiB.
pub(crate) const MAX_LIVE: usize = 128;
/// Recordings at the same time. Each holds at most [`RECORD_WINDOW`], together 128 MiB.
pub(crate) const MAX_RECORDINGS: usize = 32;

/// The most bytes that a range answer asks the store for at once.
pub(crate) const PIECE: u64 = 1 << 20;
/// The most bytes that a live answer holds ahead of its client.
pub(crate) const LIVE_READ_AHEAD: usize = 1 << 20;
/// The most bytes of a recording that are on their way to the store. Beyond it the client is not read from.
pub(crate) const RECORD_WINDOW: usize = 4 << 20;
/// Bytes of a connection's buffer, and so the longest head of a request.
pub(crate) const MAX_HEAD: usize = 64 << 10;

/// How long a request waits for a place before it is told to come again.
pub(crate) const PLACE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a request's head may take, and a connection may be idle between two requests.
pub(crate) const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take no byte of an answer. A paused player asks again where it stopped.
pub(crate) const STALL_PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection may be silent before the system asks whether its client is still there.
pub(crate) const ASK_ALIVE: Duration = Duration::from_secs(60);
/// How long a recording may bring no byte. Cameras pause, but a client that vanished must not keep its place.
pub(crate) const RECORD_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long answers under way may take when the server ends.
pub(crate) const END_PATIENCE: Duration = Duration::from_secs(5);

/// The places that are left. Whoever holds a [`Place`] gives it back by dropping it.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) plays: Arc<Semaphore>,
    pub(crate) live: Arc<Semaphore>,
    pub(crate) recordings: Arc<Semaphore>,
}

pub(crate) type Place = OwnedSemaphorePermit;

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            plays: Arc::new(Semaphore::new(MAX_PLAYS)),
            live: Arc::new(Semaphore::new(MAX_LIVE)),
            recordings: Arc::new(Semaphore::new(MAX_RECORDINGS)),
        }
    }

    /// A place for a range answer, which ends by itself: worth waiting for.
    pub(crate) async fn play(&self) -> Result<Place, Problem> {
        let waiting = Arc::clone(&self.plays).acquire_owned();
        let place = timeout(PLACE_PATIENCE, waiting).await.ok();
        place
            .and_then(Result::ok)
            .context(BusySnafu { what: "players" })
    }

    /// A place for a live answer, which may last for days.
    pub(crate) fn live(&self) -> Result<Place, Problem> {
        let place = Arc::clone(&self.live).try_acquire_owned();
        place.ok().context(BusySnafu {
            what: "live players",
        })
    }

    /// A place for a recording, which may last for days.
    pub(crate) fn recording(&self) -> Result<Place, Problem> {
        let place = Arc::clone(&self.recordings).try_acquire_owned();
        place.ok().context(BusySnafu { what: "recordings" })
    }
}
