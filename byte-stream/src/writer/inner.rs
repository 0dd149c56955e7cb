//! What a writer consists of: a driven session, a handle, and the settings of its waits.

use std::{ops::Range, sync::Arc, time::Duration};

use pravega_client_shared::ScopedSegment;
use pravega_controller_client::Access;
use pravega_segment_session::{AppendOptions, AppendSession, Certainty};
use snafu::{IntoError as _, ensure};

use super::{
    MAX_ATOMIC_WRITE,
    appending::{Appending, Piece},
    durability::Receipt,
};
use crate::{
    core::Core,
    driver::Driver,
    error::{FullSnafu, TimedOutSnafu, TooLargeSnafu, WriteError},
    ids::random_writer_id,
    link::SegmentLink,
    open::WhenFull,
    segment::SegmentHandle,
};

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) driver: Arc<Driver<Appending>>,
    pub(crate) handle: SegmentHandle,
    pub(crate) settings: Settings,
    /// The most bytes that one write takes: it must fit into the window as a whole.
    pub(crate) max_write: usize,
}

/// How a writer waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) when_full: WhenFull,
    pub(crate) operation_timeout: Duration,
}

impl Inner {
    pub(crate) fn new(
        core: Arc<Core>,
        segment: ScopedSegment,
        options: AppendOptions,
        settings: Settings,
    ) -> Self {
        let handle = SegmentHandle::new(Arc::clone(&core), segment.clone(), Access::ReadWrite);
        // Its own link: an attachment remembers which address and token it used.
        let link = Arc::new(SegmentLink::new(core, segment.clone(), Access::ReadWrite));
        let session = AppendSession::new(
            random_writer_id(&link.core().chance),
            link.wire_name(),
            options,
        );
        let max_write = session.max_submission().min(MAX_ATOMIC_WRITE);
        let driver = Driver::new(link, Appending::new(session, segment));
        Self {
            driver,
            handle,
            settings,
            max_write,
        }
    }

    pub(super) fn check_size(&self, len: usize) -> Result<(), WriteError> {
        let max = self.max_write;
        ensure!(len <= max, TooLargeSnafu { len, max });
        Ok(())
    }

    pub(crate) fn full(&self) -> WriteError {
        let room = self.driver.look(Appending::room);
        FullSnafu {
            segment: self.handle.segment().clone(),
            room,
        }
        .build()
    }

    /// There was no room in time: nothing was accepted.
    pub(crate) fn no_room(&self, after: Duration) -> WriteError {
        let segment = self.handle.segment().clone();
        let certainty = Certainty::Definite;
        TimedOutSnafu {
            segment,
            operation: "waiting for room",
            after,
            certainty,
        }
        .into_error(self.driver.trouble())
    }

    /// How long a write waits for room; none when it does not wait.
    pub(crate) fn patience(&self) -> Option<Duration> {
        match self.settings.when_full {
            WhenFull::Refuse => None,
            WhenFull::Wait => Some(self.settings.operation_timeout),
            WhenFull::WaitAtMost(after) => Some(after),
        }
    }

    /// Accepts a piece if there is room; none when there is none now.
    pub(crate) fn try_submit(&self, piece: &Piece<'_>) -> Result<Option<Range<u64>>, WriteError> {
        self.driver
            .drive(|appending, now| appending.submit(now, piece))
    }

    pub(super) fn receipt(&self, range: Range<u64>) -> Receipt {
        Receipt::new(
            Arc::clone(&self.driver),
            range,
            self.settings.operation_timeout,
        )
    }

    /// Accepts a piece, waiting for room as the writer's options say.
    pub(super) async fn submit(&self, piece: Piece<'_>) -> Result<Range<u64>, WriteError> {
        if let Some(range) = self.try_submit(&piece)? {
            return Ok(range);
        }
        let Some(after) = self.patience() else {
            return Err(self.full());
        };
        let ready = || self.try_submit(&piece).transpose();
        self.driver
            .wait(Some(after), ready)
            .await
            .unwrap_or_else(|| Err(self.no_room(after)))
    }
}
