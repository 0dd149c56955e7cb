//! Where the storage thread leaves the outcomes of a connection's appends.

use std::{
    sync::{Mutex, PoisonError},
    task::Waker,
};

use futures::task::AtomicWaker;

use crate::store::{AppendSink, Appended};

/// Outcomes in the order of submission. Its bound is the number of appends that may be in flight.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    outcomes: Mutex<Vec<Appended>>,
    connection: AtomicWaker,
}

impl Outbox {
    /// Wakes this task when an outcome comes. Register before looking.
    pub(super) fn register(&self, waker: &Waker) {
        self.connection.register(waker);
    }

    /// Takes what is there.
    pub(super) fn take(&self) -> Vec<Appended> {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *outcomes)
    }
}

impl AppendSink for Outbox {
    fn appended(&self, appended: Appended) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.push(appended);
        drop(outcomes);
        self.connection.wake();
    }
}
