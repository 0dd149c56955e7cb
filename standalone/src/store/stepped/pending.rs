//! Answers that come with a turn.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures::FutureExt;

use super::AppendFailure;
use crate::store::{AppendOutcome, AppendSink, Appended, StoreError};

/// A request that waits for a turn, or for its answer to be taken.
pub struct Pending<T> {
    request: Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>,
    answer: Option<Result<T, StoreError>>,
    is_over: bool,
}

impl<T> Pending<T> {
    /// Makes a request: it stands in the queue when this returns.
    pub(super) fn begin(
        request: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Self {
        let mut pending = Self {
            request: Box::pin(request),
            answer: None,
            is_over: false,
        };
        pending.look();
        pending
    }

    /// Takes the answer; none when there is none yet, or it was taken.
    pub fn take(&mut self) -> Option<Result<T, StoreError>> {
        self.look();
        self.answer.take()
    }

    fn look(&mut self) {
        if !self.is_over {
            self.answer = (&mut self.request).now_or_never();
            self.is_over = self.answer.is_some();
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Pending");
        debug.field("is_over", &self.is_over).finish()
    }
}

/// An append that waits for a turn, or for its outcome to be taken.
#[derive(Debug)]
pub struct Appending(Arc<Outcome>);

#[derive(Debug, Default)]
pub(super) struct Outcome(Mutex<Option<AppendOutcome>>);

impl AppendSink for Outcome {
    fn appended(&self, appended: Appended) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(appended.outcome);
    }
}

impl Appending {
    /// What arrives there.
    pub(super) fn of(outcome: Arc<Outcome>) -> Self {
        Self(outcome)
    }

    /// Takes the new tail, or the failure; none when there is none yet, or it was taken.
    pub fn take(&mut self) -> Option<Result<u64, AppendFailure>> {
        let mut outcome = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        outcome
            .take()
            .map(|outcome| outcome.map_err(AppendFailure::from))
    }
}
