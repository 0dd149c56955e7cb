//! The whole client and the embedded server in one process, on a simulated network and in simulated time.
//!
//! ```text
//!   client-0 … client-2              controller              store-a, store-b
//!   writers, readers, questions      addresses, tokens       gate ─► embedded segment store
//!   byte-stream                      embedded controller              │
//!   pool, controller client               │                          │
//!        └───────── turmoil: links that lose, hold and delay ────────┘
//! ```
//!
//! What runs is what users run: the drivers, the pool, the controller client, the server's services. Of the
//! world only sockets, time and random numbers are other ones. The cluster's content outlives its hosts, as if
//! every append were durable at once; what a crash does to a disk is another campaign's matter.
//!
//! A run draws clients, time-outs, links and about five faults from its seed. When the last fault has ended,
//! every call must end within its documented deadline, every writer must get through, and all clients must
//! leave without a connection or a task left. Then content, readers and history are judged.

mod ask;
mod audit;
mod board;
mod client;
mod cluster;
mod controller;
mod expected;
mod gate;
pub mod hours;
mod judge;
mod panics;
mod plan;
mod read;
mod record;
mod script;
mod store;
mod tokens;
mod truth;
mod wires;
mod world;
mod write;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::plan::{Focus, Plan as Course};
use crate::campaign::{Plan, Report, Tally, Verdict, over_seeds};

/// Runs that every change must pass.
pub const EACH_CHANGE: u64 = 2_000;

/// Makes the runs of a plan.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("network", plan, run_seed).expecting(expected::ENOUGH_RUNS, &expected::pairs())
}

/// The run of one seed.
///
/// # Errors
/// What the run found.
pub fn run_seed(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    world::run(Course::of_seed(seed, Focus::Everything), tally)
}

/// Runs with peers that fall silent: finds what keeps a dead connection for ever.
#[must_use]
pub fn hunt_silence(plan: &Plan) -> Report {
    hunt(plan, Focus::Silence)
}

/// Runs with replies that drip: finds what waits for the end of a frame for ever.
#[must_use]
pub fn hunt_drips(plan: &Plan) -> Report {
    hunt(plan, Focus::Drips)
}

/// Runs with tokens that end soon: finds what takes the end of a token for more than that.
#[must_use]
pub fn hunt_expiry(plan: &Plan) -> Report {
    hunt(plan, Focus::Expiry)
}

/// Runs with replies that come when their calls are given up: finds what takes one reply for another.
#[must_use]
pub fn hunt_late_replies(plan: &Plan) -> Report {
    hunt(plan, Focus::LateReplies)
}

fn hunt(plan: &Plan, focus: Focus) -> Report {
    let run = |seed, tally: &mut Tally| world::run(Course::of_seed(seed, focus), tally);
    over_seeds("network", plan, run)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
