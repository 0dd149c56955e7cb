//! Gaining and losing connections, giving up, and passing on what has been found out.

use std::time::{Duration, Instant};

use pravega_client_shared::{
    DelegationToken, FlowId,
    planted::{self, Bug},
};

use super::{
    ReadEvent, ReadFailure, ReadSession, Readiness,
    facts::SegmentFacts,
    options::OnTruncation,
    replies::SHARED_FAULT,
    state::{Attached, Hints, Link},
};
use crate::{AttachFailure, AttachFailureKind, Disconnect, Trouble};

impl ReadSession {
    /// The driver has a connection to the segment's store, and on it the flow `flow`, which no other user of
    /// that connection has. Replies with that flow's request ids go to
    /// [`handle_reply`](Self::handle_reply). A connection attached before is forgotten.
    pub fn handle_attached(&mut self, now: Instant, flow: FlowId, token: DelegationToken) {
        if self.failure.is_some() {
            self.events.detach = true;
            return;
        }
        if self.was_attached {
            self.stats.reconnects += 1;
        }
        self.was_attached = true;
        self.leave_flow();
        self.hints = Hints::default();
        self.link = Link::Attached(Attached {
            flow,
            token,
            since: now,
        });
        // What was asked on a connection before will not be answered.
        self.settle();
    }

    /// The attempt to attach came to nothing.
    pub fn handle_attach_failed(&mut self, now: Instant, failure: &AttachFailure) {
        if !matches!(self.link, Link::Attaching) {
            return;
        }
        let cause = failure.clone();
        self.fail(match failure.kind() {
            AttachFailureKind::Unreachable => {
                self.hints.relocate = true;
                self.attach_later(now, Trouble::Away);
                return;
            }
            AttachFailureKind::NoSuchSegment => ReadFailure::NoSuchSegment { cause: Some(cause) },
            AttachFailureKind::Unauthorized => ReadFailure::Unauthorized { cause: Some(cause) },
            AttachFailureKind::Rejected => ReadFailure::Attach { cause },
        });
        self.settle();
    }

    /// The attached connection is gone, and what was asked on it will not be answered.
    pub fn handle_disconnected(&mut self, now: Instant, reason: Disconnect) {
        let Link::Attached(on) = &self.link else {
            return;
        };
        if now.saturating_duration_since(on.since) >= STABLE_ATTACHMENT {
            self.backoff.reset();
            self.losses = 0;
            self.faults = 0;
        }
        // A store that is up again at once is found at its old address; otherwise the segment may have moved.
        self.hints.relocate |= self.losses > 0 || matches!(reason, Disconnect::Silent);
        self.losses = self.losses.saturating_add(1);
        // Perhaps not towards this session, so it weighs less.
        if matches!(reason, Disconnect::Violation) && self.is_too_much(SHARED_FAULT) {
            let reason = "it breaks the protocol".to_owned();
            self.fail(ReadFailure::Refused { reason });
        } else {
            self.attach_later(now, Trouble::Failing);
        }
        // A read that was out may have hidden that its bytes are truncated.
        self.settle();
    }

    /// Lets go of the flow and asks for another after a pause.
    pub(super) fn detach_and_retry(&mut self, now: Instant, trouble: Trouble) {
        self.events.detach = true;
        self.attach_later(now, trouble);
    }

    /// Lets go of the flow and asks for another at once.
    pub(super) fn detach_and_go_on(&mut self) {
        self.events.detach = true;
        self.query.is_unverified |= self.facts.tail().is_some();
        self.leave_flow();
        self.link = Link::Detached;
    }

    /// Goes without a connection for a while. The pauses grow until the store gives bytes.
    pub(super) fn attach_later(&mut self, now: Instant, trouble: Trouble) {
        self.query.is_unverified |= self.was_attached;
        self.leave_flow();
        let pause = self.backoff.next_pause(trouble);
        self.link = match now.checked_add(pause) {
            Some(until) if pause > Duration::ZERO => Link::Waiting { until },
            _ => Link::Detached,
        };
    }

    /// Gives up for good.
    pub(super) fn fail(&mut self, failure: ReadFailure) {
        if self.is_attached() {
            self.events.detach = true;
        }
        self.leave_flow();
        self.link = Link::Detached;
        self.failure = Some(failure);
        self.events.failed = true;
    }

    pub(super) fn need_attachment(&mut self) -> Option<ReadEvent> {
        if !matches!(self.link, Link::Detached) || self.next_step().is_none() {
            return None;
        }
        self.link = Link::Attaching;
        let Hints {
            relocate,
            renew_token,
        } = self.hints;
        Some(ReadEvent::NeedsAttachment {
            relocate,
            renew_token,
        })
    }

    /// Takes in a state of the segment.
    pub(super) fn learn(&mut self, facts: SegmentFacts) {
        let SegmentFacts { head, tail, sealed } = facts;
        let known = self.facts.least_tail();
        if sealed && tail < known {
            self.fail(ReadFailure::DataLoss { known, tail });
            return;
        }
        if tail >= known {
            self.facts.learn_tail(tail);
            self.facts.expect_more(false);
        }
        self.facts.learn_head(head);
        if sealed {
            self.learn_end(tail);
        }
    }

    /// Takes in where a sealed segment ends. False when that cannot be.
    pub(super) fn learn_end(&mut self, length: u64) -> bool {
        let is_news = self.facts.length().is_none();
        let fits = self.facts.learn_length(length);
        if fits && is_news {
            self.query.is_unverified = false;
            self.events.end = Some(length);
        }
        fits
    }

    /// The consumer has taken bytes.
    pub(super) fn moved_on(&mut self, used_up: bool) {
        if used_up {
            self.gear.window = (self.gear.window.saturating_mul(2)).min(self.limits.max_window());
        }
        self.buffer.trim(self.limits.keep_behind);
        self.settle();
    }

    /// Acts on what the last input means for the consumer.
    pub(super) fn settle(&mut self) {
        if !self.gear.is_waiting {
            return;
        }
        self.skip_gap();
        if self.found().is_some() {
            self.gear.is_waiting = false;
            self.events.readable = true;
        } else if self.is_at_tail() {
            // Who waits here may wait for days, and there may be thousands.
            self.buffer.trim(0);
        }
    }

    /// What is there for the consumer; none when that is still open.
    pub(super) fn found(&self) -> Option<Readiness> {
        let position = self.position();
        if self.limits.has_until && position >= self.limits.until {
            return Some(Readiness::Limit);
        }
        let ready = self.buffer.ready();
        if ready > 0 {
            return Some(Readiness::Data(ready));
        }
        match self.facts.length() {
            Some(length) if position == length || planted::is_on(Bug::SealedToldEarly) => {
                return Some(Readiness::EndOfSegment);
            }
            Some(length) if position > length => {
                let requested = position;
                let failure = ReadFailure::BeyondEnd { requested, length };
                return Some(Readiness::Failed(failure));
            }
            Some(_) | None => {}
        }
        if let Some(failure) = &self.failure {
            return Some(Readiness::Failed(failure.clone()));
        }
        let is_error = self.limits.on_truncation == OnTruncation::Error;
        (is_error && self.is_at_gap()).then(|| {
            Readiness::Failed(ReadFailure::Truncated {
                requested: position,
                head: self.facts.head(),
            })
        })
    }

    /// Moves a consumer that asked for truncated bytes on to the head. Not before it asks: until then its
    /// position is the end of what it was given.
    pub(super) fn skip_gap(&mut self) {
        let is_wanted = self.limits.on_truncation == OnTruncation::SkipToHead;
        if !is_wanted || self.events.truncated.is_some() || !self.is_at_gap() {
            return;
        }
        let requested = self.position();
        let head = self.facts.head();
        let target = head.min(self.limits.until);
        if target <= requested {
            return;
        }
        self.buffer.jump(target);
        self.requests.abandon_before(target);
        self.stats.bytes_skipped = self.stats.bytes_skipped.saturating_add(target - requested);
        self.events.truncated = Some((requested, head));
    }

    /// The bytes at the position are truncated away, are not here, and will not come.
    fn is_at_gap(&self) -> bool {
        let position = self.position();
        position < self.facts.head()
            && self.buffer.ready() == 0
            && self.requests.end_covering(position).is_none()
    }

    fn leave_flow(&mut self) {
        self.requests.detach();
        self.query.asked = None;
        self.pause.end();
    }
}

/// An attachment that lasted this long was a good one, and its loss is not part of a series: a minute. It
/// is longer than the longest pause, so a peer that accepts and dies is never called more often for it.
const STABLE_ATTACHMENT: Duration = Duration::from_secs(60);
