//! What a run writes down: who wrote and read what, what was told, and what went wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;

use super::lock;
use crate::{
    Trace,
    campaign::{Tally, Violation},
    evidence::{Block, Fate, Ledger},
    history::{History, Log, Outcome, Pending},
};

/// Everything that a run writes down. Shared by all hosts; they take turns, so nobody ever waits for it.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Book>);

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) ledger: Ledger,
    pub(super) history: History,
    pub(super) trace: Trace,
    pub(super) tally: Tally,
    pub(super) violations: Vec<Violation>,
    /// What was truncated, from the first byte on.
    pub(super) kept: Vec<u8>,
    /// By reader: what it read, with offsets, in order.
    pub(super) reads: BTreeMap<u32, Vec<(u64, Bytes)>>,
    /// By reader: where it was told that the segment ends.
    pub(super) ends: BTreeMap<u32, u64>,
    /// Parts of clients that have done all they had to do.
    pub(super) finished: BTreeSet<u32>,
    /// Where the segment ended when it was sealed.
    pub(super) sealed_at: Option<u64>,
    /// How long writers took from the end of the faults to their next acknowledgement.
    pub(super) recoveries: Vec<Duration>,
    waiting: BTreeMap<Block, Pending>,
    lives: u32,
}

/// What happened, for the trace.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Accepted,
    Durable,
    Refused,
    Failed,
    Read,
    Ended,
    Answered,
    Unanswered,
    Fault,
    Stage,
}

impl Record {
    /// Looks at, or adds to, what is written down.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Book) -> T) -> T {
        act(&mut lock(&self.0))
    }

    /// Something happened now.
    pub(super) fn note(&self, event: Event, who: u32, what: u64) {
        let now = turmoil::sim_elapsed().unwrap_or_default();
        self.note_at(now, event, who, what);
    }

    pub(super) fn note_at(&self, now: Duration, event: Event, who: u32, what: u64) {
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        self.with(|book| {
            for part in [micros, event.number(), u64::from(who), what] {
                book.trace.add(part);
            }
        });
    }

    pub(super) fn violate(&self, violation: Violation) {
        self.with(|book| book.violations.push(violation));
    }

    /// The number of a new life of a writer.
    pub(super) fn new_life(&self) -> u32 {
        self.with(|book| {
            book.lives += 1;
            book.lives
        })
    }

    /// A block was handed over.
    pub(super) fn tried(&self, id: u32, block: Block, expected: Option<u64>) {
        self.with(|book| {
            book.ledger.tried(block);
            let call = book
                .history
                .append(id, Log::id(block), u64::from(block.len), expected);
            book.waiting.insert(block, call);
        });
    }

    /// What became of a block.
    pub(super) fn told(&self, block: Block, outcome: Outcome) {
        let (fate, event) = match outcome {
            Outcome::Stored { .. } => (Fate::Durable, Event::Durable),
            Outcome::Unknown => (Fate::Unknown, Event::Failed),
            Outcome::Conflict | Outcome::NotStored => (Fate::NotStored, Event::Refused),
        };
        self.note(event, block.writer, u64::from(block.number));
        self.with(|book| {
            book.ledger.told(block, fate);
            if let Some(call) = book.waiting.remove(&block) {
                book.history.finish(call, outcome);
            }
        });
    }

    pub(super) fn finish(&self, part: u32) {
        self.note(Event::Stage, part, 0);
        self.with(|book| book.finished.insert(part));
    }

    pub(super) fn has_finished(&self, part: u32) -> bool {
        self.with(|book| book.finished.contains(&part))
    }
}

impl Event {
    fn number(self) -> u64 {
        match self {
            Self::Accepted => 1,
            Self::Durable => 2,
            Self::Refused => 3,
            Self::Failed => 4,
            Self::Read => 5,
            Self::Ended => 6,
            Self::Answered => 7,
            Self::Unanswered => 8,
            Self::Fault => 9,
            Self::Stage => 10,
        }
    }
}
