//! What goes out, and when.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pravega_client_shared::planted::{self, Bug};
use pravega_wire_protocol::{AppendBlockEnd, ConditionalBlockEnd, Request, SetupAppend};

use super::{AppendSession, WriteMode, state::Link};

impl AppendSession {
    /// The next request to send, until there is none. A request given out counts as sent: if it cannot be,
    /// the driver drops the connection and says so.
    pub fn poll_transmit(&mut self) -> Option<Request> {
        match &mut self.link {
            Link::SettingUp { on, is_given_out } => {
                let first = !std::mem::replace(is_given_out, true);
                first.then(|| {
                    SetupAppend {
                        request_id: on.request_id.to_wire(),
                        writer_id: self.writer_id,
                        segment: Arc::clone(&self.segment),
                        delegation_token: on.token.clone(),
                    }
                    .into()
                })
            }
            Link::Streaming { on } => {
                let request_id = on.request_id.to_wire();
                self.next_block(request_id)
            }
            Link::Detached | Link::Waiting { .. } | Link::Attaching => None,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; none while only a peer or a caller can move the
    /// session. A session with nothing to do has one more deadline, to give back the memory that it keeps for more
    /// bytes, and then none.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.link {
            Link::Waiting { until } => Some(until),
            Link::Streaming { .. } if !self.batch.is_empty() => self.linger_deadline(),
            _ => self.release_at.filter(|_| self.ledger.is_drained()),
        }
    }

    /// Everything is durable: the next bytes may come at once, or never.
    pub(super) fn plan_release(&mut self, now: Instant) {
        if self.ledger.is_drained() && self.batch.holds_memory() {
            self.release_at = now.checked_add(RELEASE_AFTER);
        }
    }

    /// Gives back the memory that nothing has needed for a while.
    pub(super) fn release_unused(&mut self, now: Instant) {
        if self.ledger.is_drained() && self.release_at.is_some_and(|at| at <= now) {
            self.release_at = None;
            self.batch.release();
            self.in_flight.release();
        }
    }

    /// Gives out the next block: one that must be sent again, or a new one if it is its time.
    fn next_block(&mut self, request_id: i64) -> Option<Request> {
        if self.in_flight.is_given_out() {
            if !self.is_next_block_due() {
                return None;
            }
            let number = self.next_number;
            self.next_number = number.checked_add(1)?;
            self.in_flight.push(number, self.batch.take_first()?);
        }
        let known_tail = self.ledger.known_tail();
        let block = self.in_flight.give_out()?;
        self.sent = self.sent.max(block.end());
        let offset = self.ledger.offset_of(block.start);
        if block.copies == 1 {
            block.anchored = known_tail >= offset;
            self.stats.blocks_sent += 1;
        } else {
            self.stats.blocks_resent += 1;
        }
        let (event_number, data) = (block.number, block.payload.clone());
        self.stats.max_blocks_in_flight = self.stats.max_blocks_in_flight.max(self.in_flight.len());
        // Planted bug: every other block goes out without its condition.
        let is_plain = planted::is_on(Bug::ConditionalAndPlainMixed) && event_number % 2 == 0;
        Some(match self.options.mode {
            WriteMode::Exclusive if !is_plain => ConditionalBlockEnd {
                writer_id: self.writer_id,
                event_number,
                // Never negative: on the wire that would mean "no condition".
                expected_offset: i64::try_from(offset).unwrap_or(i64::MAX),
                data,
                request_id,
            }
            .into(),
            _ => AppendBlockEnd {
                writer_id: self.writer_id,
                size_of_whole_events: i32::try_from(data.len()).unwrap_or(i32::MAX),
                data,
                num_events: 1,
                last_event_number: event_number,
                request_id,
            }
            .into(),
        })
    }

    /// Whether the block in front goes out now, or waits: for the one in flight, or for more bytes.
    fn is_next_block_due(&self) -> bool {
        if self.batch.is_empty() {
            return false;
        }
        let idle = self.in_flight.is_empty();
        // Planted bug: four conditional blocks in flight.
        let is_full = !planted::is_on(Bug::ConditionalPipeline) || self.in_flight.len() >= 4;
        if self.options.mode == WriteMode::Exclusive && !idle && is_full {
            return false;
        }
        let Some(open) = self.batch.open().filter(|_| !self.batch.has_closed()) else {
            return true;
        };
        open.start < self.flushed
            || open.len >= self.options.pipeline_block_bytes
            || (idle && self.options.linger.is_zero())
    }

    fn linger_deadline(&self) -> Option<Instant> {
        let held = self.options.mode == WriteMode::Exclusive && !self.in_flight.is_empty();
        let open = self.batch.open()?;
        if held || self.options.linger.is_zero() || open.start < self.flushed {
            return None;
        }
        open.since.checked_add(self.options.linger)
    }

    pub(super) fn end_linger(&mut self, now: Instant) {
        if self
            .linger_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.flushed = self.ledger.accepted();
        }
    }
}

/// How long a session keeps memory for more bytes when everything is durable. A writer that flushes each write uses
/// the same memory again and again, and one that has become idle holds none.
const RELEASE_AFTER: Duration = Duration::from_secs(1);
