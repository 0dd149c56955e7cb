//! What each reply does to the session.

use std::time::Instant;

use pravega_client_shared::{
    WriterId,
    planted::{self, Bug},
};
use pravega_wire_protocol::{AppendSetup, ConditionalCheckFailed, DataAppended, Reply};

use super::{AppendFailureKind, AppendSession, FIRST_NUMBER, WriteMode, link::STRIKE, state::Link};
use crate::{
    ProtocolViolation, Trouble, error,
    recovery::{Recovery, Refusal, TokenFault},
};

impl AppendSession {
    /// A reply that came on the attached connection. Replies to requests of other users, and to requests of
    /// an earlier setup, are ignored.
    ///
    /// # Errors
    /// [`ProtocolViolation`]: the driver drops the connection. The session has already let go of it and
    /// goes on by itself, with the next attempt or with a terminal failure.
    pub fn handle_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation> {
        let Some(on) = self.link.attached() else {
            self.stats.ignored_replies += 1;
            return Ok(());
        };
        if let Reply::Unknown(unknown) = &reply {
            let code = unknown.code;
            return self.violation(now, ProtocolViolation::UnknownReply { code });
        }
        let is_old = reply.request_id() != Some(on.request_id.to_wire());
        if is_old && !planted::is_on(Bug::OldRepliesObeyed) {
            self.stats.ignored_replies += 1;
            return Ok(());
        }
        let streaming = self.link.is_streaming();
        let checked = match &reply {
            Reply::AppendSetup(setup) => self.check_setup(setup),
            Reply::DataAppended(ack) if streaming => self.check_ack(ack),
            Reply::ConditionalCheckFailed(refused) if streaming => self.check_refused(refused),
            Reply::InvalidEventNumber(invalid) if streaming => self.check_writer(invalid.writer_id),
            other => check_failure(other, streaming),
        };
        if let Err(violation) = checked {
            return self.violation(now, violation);
        }
        match reply {
            Reply::AppendSetup(setup) => self.on_setup(&setup),
            Reply::DataAppended(ack) => self.on_ack(now, &ack),
            // After a conflict nothing is in flight: a repeated refusal changes nothing.
            _ if self.failure.is_some() => self.stats.ignored_replies += 1,
            failure => self.on_failure(now, &failure),
        }
        self.plan_release(now);
        Ok(())
    }

    fn check_writer(&self, actual: WriterId) -> Result<(), ProtocolViolation> {
        let expected = self.writer_id;
        if actual == expected {
            Ok(())
        } else {
            error::OtherWriterSnafu { expected, actual }.fail()
        }
    }

    fn check_setup(&self, setup: &AppendSetup) -> Result<(), ProtocolViolation> {
        if !matches!(
            self.link,
            Link::SettingUp {
                is_given_out: true,
                ..
            }
        ) {
            return error::UnaskedSetupSnafu.fail();
        }
        self.check_writer(setup.writer_id)?;
        if setup.segment != self.segment {
            return error::OtherSegmentSnafu {
                expected: &*self.segment,
                actual: &*setup.segment,
            }
            .fail();
        }
        let (number, sent) = (setup.last_event_number, self.next_number - 1);
        if number > sent {
            return error::SetupBeyondSentSnafu { number, sent }.fail();
        }
        Ok(())
    }

    fn check_ack(&self, ack: &DataAppended) -> Result<(), ProtocolViolation> {
        self.check_writer(ack.writer_id)?;
        let number = ack.event_number;
        if number <= self.acked_number {
            return Ok(());
        }
        let Some(end) = self.in_flight.end_of(number) else {
            let sent = self.in_flight.sent().unwrap_or(self.acked_number);
            return error::AckNotInFlightSnafu { number, sent }.fail();
        };
        if self.leaves_gap(ack) {
            return Ok(());
        }
        let expected = self.ledger.offset_of(end);
        let actual = ack.current_segment_write_offset;
        let fits = match (u64::try_from(actual), self.options.mode) {
            (Err(_), _) => actual == NO_OFFSET,
            (Ok(offset), WriteMode::Exclusive) => offset == expected,
            (Ok(offset), WriteMode::Shared) => offset >= expected || !self.tail_is_known,
        };
        if fits {
            Ok(())
        } else {
            error::AckOffsetSnafu { expected, actual }.fail()
        }
    }

    fn check_refused(&self, refused: &ConditionalCheckFailed) -> Result<(), ProtocolViolation> {
        self.check_writer(refused.writer_id)?;
        let number = refused.event_number;
        let is_head = self.in_flight.first().map(|block| block.number) == Some(number)
            && self.in_flight.sent().is_some();
        if is_head && self.options.mode == WriteMode::Exclusive {
            Ok(())
        } else {
            error::ConditionNotInFlightSnafu { number }.fail()
        }
    }

    /// The ack before this one is not known here, so blocks may be missing in between.
    fn leaves_gap(&self, ack: &DataAppended) -> bool {
        ack.previous_event_number > self.acked_number
    }

    fn on_setup(&mut self, setup: &AppendSetup) {
        // A writer without a number is told a very negative one.
        let stored = match planted::is_on(Bug::SetupAcksAll) {
            true => self.next_number - 1,
            false => setup.last_event_number.max(FIRST_NUMBER - 1),
        };
        if stored < self.acked_number {
            let acked = self.acked_number;
            self.fail(AppendFailureKind::DataLoss { acked, stored }, None);
            return;
        }
        self.acknowledge(stored, None);
        if self.sealed {
            // Nothing can be stored any more, so what the store does not have now it never will.
            self.in_flight.clear();
            self.fail(AppendFailureKind::Sealed, None);
            return;
        }
        if let Link::SettingUp { on, .. } = std::mem::take(&mut self.link) {
            self.link = Link::Streaming { on };
        }
        self.attach_wanted = false;
        self.token_renewed = false;
        self.events.attached();
    }

    fn on_ack(&mut self, now: Instant, ack: &DataAppended) {
        if ack.event_number <= self.acked_number {
            self.stats.ignored_replies += 1;
        } else if self.leaves_gap(ack) {
            self.detach(now, true, Trouble::Failing);
        } else {
            let tail = u64::try_from(ack.current_segment_write_offset).ok();
            self.acknowledge(ack.event_number, tail);
            self.end_linger(now);
        }
    }

    /// Everything up to block `number` is stored, and the segment ends at `tail` if that was told.
    fn acknowledge(&mut self, number: i64, tail: Option<u64>) {
        self.acked_number = self.acked_number.max(number);
        let before = self.ledger.durable();
        let taken = self.in_flight.acknowledge(number);
        let Some(end) = taken.end else {
            return;
        };
        self.window.give(taken.cost);
        self.ledger.settle(end);
        self.stats.bytes_acked += self.ledger.durable() - before;
        match (self.options.mode, tail) {
            // The condition held, so the bytes lie where they had to.
            (WriteMode::Exclusive, _) => self.ledger.confirm_tail(self.ledger.durable_offset()),
            (WriteMode::Shared, Some(tail)) => self.move_anchor(tail),
            (WriteMode::Shared, None) => {}
        }
        self.progress();
        let drained = self.ledger.is_drained();
        self.events.acked(drained);
    }

    fn on_failure(&mut self, now: Instant, reply: &Reply) {
        match Recovery::of(reply) {
            // Planted bug: a condition that fails behind a reconnect, "because the first copy was stored".
            Some(Recovery::Conflict) if self.is_taken_as_success() => {
                self.acknowledge(self.acked_number + 1, None);
            }
            Some(Recovery::Conflict) => self.on_conflict(),
            // The server is about to close the connection.
            Some(Recovery::Resume) => self.detach(now, true, Trouble::Failing),
            Some(Recovery::Retry) => self.refused(now, reason(reply)),
            Some(Recovery::Relocate) => {
                self.hints.relocate = true;
                self.detach(now, false, Trouble::Away);
            }
            Some(Recovery::RenewToken(fault)) => self.on_token(now, fault),
            Some(Recovery::Fail(refusal)) => self.on_refusal(refusal),
            None => {}
        }
    }

    fn is_taken_as_success(&self) -> bool {
        let is_again = self.in_flight.first().is_some_and(|block| block.copies > 1);
        is_again && planted::is_on(Bug::ConditionFailureTakenAsSuccess)
    }

    fn on_conflict(&mut self) {
        let Some(block) = self.in_flight.first() else {
            return;
        };
        // Another copy can still be stored, unless the tail is past its offset. It is past it if it was
        // there before the first copy went out; a tail seen later may already include that copy.
        let doubtful = (block.copies > 1 && !block.anchored).then(|| block.start..block.end());
        let expected = self.ledger.offset_of(block.start);
        self.stats.conflicts += 1;
        let actual = None;
        if planted::is_on(Bug::OnlyTheFailedBlockDropped) && !self.batch.is_empty() {
            self.drop_first_block(AppendFailureKind::Conflict { expected, actual });
            return;
        }
        self.give_up(
            AppendFailureKind::Conflict { expected, actual },
            doubtful,
            None,
        );
    }

    fn on_token(&mut self, now: Instant, fault: TokenFault) {
        self.hints.renew_token = true;
        match fault {
            TokenFault::Expired if planted::is_on(Bug::ExpiryTakenAsFatal) => {
                self.fail(AppendFailureKind::Unauthorized, None);
            }
            TokenFault::Expired => {
                self.events.detach(false);
                self.strike(now, STRIKE, AppendFailureKind::Unauthorized);
            }
            TokenFault::Refused if self.token_renewed => {
                self.fail(AppendFailureKind::Unauthorized, None);
            }
            TokenFault::Refused => {
                self.token_renewed = true;
                self.detach(now, false, Trouble::Failing);
            }
        }
    }

    fn on_refusal(&mut self, refusal: Refusal) {
        let streaming = self.link.is_streaming();
        if streaming {
            self.in_flight.refuse();
        }
        match refusal {
            Refusal::Sealed if streaming => self.settle_sealed(),
            Refusal::Sealed => self.fail(AppendFailureKind::Sealed, None),
            Refusal::NoSuchSegment => self.fail(AppendFailureKind::NoSuchSegment, None),
            Refusal::Unsupported => self.fail(AppendFailureKind::Unsupported, None),
            // Never the answer to an append; a failed check has said so before.
            Refusal::Truncated { .. } => {}
        }
    }

    fn refused(&mut self, now: Instant, reason: String) {
        self.events.detach(false);
        self.strike(now, STRIKE, AppendFailureKind::Refused { reason });
    }

    fn violation(
        &mut self,
        now: Instant,
        violation: ProtocolViolation,
    ) -> Result<(), ProtocolViolation> {
        self.events.lost();
        let source = violation.clone();
        self.strike(now, STRIKE, AppendFailureKind::Protocol { source });
        Err(violation)
    }
}

/// Whether a reply that is no ack and no setup can answer what was asked.
fn check_failure(reply: &Reply, streaming: bool) -> Result<(), ProtocolViolation> {
    let fits = match Recovery::of(reply) {
        Some(Recovery::Conflict | Recovery::Resume) => streaming,
        Some(Recovery::Fail(Refusal::Truncated { .. })) | None => false,
        Some(
            Recovery::Retry | Recovery::Relocate | Recovery::RenewToken(_) | Recovery::Fail(_),
        ) => true,
    };
    if fits {
        Ok(())
    } else {
        let reply = reply.name();
        error::UnexpectedReplySnafu { reply }.fail()
    }
}

/// The text of a refusal, shortened: it comes from the peer.
fn reason(reply: &Reply) -> String {
    match reply {
        Reply::ErrorMessage(error) => error.message.chars().take(MAX_REASON_CHARS).collect(),
        other => other.name().to_owned(),
    }
}

/// An ack without the segment's new length, as old versions send it.
const NO_OFFSET: i64 = -1;
/// More of a peer's error text than this helps nobody.
const MAX_REASON_CHARS: usize = 200;
