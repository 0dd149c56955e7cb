//! What an append session tells its driver and its callers.

use super::AppendFailure;

/// Something that happened, given out by [`AppendSession::poll_event`](crate::AppendSession::poll_event).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AppendEvent {
    /// The driver lets go of the flow. With `close` it closes the whole connection, because the peer is
    /// about to do so or can no longer be trusted.
    Detach {
        /// Close the connection, not only the flow.
        close: bool,
    },
    /// The server knows the writer on the attached connection; blocks can go out.
    Attached,
    /// Everything accepted before `durable` has been stored, and there may be room again.
    Acked {
        /// The session's [`durable`](crate::AppendSession::durable) counter.
        durable: u64,
    },
    /// Reserved room was given back: there may be room again.
    Released,
    /// Other writers' bytes were found between this writer's, in shared mode.
    Foreign {
        /// The offset behind which they were found.
        offset: u64,
        /// How many bytes they are.
        len: u64,
    },
    /// The session failed: for good, or by a conflict until it is resynced. Nothing more becomes durable.
    Failed(AppendFailure),
    /// Everything accepted is durable.
    Drained,
    /// The driver finds the segment's store, connects, and answers with `handle_attached` or
    /// `handle_attach_failed`. Given out once per attempt.
    NeedsAttachment {
        /// The store's cached address is out of date.
        relocate: bool,
        /// The cached token is suspect or refused.
        renew_token: bool,
    },
}

/// Events not yet given out. Repeated ones are folded together, so the queue is bounded by its shape.
#[derive(Debug, Default)]
pub(super) struct Events {
    detach: Option<bool>,
    attached: bool,
    acked: bool,
    released: bool,
    foreign: Option<(u64, u64)>,
    failed: Option<AppendFailure>,
    drained: bool,
    needed: Option<Hints>,
}

/// What the driver should know for the next attempt to attach.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hints {
    pub(super) relocate: bool,
    pub(super) renew_token: bool,
}

impl Events {
    pub(super) fn detach(&mut self, close: bool) {
        let close = close || self.detach.unwrap_or(false);
        self.detach = Some(close);
        self.attached = false;
    }

    pub(super) fn attached(&mut self) {
        self.attached = true;
    }

    /// The connection is gone without the session's doing, so there is nothing to let go of.
    pub(super) fn lost(&mut self) {
        self.attached = false;
    }

    pub(super) fn acked(&mut self, drained: bool) {
        self.acked = true;
        self.drained = drained;
    }

    pub(super) fn released(&mut self) {
        self.released = true;
    }

    pub(super) fn accepted(&mut self) {
        self.drained = false;
    }

    pub(super) fn foreign(&mut self, offset: u64, len: u64) {
        let (offset, before) = self.foreign.unwrap_or((offset, 0));
        self.foreign = Some((offset, before.saturating_add(len)));
    }

    pub(super) fn failed(&mut self, failure: AppendFailure) {
        self.failed = Some(failure);
        self.needed = None;
        self.drained = false;
    }

    pub(super) fn needs_attachment(&mut self, hints: Hints) {
        self.needed = Some(hints);
    }

    /// The attempt asked for is no longer wanted, or has been answered unasked.
    pub(super) fn withdraw_need(&mut self) {
        self.needed = None;
    }

    /// The next event in the order in which a driver acts on them: let go, learn, attach.
    pub(super) fn next(&mut self, durable: u64) -> Option<AppendEvent> {
        if let Some(close) = self.detach.take() {
            return Some(AppendEvent::Detach { close });
        }
        if std::mem::take(&mut self.attached) {
            return Some(AppendEvent::Attached);
        }
        if std::mem::take(&mut self.acked) {
            return Some(AppendEvent::Acked { durable });
        }
        if std::mem::take(&mut self.released) {
            return Some(AppendEvent::Released);
        }
        if let Some((offset, len)) = self.foreign.take() {
            return Some(AppendEvent::Foreign { offset, len });
        }
        if let Some(failure) = self.failed.take() {
            return Some(AppendEvent::Failed(failure));
        }
        if std::mem::take(&mut self.drained) {
            return Some(AppendEvent::Drained);
        }
        let Hints {
            relocate,
            renew_token,
        } = self.needed.take()?;
        Some(AppendEvent::NeedsAttachment {
            relocate,
            renew_token,
        })
    }
}
