//! What a reply means.

use std::{ops::Range, sync::Arc, time::Instant};

use bytes::Bytes;
use pravega_client_shared::{
    RequestId,
    planted::{self, Bug},
};
use pravega_wire_protocol::{
    Payload, Reply, SegmentIsSealed, SegmentIsTruncated, SegmentRead, StreamSegmentInfo,
};
use snafu::{OptionExt, ensure};

use super::{
    ReadFailure, ReadSession, SegmentFacts,
    buffer::COPY_BELOW_BYTES,
    options::wide,
    requests::{Outstanding, Owner},
    state::Link,
};
use crate::{
    ProtocolViolation, Recovery, Refusal, TokenFault, Trouble,
    error::{
        EndMovedSnafu, HeadNotBeyondSnafu, ImpossibleSegmentSnafu, OtherSegmentSnafu,
        ReadOffsetSnafu, UnexpectedReplySnafu, UnknownReplySnafu,
    },
};

impl ReadSession {
    /// A reply that came for the attached flow, or a token refusal whose id is none of ours: a segment store
    /// that refuses the token of a read answers with the read's offset in the place of the id, so the driver
    /// offers such replies to every session on the connection.
    ///
    /// # Errors
    /// [`ProtocolViolation`] when no correct server sends this reply. The driver closes the connection; the
    /// session has detached already.
    pub fn handle_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation> {
        let result = self.take_in(now, reply);
        if let Err(violation) = &result {
            if self.is_too_much(FAULT) {
                let violation = violation.clone();
                self.fail(ReadFailure::Protocol { violation });
            } else {
                self.attach_later(now, Trouble::Failing);
            }
        }
        self.settle();
        result
    }

    fn take_in(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation> {
        let Link::Attached(on) = &self.link else {
            self.stats.stale_replies += 1;
            return Ok(());
        };
        if let Reply::Unknown(unknown) = &reply {
            return UnknownReplySnafu { code: unknown.code }.fail();
        }
        let name = reply.name();
        let id = reply
            .request_id()
            .context(UnexpectedReplySnafu { reply: name })?;
        let Some(id) = RequestId::from_wire(id) else {
            self.on_offset_as_id(now, id, &reply);
            return Ok(());
        };
        if id.flow() != on.flow {
            self.stats.stale_replies += 1;
            return Ok(());
        }
        if let Some((_, known)) = self.query.asked.take_if(|(asked, _)| *asked == id) {
            return self.on_answer(now, known, reply);
        }
        match self.requests.answer(id) {
            Owner::Live(read) => self.on_read(now, &read, reply),
            Owner::Stale => {
                self.stats.stale_replies += 1;
                Ok(())
            }
            Owner::Nobody => UnexpectedReplySnafu { reply: name }.fail(),
        }
    }

    fn on_read(
        &mut self,
        now: Instant,
        read: &Outstanding,
        reply: Reply,
    ) -> Result<(), ProtocolViolation> {
        match reply {
            Reply::SegmentRead(reply) => self.on_bytes(now, read, &reply),
            Reply::SegmentIsSealed(reply) => self.on_sealed(now, read, &reply),
            Reply::SegmentIsTruncated(reply) => self.on_truncated(read, &reply),
            reply => self.on_failure(now, &reply),
        }
    }

    fn on_bytes(
        &mut self,
        now: Instant,
        read: &Outstanding,
        reply: &SegmentRead,
    ) -> Result<(), ProtocolViolation> {
        self.check_segment(&reply.segment)?;
        ensure!(
            u64::try_from(reply.offset) == Ok(read.asked)
                || planted::is_on(Bug::ReadReplyAtAnotherOffset),
            ReadOffsetSnafu {
                expected: read.asked,
                actual: reply.offset
            }
        );
        if reply.data.is_empty() && !reply.end_of_segment {
            self.stats.empty_replies += 1;
            self.pause.begin(now);
            return Ok(());
        }
        let actual = read.asked.saturating_add(wide(reply.data.len()));
        if let Some(length) = self.facts.length() {
            let fits = actual == length || (actual < length && !reply.end_of_segment);
            ensure!(fits, EndMovedSnafu { length, actual });
        }
        self.token_refusals = 0;
        if reply.end_of_segment && !self.learn_end(actual) {
            // The segment was seen to reach further. Who is right?
            self.doubt(now);
        } else {
            self.made_progress();
        }
        if !reply.data.is_empty() {
            self.keep(read, reply, actual);
        }
        Ok(())
    }

    fn keep(&mut self, read: &Outstanding, reply: &SegmentRead, end: u64) {
        if self.facts.learn_tail(end) {
            self.query.is_unverified = false;
        }
        if end >= self.facts.least_tail() {
            self.facts
                .expect_more(!reply.at_tail && !reply.end_of_segment);
        }
        for (start, bytes) in cut(&reply.data, read.asked, &read.wanted) {
            self.stats.bytes_received = self.stats.bytes_received.saturating_add(wide(bytes.len()));
            self.buffer.insert(start, bytes);
        }
    }

    /// A read that waited at the server is told that nothing will come. That is the end of the segment,
    /// provided that it waited where the segment was known to reach and no further.
    fn on_sealed(
        &mut self,
        now: Instant,
        read: &Outstanding,
        reply: &SegmentIsSealed,
    ) -> Result<(), ProtocolViolation> {
        self.check_segment(&reply.segment)?;
        self.token_refusals = 0;
        let is_certain = self.facts.least_tail() == read.asked;
        let is_certain = is_certain && (self.facts.tail().is_some() || read.asked == 0);
        if is_certain && self.learn_end(read.asked) {
            self.made_progress();
        } else {
            self.doubt(now);
        }
        Ok(())
    }

    fn on_truncated(
        &mut self,
        read: &Outstanding,
        reply: &SegmentIsTruncated,
    ) -> Result<(), ProtocolViolation> {
        self.check_segment(&reply.segment)?;
        let head = u64::try_from(reply.start_offset).ok();
        let head = head
            .filter(|&head| head > read.asked)
            .context(HeadNotBeyondSnafu {
                requested: read.asked,
                head: reply.start_offset,
            })?;
        if let Some(length) = self.facts.length() {
            ensure!(
                head <= length,
                EndMovedSnafu {
                    length,
                    actual: head
                }
            );
        }
        self.token_refusals = 0;
        self.facts.learn_head(head);
        Ok(())
    }

    /// The answer to the question for head, tail and end; `known` is what was known when it was asked.
    fn on_answer(
        &mut self,
        now: Instant,
        known: u64,
        reply: Reply,
    ) -> Result<(), ProtocolViolation> {
        let info = match reply {
            Reply::StreamSegmentInfo(info) => info,
            reply => return self.on_failure(now, &reply),
        };
        self.check_segment(&info.segment)?;
        if !info.exists || info.is_deleted {
            self.fail(ReadFailure::NoSuchSegment { cause: None });
            return Ok(());
        }
        let facts = facts_of(&info)?;
        if let Some(length) = self.facts.length() {
            let actual = facts.tail;
            ensure!(actual <= length, EndMovedSnafu { length, actual });
        }
        self.token_refusals = 0;
        self.query.is_required = false;
        self.query.is_unverified = false;
        if facts.tail < known {
            let tail = facts.tail;
            self.fail(ReadFailure::DataLoss { known, tail });
        } else {
            self.learn(facts);
        }
        Ok(())
    }

    /// A token refusal with the offset of a read in the place of its id, which also any other session on
    /// this connection with a read at that offset may be meant by.
    fn on_offset_as_id(&mut self, now: Instant, id: i64, reply: &Reply) {
        let fault = match Recovery::of(reply) {
            Some(Recovery::RenewToken(fault)) => Some(fault),
            _ => None,
        };
        let offset = u64::try_from(id).ok();
        let offset = offset.filter(|&offset| self.requests.asked_at(offset));
        let (Some(fault), Some(offset)) = (fault, offset) else {
            self.stats.stale_replies += 1;
            return;
        };
        self.requests.forget_at(offset);
        if !self.renew_token(now, fault) {
            // Perhaps the refusals were meant for someone else: a question is answered under its own id.
            self.query.is_required = true;
        }
    }

    fn on_failure(&mut self, now: Instant, reply: &Reply) -> Result<(), ProtocolViolation> {
        let unexpected = UnexpectedReplySnafu {
            reply: reply.name(),
        };
        match Recovery::of(reply).context(unexpected)? {
            Recovery::Retry => {
                if self.is_too_much(FAULT) {
                    let reason = reason_of(reply);
                    self.fail(ReadFailure::Refused { reason });
                } else {
                    self.detach_and_retry(now, Trouble::Failing);
                }
            }
            Recovery::Relocate => {
                self.hints.relocate = true;
                self.detach_and_retry(now, Trouble::Away);
            }
            Recovery::RenewToken(fault) => {
                if !self.renew_token(now, fault) {
                    self.fail(ReadFailure::Unauthorized { cause: None });
                }
            }
            Recovery::Fail(Refusal::NoSuchSegment) => {
                self.fail(ReadFailure::NoSuchSegment { cause: None });
            }
            Recovery::Fail(Refusal::Unsupported) => self.fail(ReadFailure::Unsupported),
            _ => return unexpected.fail(),
        }
        Ok(())
    }

    /// Attaches again with a new token. False when that has been tried often enough.
    fn renew_token(&mut self, now: Instant, fault: TokenFault) -> bool {
        let most = match fault {
            TokenFault::Expired => MAX_RENEWALS,
            TokenFault::Refused => 1,
        };
        if self.token_refusals >= most {
            return false;
        }
        self.token_refusals += 1;
        self.hints.renew_token = true;
        if self.token_refusals == 1 {
            self.detach_and_go_on();
        } else {
            self.detach_and_retry(now, Trouble::Failing);
        }
        true
    }

    /// Two replies contradict each other: asks how things are before anything else, after a pause.
    fn doubt(&mut self, now: Instant) {
        self.query.is_required = true;
        self.pause.begin(now);
    }

    /// Counts a fault of the store; true when there were too many of them in a row.
    pub(super) fn is_too_much(&mut self, weight: u32) -> bool {
        self.faults = self.faults.saturating_add(weight);
        self.faults > MAX_FAULTS * FAULT
    }

    /// The store gave what it is there for.
    fn made_progress(&mut self) {
        self.losses = 0;
        self.faults = 0;
        self.backoff.reset();
        self.pause = super::state::Pause::new();
    }

    fn check_segment(&self, segment: &Arc<str>) -> Result<(), ProtocolViolation> {
        ensure!(
            *segment == self.segment,
            OtherSegmentSnafu {
                expected: &*self.segment,
                actual: &**segment
            }
        );
        Ok(())
    }
}

fn facts_of(info: &StreamSegmentInfo) -> Result<SegmentFacts, ProtocolViolation> {
    let impossible = ImpossibleSegmentSnafu {
        head: info.start_offset,
        tail: info.write_offset,
    };
    let head = u64::try_from(info.start_offset).ok().context(impossible)?;
    let tail = u64::try_from(info.write_offset).ok().context(impossible)?;
    ensure!(head <= tail, impossible);
    let sealed = info.is_sealed;
    Ok(SegmentFacts { head, tail, sealed })
}

/// The parts of `data`, which begins at the offset `at`, that lie in `wanted`. When most of the data is cut
/// off, the rest is copied, so that it does not keep all of it in memory.
fn cut<'a>(
    data: &'a Payload,
    at: u64,
    wanted: &'a Range<u64>,
) -> impl Iterator<Item = (u64, Bytes)> + 'a {
    let mut next = at;
    data.chunks().iter().filter_map(move |chunk| {
        let start = next;
        let end = start.saturating_add(wide(chunk.len()));
        next = end;
        let (from, to) = (start.max(wanted.start), end.min(wanted.end));
        let first = usize::try_from(from.checked_sub(start)?).ok()?;
        let last = usize::try_from(to.checked_sub(start)?).ok()?;
        let kept = chunk.get(first..last).filter(|kept| !kept.is_empty())?;
        let gone = chunk.len() - kept.len();
        let bytes = if gone > COPY_BELOW_BYTES && gone > kept.len() {
            Bytes::copy_from_slice(kept)
        } else {
            chunk.slice_ref(kept)
        };
        Some((from, bytes))
    })
}

fn reason_of(reply: &Reply) -> String {
    match reply {
        Reply::ErrorMessage(error) => error.message.chars().take(MAX_REASON_CHARS).collect(),
        other => other.name().to_owned(),
    }
}

/// How often in a row, with no bytes in between, the store may break the protocol or refuse a read. With the
/// pauses between, enough for a store that is being moved.
const MAX_FAULTS: u32 = 5;
/// The weight of a fault towards this session.
const FAULT: u32 = 4;
/// The weight of a violation that ended the connection and may have been another session's. That other
/// session gives up after its own few, so this one outlives it.
pub(super) const SHARED_FAULT: u32 = 1;
/// How many tokens in a row may be refused as expired: clocks that differ may cost one or two.
const MAX_RENEWALS: u32 = 3;
/// How much of a server's text goes into an error.
const MAX_REASON_CHARS: usize = 200;
