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
    over_seeds("network", plan, run_seed).expecting(EACH_CHANGE, EXPECTED)
}

/// Every fault must meet an append that is on its way, and a reader that waits; most of them also a call.
const EXPECTED: &[(&str, &str)] = &[
    ("accepts and closes", "append in flight"),
    ("accepts and closes", "read waiting"),
    ("accepts and is silent", "append in flight"),
    ("accepts and is silent", "read waiting"),
    ("another protocol", "append in flight"),
    ("another protocol", "read waiting"),
    ("client crash", "append in flight"),
    ("client crash", "read waiting"),
    ("controller crash", "append in flight"),
    ("controller crash", "read waiting"),
    ("controller power loss", "append in flight"),
    ("controller power loss", "read waiting"),
    ("hold", "append in flight"),
    ("hold", "call in flight"),
    ("hold", "read waiting"),
    ("latency", "append in flight"),
    ("latency", "read waiting"),
    ("no names", "append in flight"),
    ("no names", "read waiting"),
    ("partition", "append in flight"),
    ("partition", "call in flight"),
    ("partition", "read waiting"),
    ("replies cut", "append in flight"),
    ("replies cut", "call in flight"),
    ("replies cut", "read waiting"),
    ("replies drip", "append in flight"),
    ("replies drip", "read waiting"),
    ("replies lost", "append in flight"),
    ("replies lost", "call in flight"),
    ("replies lost", "read waiting"),
    ("replies stall", "append in flight"),
    ("replies stall", "call in flight"),
    ("replies stall", "read waiting"),
    ("requests cut", "append in flight"),
    ("requests cut", "call in flight"),
    ("requests cut", "read waiting"),
    ("requests lost", "append in flight"),
    ("requests lost", "call in flight"),
    ("requests lost", "read waiting"),
    ("segment moved", "append in flight"),
    ("segment moved", "call in flight"),
    ("segment moved", "read waiting"),
    ("slow requests", "append in flight"),
    ("slow requests", "read waiting"),
    ("store crash", "append in flight"),
    ("store crash", "call in flight"),
    ("store crash", "read waiting"),
    ("store power loss", "append in flight"),
    ("store power loss", "read waiting"),
    ("token expired", "append"),
    ("token expired", "read"),
    ("token expired", "setup"),
    ("token expired", "call"),
    ("truncated", "append in flight"),
    ("truncated", "read waiting"),
    ("wrong host", "append in flight"),
    ("wrong host", "call in flight"),
    ("wrong host", "read waiting"),
];

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

/// Runs with connections that end, and calls that are given up: finds what takes one reply for another, or
/// forgets who it was.
#[must_use]
pub fn hunt_cuts(plan: &Plan) -> Report {
    hunt(plan, Focus::Cuts)
}

fn hunt(plan: &Plan, focus: Focus) -> Report {
    let run = |seed, tally: &mut Tally| world::run(Course::of_seed(seed, focus), tally);
    over_seeds("network", plan, run)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
