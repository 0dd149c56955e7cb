//! What a reader consists of: a driven session, a handle, and how long it waits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pravega_client_shared::ScopedSegment;
use pravega_controller_client::Access;
use pravega_segment_session::ReadOptions;
use snafu::IntoError as _;

use super::reading::{Look, Reading};
use crate::{
    core::Core,
    driver::{Driver, now},
    error::{IdleSnafu, ReadError, UnreachableSnafu},
    link::SegmentLink,
    segment::{SegmentHandle, SegmentInfo},
};

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) driver: Arc<Driver<Reading>>,
    pub(crate) handle: SegmentHandle,
    idle_timeout: Option<Duration>,
}

/// What the first offset of the options is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Where to start.
    Offset,
    /// A place to start looking for the head.
    Head,
}

impl Inner {
    pub(crate) fn new(
        core: Arc<Core>,
        handle: SegmentHandle,
        options: &ReadOptions,
        start: Start,
        idle_timeout: Option<Duration>,
    ) -> Self {
        // Its own link: an attachment remembers which address and token it used.
        let link = Arc::new(SegmentLink::new(
            core,
            handle.segment().clone(),
            Access::Read,
        ));
        let reading = Reading::new(&link, options, start == Start::Head);
        Self {
            driver: Driver::new(link, reading),
            handle,
            idle_timeout,
        }
    }

    pub(crate) fn segment(&self) -> &ScopedSegment {
        self.handle.segment()
    }

    /// What was learned of the segment on another way.
    pub(crate) fn note_info(&self, info: &SegmentInfo) {
        self.driver.drive(|reading, _| reading.note_info(info));
    }

    /// Takes something from the session if it is there now.
    pub(crate) fn step<T>(&self, take: impl FnOnce(&mut Reading) -> Look<T>) -> Look<T> {
        self.driver.take(take)
    }

    /// Takes something that lies within what was received, so that only the position moves.
    pub(super) fn within<T>(&self, take: impl FnOnce(&mut Reading) -> Option<T>) -> Option<T> {
        self.driver.nudge(take)
    }

    /// Takes something from the session, waiting until it is there; none at the end.
    pub(super) async fn next<T>(
        &self,
        mut take: impl FnMut(&mut Reading) -> Look<T>,
    ) -> Result<Option<T>, ReadError> {
        // The clock is read only by those who have to wait.
        let mut began = None;
        let ready = || match self.step(&mut take) {
            Ok(None) => self.unreachable(*began.get_or_insert_with(now)).map(Err),
            found => found.transpose(),
        };
        match self.driver.wait(self.idle_timeout, ready).await {
            Some(found) => Ok(found?.taken()),
            None => Err(self.idle()),
        }
    }

    /// The error of a wait that began then, if the store could not be reached all the time.
    pub(crate) fn unreachable(&self, began: Instant) -> Option<ReadError> {
        let after = self.handle.link().core().config.operation_timeout();
        let cause = self.driver.lasting_trouble(began, after)?;
        let segment = self.segment().clone();
        Some(UnreachableSnafu { segment, after }.into_error(cause))
    }

    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout
    }

    pub(crate) fn idle(&self) -> ReadError {
        let segment = self.segment().clone();
        let offset = self.driver.look(Reading::position);
        IdleSnafu {
            segment,
            offset,
            after: self.idle_timeout.unwrap_or_default(),
        }
        .build()
    }
}
