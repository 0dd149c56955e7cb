//! What a writer consists of: a driven session, a handle, and the settings of its waits.

use std::{ops::Range, sync::Arc, time::Duration};

use pravega_client_shared::ScopedSegment;
use pravega_controller_client::Access;
use pravega_segment_session::{AppendOptions, AppendSession, Certainty, Reservation};
use snafu::{IntoError as _, ensure};

use super::{
    MAX_ATOMIC_WRITE,
    appending::{Appending, Piece},
    durability::{DurabilityWatch, Receipt},
    permit::AppendPermit,
};
use crate::{
    core::Core,
    driver::Driver,
    error::{FullSnafu, TooLargeSnafu, WriteError, WriteTimeoutSnafu},
    ids::random_writer_id,
    link::SegmentLink,
    open::WhenFull,
    segment::SegmentHandle,
};

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) driver: Arc<Driver<Appending>>,
    pub(crate) handle: SegmentHandle,
    pub(super) watch: DurabilityWatch,
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
        let appending = Appending::new(session, segment, &link.core().meters);
        let driver = Driver::new(link, appending);
        Self {
            watch: DurabilityWatch::new(Arc::clone(&driver), settings.operation_timeout),
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
        WriteTimeoutSnafu {
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

    /// Accepts bytes that only make a block longer which waits for others. False when that is not all, and nothing was
    /// accepted then.
    pub(crate) fn extend(&self, bytes: &[u8]) -> bool {
        let extended = self.driver.nudge(|appending| appending.extend(bytes));
        extended.is_some()
    }

    /// The same for a piece; one that is shared is never copied into a block.
    pub(super) fn extend_by(&self, piece: &Piece<'_>) -> bool {
        match piece {
            Piece::Copied(bytes) => self.extend(bytes),
            Piece::Shared(_) => false,
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
        self.with_room(|| self.try_submit(&piece)).await
    }

    /// Keeps room for `len` bytes, waiting for it as the writer's options say.
    pub(super) async fn reserve(&self, len: usize) -> Result<AppendPermit, WriteError> {
        let try_reserve = || {
            let reserve = |appending: &mut Appending, now| appending.reserve(now, len);
            let reservation = self.driver.drive(reserve)?;
            Ok(reservation.map(|it| self.permit(it)))
        };
        self.with_room(try_reserve).await
    }

    fn permit(&self, reservation: Reservation) -> AppendPermit {
        let driver = Arc::clone(&self.driver);
        AppendPermit::new(driver, reservation, self.settings.operation_timeout)
    }

    /// Makes an attempt that gives none as long as there is no room.
    async fn with_room<T>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<T>, WriteError>,
    ) -> Result<T, WriteError> {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        let Some(after) = self.patience() else {
            return Err(self.full());
        };
        self.driver
            .wait(Some(after), || attempt().transpose())
            .await
            .unwrap_or_else(|| Err(self.no_room(after)))
    }
}
