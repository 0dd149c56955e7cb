//! Waits that end.

use std::{future::Future, pin::pin, time::Duration};

use futures::future::{Either, select};
use tokio::time::timeout;

use crate::campaign::{Verdict, Violation};

/// What `waiting` gives, or a violation when it takes longer than `patience`.
pub(super) async fn within<T>(
    patience: Duration,
    what: &str,
    waiting: impl Future<Output = T>,
) -> Verdict<T> {
    let ended = timeout(patience, waiting).await;
    ended.map_err(|_| Violation::broken(format!("waited {patience:?} in vain until {what}")))
}

/// What `work` gives, unless there is a `failure` before.
pub(super) async fn unless<T>(
    failure: impl Future<Output = Violation>,
    work: impl Future<Output = Verdict<T>>,
) -> Verdict<T> {
    match select(pin!(failure), pin!(work)).await {
        Either::Left((violation, _)) => Err(violation),
        Either::Right((verdict, _)) => verdict,
    }
}
