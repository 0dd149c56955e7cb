//! The writer's accounts: bytes accepted and durable, and where in the segment they lie.

use std::{collections::VecDeque, ops::Range};

use super::{AppendFailure, Fate};

/// Counts the bytes of one writer from 0, and maps the count to offsets of the segment.
///
/// The mapping is one anchor: byte `anchor` of the writer lies at `offset` of the segment, and those behind
/// it follow. In exclusive mode that is exact. In shared mode the anchor moves with each ack, and behind it
/// the mapping is the lowest offset possible.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accepted: u64,
    durable: u64,
    anchor: u64,
    offset: u64,
    /// The highest tail that the store has confirmed. A segment never gets shorter.
    known_tail: u64,
    discarded: VecDeque<Discarded>,
    /// Discards of bytes below this count are no longer remembered.
    forgotten: u64,
}

#[derive(Debug)]
struct Discarded {
    range: Range<u64>,
    failure: AppendFailure,
}

impl Ledger {
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    pub(super) fn unacked(&self) -> Range<u64> {
        self.durable..self.accepted
    }

    pub(super) fn unacked_bytes(&self) -> u64 {
        self.accepted.saturating_sub(self.durable)
    }

    pub(super) fn is_drained(&self) -> bool {
        self.accepted == self.durable
    }

    /// Where byte `count` of this writer lies.
    pub(super) fn offset_of(&self, count: u64) -> u64 {
        self.offset
            .saturating_add(count.saturating_sub(self.anchor))
    }

    pub(super) fn position(&self) -> u64 {
        self.offset_of(self.accepted)
    }

    pub(super) fn durable_offset(&self) -> u64 {
        self.offset_of(self.durable)
    }

    pub(super) fn known_tail(&self) -> u64 {
        self.known_tail
    }

    pub(super) fn accept(&mut self, len: usize) -> Range<u64> {
        let start = self.accepted;
        self.accepted = start.saturating_add(to_count(len));
        start..self.accepted
    }

    /// Everything before `end` is durable.
    pub(super) fn settle(&mut self, end: u64) {
        self.durable = self.durable.max(end).min(self.accepted);
    }

    pub(super) fn confirm_tail(&mut self, tail: u64) {
        self.known_tail = self.known_tail.max(tail);
    }

    /// Puts the first byte that is not yet durable at `offset`.
    pub(super) fn anchor_durable(&mut self, offset: u64) {
        self.anchor = self.durable;
        self.offset = offset;
    }

    /// Gives up what is not durable, for good, and remembers why.
    pub(super) fn discard(&mut self, failure: AppendFailure) -> Range<u64> {
        let range = self.unacked();
        if !range.is_empty() {
            if self.discarded.len() >= MAX_REMEMBERED_DISCARDS
                && let Some(oldest) = self.discarded.pop_front()
            {
                self.forgotten = oldest.range.end;
            }
            let range = range.clone();
            self.discarded.push_back(Discarded { range, failure });
        }
        self.durable = self.accepted;
        range
    }

    /// Planted bug: gives up the bytes of the failure, and none behind them.
    pub(super) fn discard_first(&mut self, failure: AppendFailure) {
        let range = failure.unacked();
        self.durable = range.end;
        self.discarded.push_back(Discarded { range, failure });
    }

    pub(super) fn fate(&self, range: &Range<u64>, failure: Option<&AppendFailure>) -> Fate {
        let given_up = self.discarded.iter().find(|discarded| {
            range.start.max(discarded.range.start) < range.end.min(discarded.range.end)
        });
        if let Some(discarded) = given_up {
            Fate::Failed(discarded.failure.clone())
        } else if range.start < self.forgotten {
            Fate::Forgotten
        } else if range.end <= self.durable {
            Fate::Durable
        } else if let Some(failure) = failure {
            Fate::Failed(failure.clone())
        } else {
            Fate::Pending
        }
    }
}

/// A length as a count of bytes. No supported platform has lengths above 64 bits.
pub(super) fn to_count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// How many resynced conflicts are remembered, so that a caller who asks late learns what was not stored.
const MAX_REMEMBERED_DISCARDS: usize = 32;
