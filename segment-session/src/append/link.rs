//! Gaining and losing connections, and giving up.

use std::{ops::Range, sync::Arc, time::Instant};

use pravega_client_shared::{
    DelegationToken, FlowId, WriterId,
    planted::{self, Bug},
};

use super::{
    AppendFailure, AppendFailureKind, AppendSession,
    event::Hints,
    failure::Cause,
    state::{Attached, Link},
};
use crate::{AttachFailure, AttachFailureKind, Disconnect, Trouble};

impl AppendSession {
    /// Asks for a connection though there may be nothing to send, so that the first block finds one or the
    /// caller learns early that there is none to be had. [`AppendEvent::Attached`] tells when it is there.
    ///
    /// [`AppendEvent::Attached`]: super::AppendEvent::Attached
    pub fn attach(&mut self, now: Instant) {
        self.attach_wanted = !self.link.is_streaming();
        self.review(now);
    }

    /// The driver has a connection to the segment's store, and on it the flow `flow`, which no other user of
    /// that connection has. Replies with that flow's request ids go to
    /// [`handle_reply`](Self::handle_reply). A connection attached before is forgotten.
    pub fn handle_attached(&mut self, now: Instant, flow: FlowId, token: DelegationToken) {
        if self.failure.is_some() {
            self.events.detach(false);
            self.link = Link::Detached;
            return;
        }
        if self.attached_before {
            if planted::is_on(Bug::NewIdOnReconnect) {
                let id = self.writer_id.as_u128().wrapping_add(1 << 64);
                self.writer_id = WriterId::from_wire(id);
            }
            self.stats.reconnects += 1;
        }
        self.attached_before = true;
        self.events.withdraw_need();
        self.set_up(flow, token);
        self.end_linger(now);
    }

    /// The attempt to attach came to nothing.
    pub fn handle_attach_failed(&mut self, now: Instant, failure: &AttachFailure) {
        if !matches!(self.link, Link::Attaching) {
            return;
        }
        let kind = match failure.kind() {
            AttachFailureKind::Unreachable => {
                self.hints.relocate = true;
                self.retry_later(now, Trouble::Away);
                return;
            }
            AttachFailureKind::NoSuchSegment => AppendFailureKind::NoSuchSegment,
            AttachFailureKind::Unauthorized => AppendFailureKind::Unauthorized,
            AttachFailureKind::Rejected => AppendFailureKind::Unattachable,
        };
        self.fail(kind, failure.cause().cloned());
    }

    /// The attached connection is gone. What was in flight on it is sent again on the next one, unless the
    /// next setup says that it was stored.
    pub fn handle_disconnected(&mut self, now: Instant, why: Disconnect) {
        let Some(on) = self.link.attached() else {
            return;
        };
        self.events.lost();
        // A store that is up again at once is found at its old address; otherwise the segment may have moved.
        self.hints.relocate |= self.lost_in_vain || matches!(why, Disconnect::Silent);
        self.lost_in_vain |= !matches!(why, Disconnect::Released);
        match why {
            Disconnect::Lost => {
                if !on.token.is_empty() && !self.token_suspected {
                    self.token_suspected = true;
                    self.hints.renew_token = true;
                }
            }
            Disconnect::Violation => {
                // Perhaps not towards this session, so it weighs less.
                let reason = "it breaks the protocol".to_owned();
                self.strike(now, SHARED_STRIKE, AppendFailureKind::Refused { reason });
                return;
            }
            Disconnect::Silent | Disconnect::Released => {}
        }
        self.retry_later(now, Trouble::Failing);
    }

    /// A deadline from [`poll_timeout`](Self::poll_timeout) has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.end_linger(now);
        self.release_unused(now);
        self.review(now);
    }

    /// The store has said, in answer to a request of another kind, that the segment is sealed. Bytes in
    /// flight are settled by one more setup; everything behind them fails.
    pub fn note_sealed(&mut self, now: Instant) {
        if self.failure.is_some() || self.sealed {
            return;
        }
        self.settle_sealed();
        self.review(now);
    }

    /// The segment is sealed. Finds out which of the blocks in flight were stored before, then fails.
    pub(super) fn settle_sealed(&mut self) {
        self.sealed = true;
        if self.in_flight.is_empty() {
            self.fail(AppendFailureKind::Sealed, None);
            return;
        }
        // The answer to a setup is read from the sealed segment, which never changes again: it is final. On
        // the present connection it needs no new token. A setup on its way may be answered from before.
        if let Some(on) = self.link.attached() {
            let (flow, token) = (on.flow, on.token.clone());
            self.set_up(flow, token);
        }
    }

    /// Asks for a connection if there is use for one and none is there or on its way.
    pub(super) fn review(&mut self, now: Instant) {
        if !matches!(self.link, Link::Detached | Link::Waiting { .. }) {
            return;
        }
        let useful = self.attach_wanted || !self.ledger.is_drained();
        if self.failure.is_some() || !useful {
            self.link = Link::Detached;
            return;
        }
        match self.not_before.filter(|until| now < *until) {
            Some(until) => self.link = Link::Waiting { until },
            None => {
                self.link = Link::Attaching;
                self.events
                    .needs_attachment(std::mem::take(&mut self.hints));
            }
        }
    }

    /// Lets go of the connection and plans the next attempt.
    pub(super) fn detach(&mut self, now: Instant, close: bool, trouble: Trouble) {
        self.events.detach(close);
        self.retry_later(now, trouble);
    }

    /// There is no connection any more. Plans the next attempt, if there is use for one.
    pub(super) fn retry_later(&mut self, now: Instant, trouble: Trouble) {
        self.link = Link::Detached;
        self.not_before = now.checked_add(self.backoff.next_pause(trouble));
        self.review(now);
    }

    /// Counts a refusal. Too many in a row are final; otherwise the next attempt is planned. The caller has
    /// seen to it that the driver lets go of the connection.
    pub(super) fn strike(&mut self, now: Instant, weight: u32, kind: AppendFailureKind) {
        self.strikes = self.strikes.saturating_add(weight);
        if self.strikes >= self.options.max_setup_failures.saturating_mul(STRIKE) {
            self.link = Link::Detached;
            self.fail(kind, None);
        } else {
            self.retry_later(now, Trouble::Failing);
        }
    }

    /// Something was stored, so whatever went wrong before is over.
    pub(super) fn progress(&mut self) {
        self.strikes = 0;
        self.token_suspected = false;
        self.lost_in_vain = false;
        self.backoff.reset();
        self.not_before = None;
    }

    /// Ends the session for good. Whoever waits learns it from the failure.
    pub(super) fn fail(&mut self, kind: AppendFailureKind, cause: Option<Cause>) {
        if self.link.attached().is_some() {
            self.events.detach(false);
        }
        self.link = Link::Detached;
        self.attach_wanted = false;
        let doubtful = self.in_flight.doubtful();
        self.give_up(kind, doubtful, cause);
    }

    /// Drops everything that is not durable and refuses whatever comes.
    pub(super) fn give_up(
        &mut self,
        kind: AppendFailureKind,
        doubtful: Option<Range<u64>>,
        cause: Option<Cause>,
    ) {
        let unacked = self.ledger.unacked();
        // After a conflict nothing is in flight, but its doubts remain.
        let doubtful = doubtful.or_else(|| self.failure.as_ref().map(AppendFailure::doubtful));
        let failure = AppendFailure::new(
            Arc::clone(&self.segment),
            kind,
            unacked.clone(),
            doubtful.unwrap_or(unacked.start..unacked.start),
            cause,
        );
        self.in_flight.clear();
        self.batch.clear();
        self.window.clear();
        self.events.failed(failure.clone());
        self.failure = Some(failure);
    }

    /// Planted bug: of all that waits, only the refused block fails.
    pub(super) fn drop_first_block(&mut self, kind: AppendFailureKind) {
        let Some(block) = self.in_flight.first() else {
            return;
        };
        let (number, failed) = (block.number, block.start..block.end());
        let segment = Arc::clone(&self.segment);
        let nothing = failed.start..failed.start;
        let failure = AppendFailure::new(segment, kind, failed, nothing, None);
        self.window.give(self.in_flight.acknowledge(number).cost);
        self.ledger.discard_first(failure);
    }

    fn set_up(&mut self, flow: FlowId, token: DelegationToken) {
        let on = Attached {
            flow,
            request_id: flow.request(self.next_sequence),
            token,
        };
        self.next_sequence = self.next_sequence.wrapping_add(1);
        self.in_flight.rewind();
        self.hints = Hints::default();
        self.link = Link::SettingUp {
            on,
            is_given_out: false,
        };
    }
}

/// The weight of a refusal or a violation towards this session.
pub(super) const STRIKE: u32 = 4;
/// The weight of a violation that ended the connection and may have been another session's. That other
/// session gives up after its own few, so this one outlives it.
const SHARED_STRIKE: u32 = 1;
