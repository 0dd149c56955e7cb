//! Waiting for bytes to become durable: [`Receipt`] for one append, [`DurabilityWatch`] for all.

use std::{
    future::{Future, IntoFuture},
    ops::Range,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use pravega_client_shared::planted::{self, Bug};
use pravega_segment_session::Certainty;
use snafu::IntoError as _;
use tokio::sync::futures::Notified;

use super::appending::Appending;
use crate::{
    driver::{Driver, now},
    error::{WriteError, WriteTimeoutSnafu},
};

/// Waits for durability with a deadline.
#[derive(Debug, Clone)]
pub(crate) struct Durability {
    driver: Arc<Driver<Appending>>,
    timeout: Duration,
}

impl Durability {
    /// Waits, if it has to: most receipts are asked for when the bytes are durable.
    async fn wait<T>(
        &self,
        operation: &'static str,
        ready: impl Fn(&Appending) -> Option<Result<T, WriteError>>,
    ) -> Result<T, WriteError> {
        let next = self.driver.progress().notified();
        match self.driver.look(&ready) {
            Some(answer) => answer,
            None => self.wait_since(now(), next, operation, ready).await,
        }
    }

    /// Sends what lingers and then waits; `ready` is also told which bytes were flushed.
    async fn flush<T>(
        &self,
        operation: &'static str,
        ready: impl Fn(&Appending, &Range<u64>) -> Option<Result<T, WriteError>>,
    ) -> Result<T, WriteError> {
        let next = self.driver.progress().notified();
        let began = now();
        let look = |appending: &mut Appending, range: Range<u64>| {
            let answer = ready(appending, &range);
            (range, answer)
        };
        let flush_sent = |appending: &mut Appending| {
            let range = appending.flush_sent(began)?;
            Some(look(appending, range))
        };
        let (range, answer) = match self.driver.nudge(flush_sent) {
            Some(flushed) => flushed,
            None => self.driver.take(|appending| {
                let range = appending.flush(began);
                look(appending, range)
            }),
        };
        if let Some(answer) = answer {
            return answer;
        }
        let ready = |appending: &Appending| ready(appending, &range);
        self.wait_since(began, next, operation, ready).await
    }

    async fn wait_since<T>(
        &self,
        began: Instant,
        next: Notified<'_>,
        operation: &'static str,
        ready: impl Fn(&Appending) -> Option<Result<T, WriteError>>,
    ) -> Result<T, WriteError> {
        let forgetful = Forgetful(&self.driver);
        let deadline = began.checked_add(self.timeout);
        let answer = self
            .driver
            .wait_until(next, deadline, || self.driver.look(&ready))
            .await;
        std::mem::forget(forgetful);
        match answer {
            Some(answer) => answer,
            None => Err(late(&self.driver, operation, self.timeout)),
        }
    }
}

/// Planted bug: a wait that is dropped takes along the conflict that it would have told of.
struct Forgetful<'a>(&'a Arc<Driver<Appending>>);

impl Drop for Forgetful<'_> {
    fn drop(&mut self) {
        if planted::is_on(Bug::ErrorLostWithCancelledFlush) {
            let forget = |appending: &mut Appending, _| appending.resync(appending.position());
            self.0.drive(forget).ok();
        }
    }
}

/// The error of a wait for durability that took too long.
pub(crate) fn late(
    driver: &Driver<Appending>,
    operation: &'static str,
    after: Duration,
) -> WriteError {
    let segment = driver.link().segment().clone();
    let certainty = driver.look(Appending::certainty);
    WriteTimeoutSnafu {
        segment,
        operation,
        after,
        certainty,
    }
    .into_error(driver.trouble())
}

/// A promise for the bytes of one append. Await it, or call [`durable`](Self::durable), to learn when they
/// are durable; ignore it if that does not matter.
///
/// # Cancel safety
/// Waiting can be dropped and repeated; a receipt gives the same answer however often it is asked.
#[derive(Debug, Clone)]
pub struct Receipt {
    durability: Durability,
    range: Range<u64>,
}

impl Receipt {
    pub(crate) fn new(
        driver: Arc<Driver<Appending>>,
        range: Range<u64>,
        timeout: Duration,
    ) -> Self {
        Self {
            durability: Durability { driver, timeout },
            range,
        }
    }

    /// Which bytes these are, counted from the first byte that this writer accepted. Receipts of one
    /// writer are contiguous and in order.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The answer, if it is known by now.
    #[must_use]
    pub fn try_durable(&self) -> Option<Result<(), WriteError>> {
        self.durability
            .driver
            .look(|appending| self.answer(appending))
    }

    /// Waits until the bytes are durable, or certainly or possibly lost.
    ///
    /// # Errors
    /// [`WriteError`], whose [certainty](WriteError::certainty) tells whether the bytes may be stored.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn durable(&self) -> Result<(), WriteError> {
        self.durability
            .wait("an append", |appending| self.answer(appending))
            .await
    }

    fn answer(&self, appending: &Appending) -> Option<Result<(), WriteError>> {
        appending
            .durable(&self.range)
            .map(|answer| answer.map(|_| ()))
    }
}

impl IntoFuture for Receipt {
    type Output = Result<(), WriteError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.durable().await })
    }
}

/// Waits for a writer's bytes from another task. Cheap to clone. When the writer is gone, what was not
/// durable by then is [`WriteError::Closed`].
#[derive(Debug, Clone)]
pub struct DurabilityWatch {
    durability: Durability,
}

impl DurabilityWatch {
    pub(crate) fn new(driver: Arc<Driver<Appending>>, timeout: Duration) -> Self {
        Self {
            durability: Durability { driver, timeout },
        }
    }

    /// The offset behind the last byte of the writer that is known to be durable.
    #[must_use]
    pub fn durable_offset(&self) -> u64 {
        self.durability.driver.look(Appending::durable_offset)
    }

    /// Whether bytes that were accepted and are not acknowledged may be stored.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        self.durability.driver.look(Appending::certainty)
    }

    /// Sends what lingers and waits until every byte that the writer has accepted by now is durable.
    /// Returns the durable offset.
    ///
    /// # Errors
    /// As for [`ByteWriter::flush`](crate::ByteWriter::flush).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn flush(&self) -> Result<u64, WriteError> {
        self.durability.flush("flushing", Appending::durable).await
    }

    /// Sends what lingers and waits until the durable offset is at or behind `offset`. Returns it.
    ///
    /// # Errors
    /// As for [`ByteWriter::flush`](crate::ByteWriter::flush).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait_durable(&self, offset: u64) -> Result<u64, WriteError> {
        self.durability
            .flush("waiting for an offset", |appending, _| {
                appending.durable_at(offset)
            })
            .await
    }
}
