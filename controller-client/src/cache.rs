//! Values that many want and one fetches: kept by generation, one fetch in flight for a key.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

use crate::{ControllerError, bounded::Bounded};

/// The most fetches of one cache in flight. After a store's death every session asks for an endpoint; the
/// rest wait for their turn, without a task each.
const MAX_IN_FLIGHT: usize = 256;

/// How often a waiter starts anew when the runtime that fetched for it was shut down.
const MAX_RESTARTS: usize = 3;

/// A value that a [`Cache`] keeps.
pub(crate) trait Keep: Clone + Send + Sync + 'static {
    /// How long a new value is waited for while an ageing one will do.
    const PATIENCE: Duration;

    /// How much the value is worth at `now`.
    fn freshness(&self, now: Instant) -> Freshness;
}

/// How much a kept value is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Good.
    Fresh,
    /// Good, but a new one should be fetched; if that fails the old one does.
    Ageing,
    /// Worth nothing.
    Expired,
}

/// A value and its generation, unique in its cache.
#[derive(Debug, Clone)]
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    pub(crate) generation: u64,
}

/// The cache. Cloning shares it.
///
/// A fetch is a task of its own: whoever waits for it may be dropped, the first one included, and the
/// others get the value all the same.
pub(crate) struct Cache<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    state: Mutex<State<K, V>>,
    turns: Arc<Semaphore>,
}

struct State<K, V> {
    entries: Bounded<K, Entry<V>>,
    flights: HashMap<K, Flight<V>>,
    last_generation: u64,
}

type Flight<V> = Shared<BoxFuture<'static, Result<Entry<V>, ControllerError>>>;

/// What a look at the cache finds.
enum Found<V> {
    Fresh(Entry<V>),
    Flight(Flight<V>),
    Nothing,
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static, V: Keep> Cache<K, V> {
    /// A cache of at most `capacity` values.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                entries: Bounded::new(capacity),
                flights: HashMap::new(),
                last_generation: 0,
            }),
            turns: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        }))
    }

    /// The value of `key`: from the cache, from the fetch in flight, or from a new one.
    ///
    /// # Cancel safety
    /// A fetch that was begun goes on for the others, and for the cache.
    pub(crate) async fn get<F, Fut>(&self, key: &K, fetch: F) -> Result<Entry<V>, ControllerError>
    where
        F: Fn() -> Fut + Sync,
        Fut: Future<Output = Result<V, ControllerError>> + Send + 'static,
    {
        let mut restarts = 0_usize;
        loop {
            let flight = match self.0.look(key) {
                Found::Fresh(entry) => return Ok(entry),
                Found::Flight(flight) => flight,
                Found::Nothing => match self.begin(key, &fetch).await? {
                    Found::Fresh(entry) => return Ok(entry),
                    Found::Flight(flight) => flight,
                    Found::Nothing => return Err(ControllerError::Abandoned),
                },
            };
            if self.0.usable(key).is_some()
                && timeout(V::PATIENCE, flight.clone()).await.is_err()
                && let Some(entry) = self.0.usable(key)
            {
                return Ok(entry);
            }
            match flight.await {
                Ok(entry) => return Ok(entry),
                Err(ControllerError::Abandoned) if restarts < MAX_RESTARTS => {
                    restarts = restarts.saturating_add(1);
                }
                Err(error) => return self.0.usable(key).ok_or(error),
            }
        }
    }

    /// The value of `key`, whatever it is worth.
    pub(crate) fn peek(&self, key: &K) -> Option<V> {
        self.0
            .lock()
            .entries
            .get(key)
            .map(|entry| entry.value.clone())
    }

    /// Drops the value of `key` if it is still the one of `generation`.
    pub(crate) fn forget(&self, key: &K, generation: u64) {
        self.forget_if(key, |entry| entry.generation == generation);
    }

    /// Changes the value of `key` if it is still the one of `generation`, which it stays.
    pub(crate) fn change(&self, key: &K, generation: u64, change: impl FnOnce(&mut V)) {
        if let Some(entry) = self.0.lock().entries.get_mut(key)
            && entry.generation == generation
        {
            change(&mut entry.value);
        }
    }

    /// Drops the value of `key` if `condemned` says so.
    pub(crate) fn forget_if(&self, key: &K, condemned: impl FnOnce(&Entry<V>) -> bool) {
        self.0.lock().entries.remove_if(key, condemned);
    }

    /// Begins a fetch when its turn has come, unless somebody else did so meanwhile.
    async fn begin<F, Fut>(&self, key: &K, fetch: &F) -> Result<Found<V>, ControllerError>
    where
        F: Fn() -> Fut + Sync,
        Fut: Future<Output = Result<V, ControllerError>> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(|_| ControllerError::NoRuntime)?;
        let turns = Arc::clone(&self.0.turns);
        let turn = turns
            .acquire_owned()
            .await
            .map_err(|_| ControllerError::Abandoned)?;
        let (waiters, landed) = oneshot::channel();
        let flight = landed.map(|landed| landed.unwrap_or(Err(ControllerError::Abandoned)));
        let flight = flight.boxed().shared();
        {
            let mut state = self.0.lock();
            match state.look(key) {
                Found::Nothing => {}
                found => return Ok(found),
            }
            state.flights.insert(key.clone(), flight.clone());
        }
        // Listed before it is begun, and begun without the lock: a runtime that is shutting down drops the
        // task here and now, which takes the flight off the list again.
        let landing = Landing {
            cache: Arc::clone(&self.0),
            key: key.clone(),
            result: Err(ControllerError::Abandoned),
            waiters: Some(waiters),
            _turn: turn,
        };
        let fetched = fetch();
        runtime.spawn(async move { landing.land(fetched.await) });
        Ok(Found::Flight(flight))
    }
}

impl<K: Eq + Hash + Clone, V: Keep> Inner<K, V> {
    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        // Nothing panics under the lock; if it ever did, the maps would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, key: &K) -> Found<V> {
        self.lock().look(key)
    }

    /// The value that is left when a new one cannot be had.
    fn usable(&self, key: &K) -> Option<Entry<V>> {
        let now = Instant::now();
        let mut state = self.lock();
        let entry = state.entries.get(key)?;
        (entry.value.freshness(now) != Freshness::Expired).then(|| entry.clone())
    }
}

impl<K: Eq + Hash + Clone, V: Keep> State<K, V> {
    fn look(&mut self, key: &K) -> Found<V> {
        match self.entries.get(key) {
            Some(entry) if entry.value.freshness(Instant::now()) == Freshness::Fresh => {
                Found::Fresh(entry.clone())
            }
            _ => self
                .flights
                .get(key)
                .cloned()
                .map_or(Found::Nothing, Found::Flight),
        }
    }
}

/// Held by a fetch. However the fetch ends, its flight is off the list before anybody hears of it.
struct Landing<K: Eq + Hash, V> {
    cache: Arc<Inner<K, V>>,
    key: K,
    result: Result<Entry<V>, ControllerError>,
    waiters: Option<oneshot::Sender<Result<Entry<V>, ControllerError>>>,
    _turn: OwnedSemaphorePermit,
}

impl<K: Eq + Hash + Clone, V: Keep> Landing<K, V> {
    fn land(mut self, fetched: Result<V, ControllerError>) {
        self.result = fetched.map(|value| {
            let mut state = self.cache.lock();
            state.last_generation = state.last_generation.saturating_add(1);
            let entry = Entry {
                value,
                generation: state.last_generation,
            };
            state.entries.insert(self.key.clone(), entry.clone());
            entry
        });
    }
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        let mut state = self
            .cache
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.flights.remove(&self.key);
        drop(state);
        if let Some(waiters) = self.waiters.take() {
            let result = mem::replace(&mut self.result, Err(ControllerError::Abandoned));
            // Nobody may be waiting any more.
            waiters.send(result).ok();
        }
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}
