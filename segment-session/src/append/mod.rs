//! The append session: everything about writing to one segment, but the moving of bytes.

mod batch;
mod event;
mod failure;
mod inflight;
mod ledger;
mod link;
mod options;
mod replies;
mod reserving;
mod sending;
mod state;
mod stats;
mod window;

use std::{ops::Range, sync::Arc, time::Instant};

use bytes::Bytes;
use pravega_client_shared::{
    WriterId,
    planted::{self, Bug},
};

use self::{
    batch::Batch,
    event::{Events, Hints},
    inflight::InFlight,
    ledger::Ledger,
    state::Link,
    window::Window,
};
pub use self::{
    event::AppendEvent,
    failure::{
        AppendFailure, AppendFailureKind, Certainty, Fate, ResyncError, Resynced, SubmitError,
    },
    options::{AppendOptions, MAX_BLOCK_BYTES, WriteMode},
    reserving::Reservation,
    stats::AppendStats,
};
use crate::backoff::Backoff;

/// Writes bytes to one segment, in order and exactly once, whatever becomes of connections.
///
/// Bytes are counted from 0 as they are accepted, and every range handed out is in that count. Three
/// numbers, which only grow, say how far they are: [`accepted`](Self::accepted), [`sent`](Self::sent) and
/// [`durable`](Self::durable). A caller who waits for bytes compares their end with `durable`, or asks for
/// their [`fate`](Self::fate). Places in the segment are offsets: [`position`](Self::position) and
/// [`durable_offset`](Self::durable_offset).
///
/// See the [crate] for how a driver feeds and drains it.
#[derive(Debug)]
pub struct AppendSession {
    writer_id: WriterId,
    segment: Arc<str>,
    options: AppendOptions,
    ledger: Ledger,
    window: Window,
    batch: Batch,
    in_flight: InFlight,
    /// The count behind the last byte ever given out.
    sent: u64,
    /// The number of the next block. Numbers are never used twice.
    next_number: i64,
    /// The highest number known to be stored; 0 before the first.
    acked_number: i64,
    /// Blocks that begin before this count do not wait for more bytes.
    flushed: u64,
    /// Shared mode: the anchor of the ledger is a tail that was seen, so a later one tells of other writers.
    tail_is_known: bool,
    /// The segment is sealed; one more setup tells which blocks made it.
    sealed: bool,
    failure: Option<AppendFailure>,
    link: Link,
    /// A connection is wanted though there is nothing to send.
    attach_wanted: bool,
    attached_before: bool,
    hints: Hints,
    /// A refused token has been renewed since the last setup that went well.
    token_renewed: bool,
    /// A connection that was lost without a word has cast suspicion on the token since the last ack.
    token_suspected: bool,
    /// A connection was lost and nothing was stored since.
    lost_in_vain: bool,
    /// Weighed refusals and violations since the last ack.
    strikes: u32,
    backoff: Backoff,
    not_before: Option<Instant>,
    next_sequence: u32,
    /// Everything is durable; the memory kept for more bytes is given back then.
    release_at: Option<Instant>,
    events: Events,
    stats: AppendStats,
}

impl AppendSession {
    /// A session without a connection, which it asks for when there is something to send.
    ///
    /// Its first byte belongs at offset 0 until [`start_at`](Self::start_at) or [`resync`](Self::resync)
    /// says otherwise. `writer_id` is random and belongs to this session alone.
    #[must_use]
    pub fn new(writer_id: WriterId, segment: Arc<str>, options: AppendOptions) -> Self {
        let options = options.in_range();
        let id = writer_id.as_u128();
        let salt = u64::try_from((id >> 64) ^ (id & u128::from(u64::MAX))).unwrap_or_default();
        Self {
            writer_id,
            segment,
            options,
            ledger: Ledger::default(),
            window: Window::new(options.max_unacked_bytes),
            batch: Batch::new(options.max_block_bytes, options.max_unacked_bytes),
            in_flight: InFlight::default(),
            sent: 0,
            next_number: FIRST_NUMBER,
            acked_number: FIRST_NUMBER - 1,
            flushed: 0,
            tail_is_known: false,
            sealed: false,
            failure: None,
            link: Link::default(),
            attach_wanted: false,
            attached_before: false,
            hints: Hints::default(),
            token_renewed: false,
            token_suspected: false,
            lost_in_vain: false,
            strikes: 0,
            backoff: Backoff::new(options.backoff, salt),
            not_before: None,
            next_sequence: 0,
            release_at: None,
            events: Events::default(),
            stats: AppendStats::default(),
        }
    }

    /// The writer's id on the wire.
    #[must_use]
    pub fn writer_id(&self) -> WriterId {
        self.writer_id
    }

    /// The segment's name.
    #[must_use]
    pub fn segment(&self) -> &Arc<str> {
        &self.segment
    }

    /// The options, brought into range.
    #[must_use]
    pub fn options(&self) -> &AppendOptions {
        &self.options
    }

    /// How many bytes were accepted, ever.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.ledger.accepted()
    }

    /// How many of the accepted bytes have been given out to be sent at least once.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.max(self.ledger.durable())
    }

    /// How many of the accepted bytes are settled: stored for good or, after a
    /// [`resync`](Self::resync), given up.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.ledger.durable()
    }

    /// The offset at which the next accepted byte belongs. In shared mode, the lowest at which it can be.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.ledger.position()
    }

    /// The offset behind this writer's last byte that is known to be durable. Before the first ack it is the
    /// offset at which the session was told to begin. In shared mode, the lowest at which it can be.
    #[must_use]
    pub fn durable_offset(&self) -> u64 {
        self.ledger.durable_offset()
    }

    /// How many bytes were accepted and are not settled.
    #[must_use]
    pub fn unacked_bytes(&self) -> u64 {
        self.ledger.unacked_bytes()
    }

    /// How many bytes would surely be accepted now, in one submission.
    #[must_use]
    pub fn room(&self) -> usize {
        self.window.room().min(self.options.max_submission())
    }

    /// The longest submission that is ever accepted, in bytes.
    #[must_use]
    pub fn max_submission(&self) -> usize {
        self.options.max_submission()
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> AppendStats {
        self.stats
    }

    /// Why nothing more is accepted: for good, or until a [`resync`](Self::resync).
    #[must_use]
    pub fn failure(&self) -> Option<&AppendFailure> {
        self.failure.as_ref()
    }

    /// True while the session has a connection on which the server knows the writer.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.link.is_streaming()
    }

    /// What became of accepted bytes: a range that a submission returned, or several in a row.
    #[must_use]
    pub fn fate(&self, range: &Range<u64>) -> Fate {
        self.ledger.fate(range, self.failure.as_ref())
    }

    /// Accepts bytes by copying them. All or nothing; they will be stored together, never torn apart.
    /// Returns their range in the session's count. With no bytes, nothing is sent.
    ///
    /// # Errors
    /// [`SubmitError`]: no room now, too long ever, or the session has failed.
    pub fn submit(&mut self, now: Instant, data: &[u8]) -> Result<Range<u64>, SubmitError> {
        let (range, cost) = self.admit(data.len(), false)?;
        if !data.is_empty() {
            self.batch.push(now, range.start, data, cost);
            self.after_submission(now);
        }
        Ok(range)
    }

    /// Accepts bytes without copying them, unless they are so few that a copy is cheaper. Otherwise like
    /// [`submit`](Self::submit). If `data` is a small slice of something large, all of that stays in memory
    /// until the bytes are durable.
    ///
    /// # Errors
    /// As with [`submit`](Self::submit).
    pub fn submit_bytes(&mut self, now: Instant, data: Bytes) -> Result<Range<u64>, SubmitError> {
        if !Batch::rides(data.len()) {
            return self.submit(now, &data);
        }
        let (range, cost) = self.admit(data.len(), true)?;
        self.batch.push_bytes(now, range.start, data, cost);
        self.after_submission(now);
        Ok(range)
    }

    /// Accepts bytes by copying them, if they do nothing but make a block longer that waits for others: then there is
    /// nothing to send, nobody to tell, and no deadline, so that the driver need not drain the session. None, and
    /// nothing has happened, in every other case: [`submit`](Self::submit) them.
    pub fn extend(&mut self, data: &[u8]) -> Option<Range<u64>> {
        if !self.may_extend(data.len()) || !self.batch.extend_in_place(data) {
            return None;
        }
        self.window.take(data.len());
        Some(self.ledger.accept(data.len()))
    }

    /// What was accepted so far no longer waits for more bytes to go with it.
    pub fn flush(&mut self, now: Instant) {
        self.flushed = self.ledger.accepted();
        self.review(now);
    }

    /// Says where the next byte belongs, without the store having confirmed it: a writer that goes on where
    /// an earlier one stopped. If the segment does not end there, the first block fails with a conflict.
    ///
    /// # Errors
    /// [`ResyncError`], and nothing has changed.
    pub fn start_at(&mut self, offset: u64) -> Result<(), ResyncError> {
        self.check_movable(offset)?;
        if let Some(failure) = &self.failure {
            let failure = failure.clone();
            return Err(ResyncError::Terminal { failure });
        }
        self.ledger.anchor_durable(offset);
        self.tail_is_known = false;
        Ok(())
    }

    /// Goes on behind the segment's `tail`, which the store must have confirmed. After a conflict this gives
    /// up what was not stored; without one it needs everything to be durable.
    ///
    /// # Errors
    /// [`ResyncError`], and nothing has changed.
    pub fn resync(&mut self, tail: u64) -> Result<Resynced, ResyncError> {
        self.check_movable(tail)?;
        let discarded = match self.failure.take() {
            Some(failure) => {
                if planted::is_on(Bug::NumberReusedAfterTimeout) && !failure.doubtful().is_empty() {
                    self.next_number = self.acked_number + 1;
                }
                self.ledger.discard(failure)
            }
            None => self.ledger.unacked(),
        };
        self.ledger.anchor_durable(tail);
        self.ledger.confirm_tail(tail);
        self.tail_is_known = true;
        Ok(Resynced { tail, discarded })
    }

    /// Tells of a tail that the store has confirmed, from a request of another kind. It lets the session
    /// call more conflicts definite, names the tail in a conflict, and in shared mode, when nothing is
    /// unacknowledged, moves [`position`](Self::position) behind other writers' bytes.
    pub fn note_tail(&mut self, tail: u64) {
        if tail > MAX_OFFSET {
            return;
        }
        self.ledger.confirm_tail(tail);
        if let Some(told) = self
            .failure
            .as_ref()
            .and_then(|known| known.with_tail(tail))
        {
            self.failure = Some(told);
        }
        if self.options.mode == WriteMode::Shared
            && self.ledger.is_drained()
            && tail >= self.ledger.durable_offset()
        {
            self.move_anchor(tail);
        }
    }

    /// The next event, until there is none.
    pub fn poll_event(&mut self) -> Option<AppendEvent> {
        self.events.next(self.ledger.durable())
    }

    /// Whether a submission of this length can ever be accepted.
    fn check_submission(&self, len: usize) -> Result<(), SubmitError> {
        if let Some(failure) = &self.failure {
            let failure = failure.clone();
            return Err(SubmitError::Failed { failure });
        }
        let left = MAX_OFFSET.saturating_sub(self.ledger.position());
        let max = (self.options.max_submission()).min(usize::try_from(left).unwrap_or(usize::MAX));
        if len > max {
            return failure::TooLargeSnafu { max }.fail();
        }
        Ok(())
    }

    fn admit(&mut self, len: usize, rides: bool) -> Result<(Range<u64>, usize), SubmitError> {
        self.check_submission(len)?;
        if len == 0 {
            return Ok((self.ledger.accept(0), 0));
        }
        let cost = self.batch.cost(len, rides);
        if !self.window.admits(cost) {
            return failure::FullSnafu { room: self.room() }.fail();
        }
        self.window.take(cost);
        self.events.accepted();
        Ok((self.ledger.accept(len), cost))
    }

    /// Whether bytes may go into the open block without making it due.
    fn may_extend(&self, len: usize) -> bool {
        let waits = !self.in_flight.is_empty() && self.in_flight.is_given_out();
        let is_quiet = self.link.is_streaming() && self.options.linger.is_zero();
        if !waits || !is_quiet || planted::is_on(Bug::ConditionalPipeline) {
            return false;
        }
        let held_back = self.options.mode == WriteMode::Exclusive
            || self.batch.open().is_some_and(|open| {
                let is_short = open.len.saturating_add(len) < self.options.pipeline_block_bytes;
                is_short && open.start >= self.flushed && !self.batch.has_closed()
            });
        held_back && self.check_submission(len).is_ok() && self.window.admits(len)
    }

    fn after_submission(&mut self, now: Instant) {
        self.end_linger(now);
        if !self.link.is_streaming() {
            self.review(now);
        }
    }

    fn check_movable(&self, offset: u64) -> Result<(), ResyncError> {
        if offset > MAX_OFFSET {
            return failure::OutOfRangeSnafu { offset }.fail();
        }
        match &self.failure {
            Some(failure) if failure.is_conflict() => Ok(()),
            Some(failure) => {
                let failure = failure.clone();
                Err(ResyncError::Terminal { failure })
            }
            None if self.ledger.is_drained() => Ok(()),
            None => {
                let bytes = self.ledger.unacked_bytes();
                failure::UnflushedSnafu { bytes }.fail()
            }
        }
    }

    /// Shared mode: the byte behind the last durable one is at `tail`. What lies between there and where it
    /// had to be at the least is other writers'.
    fn move_anchor(&mut self, tail: u64) {
        let expected = self.ledger.durable_offset();
        let foreign = tail.saturating_sub(expected);
        if foreign > 0 && self.tail_is_known {
            self.stats.foreign_bytes = self.stats.foreign_bytes.saturating_add(foreign);
            self.events.foreign(expected, foreign);
        }
        self.tail_is_known = true;
        self.ledger.anchor_durable(tail);
    }
}

/// The number of a writer's first block. A store that knows no writer answers with no number at all, and
/// a decoder that has seen none starts at 0.
const FIRST_NUMBER: i64 = 1;

/// The last offset of a segment: on the wire, offsets are signed.
const MAX_OFFSET: u64 = i64::MAX.cast_unsigned();
