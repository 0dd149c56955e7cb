//! How an attempt to connect ends, told to everybody who waits for it in the order in which they came.

use std::{
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{ConnectError, shared::Shared};

/// How an attempt to connect ended: with a connection, an error, or not at all, because its task is gone.
pub(crate) type Outcome = Option<Result<Arc<Shared>, ConnectError>>;

/// The end of one attempt, which comes once. Not a `watch`: that wakes those who wait in a random order, and a
/// simulation would not repeat.
#[derive(Default)]
pub(crate) struct Landing {
    outcome: OnceLock<Outcome>,
    told: Notify,
    waiters: AtomicUsize,
}

/// Somebody who waits.
pub(crate) struct Waiter(Arc<Landing>);

impl Landing {
    /// Tells everybody. What is told later is not heard.
    pub(crate) fn land(&self, outcome: Outcome) {
        // A second one is the guard's, which cannot know of the first.
        self.outcome.set(outcome).ok();
        self.told.notify_waiters();
    }

    /// How many wait.
    pub(crate) fn waiters(&self) -> usize {
        self.waiters.load(Ordering::Relaxed)
    }

    pub(crate) fn wait(self: &Arc<Self>) -> Waiter {
        self.waiters.fetch_add(1, Ordering::Relaxed);
        Waiter(Arc::clone(self))
    }
}

impl Waiter {
    /// The end, once it has come.
    ///
    /// # Cancel safety
    /// Cancel safe: the end stays told.
    pub(crate) async fn landed(self) -> Outcome {
        loop {
            let mut told = pin!(self.0.told.notified());
            // Registered before the look, so that an end in between is not missed.
            told.as_mut().enable();
            if let Some(outcome) = self.0.outcome.get() {
                return outcome.clone();
            }
            told.await;
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::Relaxed);
    }
}
