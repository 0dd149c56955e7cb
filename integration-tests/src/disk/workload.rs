//! A few rounds of requests to a store, the same ones for a seed, and the model beside it.

use std::sync::{Arc, Mutex, PoisonError};

use pravega_standalone::storage::{Requests, SteppedStore, Writer};

use super::{
    request::{Asked, Went, append, set_up},
    state::{ModelAppend, NO_NUMBER, StoreState},
};
use crate::{
    campaign::{Verdict, Violation},
    random::Random,
};

/// The names of segments; the last two differ in a way that only a path would mind.
pub(super) const SEGMENTS: [&str; 3] = ["s/a/0.#epoch.0", "s/b/0.#epoch.0", "s/b/../0.#epoch.0"];

/// The ids of writers.
pub(super) const WRITERS: [u128; 3] = [7, 8, 1 << 90];

/// The ids of other numbers.
pub(super) const OTHERS: [u128; 2] = [1 << 64, 5];

/// The keys of the catalog.
const KEYS: [&[u8]; 4] = [b"ss", b"ts/a", b"ns/a", b"ts/b"];

/// A writer that was set up by the workload.
#[derive(Debug)]
struct Pen {
    segment: &'static str,
    id: u128,
    writer: Writer,
    /// Somebody else has set the writer up.
    is_fenced: bool,
}

/// Makes requests and keeps account.
#[derive(Debug)]
pub(super) struct Workload {
    random: Random,
    pens: Vec<Pen>,
    connection: u64,
    number: i64,
    round: u64,
    /// What everybody may see.
    pub(super) model: StoreState,
    /// An append that was done, to be sent again.
    done: Option<ModelAppend>,
    /// How large blocks may be.
    largest: usize,
}

/// What a round was.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The state with everything that was asked for.
    pub(super) whole: StoreState,
    /// Something failed on the way, so that the whole round may have been done.
    pub(super) is_open: bool,
    /// Requests that were refused for want of a disk.
    pub(super) refused: usize,
    /// Requests in all.
    pub(super) requests: usize,
}

impl Workload {
    /// The workload of a seed on a store in this state.
    pub(super) fn new(random: Random, model: StoreState, largest: usize) -> Self {
        Self {
            random,
            pens: Vec::new(),
            connection: 0,
            number: 100,
            round: 0,
            model,
            done: None,
            largest,
        }
    }

    /// Makes the requests of a round.
    pub(super) fn ask(&mut self, requests: &Requests) -> Vec<Asked> {
        self.round += 1;
        let mut asked = Vec::new();
        let mut touched = Vec::new();
        for name in SEGMENTS {
            if !self.model.segments.contains_key(name) && self.random.below(3) > 0 {
                asked.push(Asked::Create(name, requests.create(name)));
                touched.push(name);
            }
        }
        for _ in 0..1 + self.random.below(4) {
            self.ask_one(requests, &mut asked, &mut touched);
        }
        // Whoever was set up again meanwhile cannot write any more, also what is queued.
        for pen in self.pens.iter().filter(|pen| pen.is_fenced) {
            for request in &mut asked {
                if let Asked::Append {
                    append, is_fenced, ..
                } = request
                    && append.after == pen.writer.last_number()
                {
                    *is_fenced |= false;
                }
            }
        }
        asked
    }
}
