//! The embedded server's store on a simulated disk: the power goes at every step, and everything that a disk
//! can do wrong.
//!
//! The store is the server's own, without its network and its thread
//! ([`SteppedStore`](pravega_standalone::storage::SteppedStore)), so that a run is the same each time and takes
//! half a millisecond. Beside it a model decides the same requests: appends of several writers to several
//! segments in groups, with and without an offset, copies of old ones, setups that fence, truncations, seals,
//! deletions, segments made again under the same name, numbers under ids, and the controller's catalog.
//!
//! | part | runs | a run |
//! | --- | --- | --- |
//! | power | as many as asked for | 100 runs have the same workload and lose power at one step each, the last ones in the recovery, and in the recovery from that |
//! | deep | one in 5,000 | all steps of the recovery from one loss of power, and all steps of the recoveries from those |
//! | errors | one in 20 | one of 13 kinds of error |
//!
//! # The disk
//!
//! Writes become durable with the sync of their file, names with the sync of the folder. A loss of power keeps
//! any of the 512-byte sectors that were not synced, and any of the changes of names; the sector that was
//! written last may hold garbage. A sync that fails makes some of what was written durable, and none of the
//! rest ever: the system takes it for written, and later syncs succeed.
//!
//! # What must hold
//!
//! After every loss of power the store opens, and says exactly what it said when it last answered, or that and
//! the whole of the group that was being committed: heads, tails, seals, all bytes, all numbers, the catalog.
//! What somebody could see before the power went is there. A recovery that was cut short is done again, with
//! the same result.
//!
//! # Bugs that it finds
//!
//! | bug | hunt | first seed that finds it |
//! | --- | --- | --- |
//! | 1 offset before number | [`hunt_power`] | 4 |
//! | 4 ack before sync | [`hunt_power`] | 2 |
//! | 5 number in another record | [`hunt_power`] | 17 |
//! | 11 tail shown before sync | [`hunt_power`] | 78 |
//! | 12 second sync after a failed one | [`hunt_failing_sync`] | 14 |
//! | 13 no directory sync | [`hunt_making`] | 19 |
//! | 14 no record checksum | [`hunt_flipped_block`] | 0 |
//! | 15 cut in mid-log | [`hunt_flipped_at_rest`] | 38 |
//! | 27 writer number forgotten | [`hunt_power`] | 34 |
//!
//! The store has no log of its own to be cut in the middle. Bug 15 is what comes nearest: damage that is found
//! when a directory is opened is passed over, and bytes that are missing are taken for an end.

mod crash;
mod errors;
mod faults;
mod folder;
mod image;
mod look;
mod place;
mod request;
mod start;
mod state;
mod workload;

use crate::campaign::{Plan, Report, over_seeds};

/// Runs that every change must pass.
pub const EACH_CHANGE: u64 = 50_000;

/// From this seed on a run is one of the errors, for `--replay`.
pub const FIRST_ERROR: u64 = 1_000_000_000_000;

/// From this seed on a run is one of the deep ones.
pub const FIRST_DEEP: u64 = 2_000_000_000_000;

/// Runs of losses of power beside which one is of the errors.
const POWER_PER_ERROR: u64 = 20;

/// Runs of losses of power beside which one is a deep one.
const POWER_PER_DEEP: u64 = 5000;

/// Each of these faults must have met its state, from so many runs on.
const EXPECTED_FROM: u64 = 20_000;

const POWER_PAIRS: [(&str, &str); 8] = [
    ("power lost", "opening"),
    ("power lost", "in a group"),
    ("power lost", "removing garbage"),
    ("power lost", "closing"),
    ("power lost", "closed"),
    ("power lost again", "in recovery"),
    ("power lost again", "after recovery"),
    ("killed", "after recovery"),
];

/// Runs the campaign.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    crash::forget();
    if plan.seed >= FIRST_DEEP {
        return over_seeds("disk", plan, |seed, tally| {
            crash::run_deep(seed - FIRST_DEEP, tally)
        });
    }
    if plan.seed >= FIRST_ERROR {
        return errors(plan);
    }
    let mut report = over_seeds("disk", plan, crash::run);
    let part = |first, one_in| Plan {
        runs: plan.runs / one_in,
        ..plan.from_seed(first + plan.seed / one_in)
    };
    report.merge(errors(&part(FIRST_ERROR, POWER_PER_ERROR)));
    let deep = part(FIRST_DEEP, POWER_PER_DEEP);
    report.merge(over_seeds("disk", &deep, |seed, tally| {
        crash::run_deep(seed - FIRST_DEEP, tally)
    }));
    let pairs: Vec<_> = POWER_PAIRS.into_iter().chain(errors::PAIRS).collect();
    report.expecting(EXPECTED_FROM, &pairs)
}

fn errors(plan: &Plan) -> Report {
    over_seeds("disk", plan, |seed, tally| {
        errors::run(seed - FIRST_ERROR, tally)
    })
}

/// Loses power: for bugs of the order of writes, syncs and answers.
#[must_use]
pub fn hunt_power(plan: &Plan) -> Report {
    crash::forget();
    // Each run with a workload of its own.
    let run = |seed: u64, tally: &mut _| {
        let point = seed % crash::POINTS;
        crash::run(seed.wrapping_mul(crash::POINTS).wrapping_add(point), tally)
    };
    over_seeds("disk", plan, run)
}

/// Loses power while a store is made in an empty folder.
#[must_use]
pub fn hunt_making(plan: &Plan) -> Report {
    crash::forget();
    over_seeds("disk", plan, crash::run_making)
}

/// Fails syncs.
#[must_use]
pub fn hunt_failing_sync(plan: &Plan) -> Report {
    crash::forget();
    over_seeds("disk", plan, errors::run_failing_sync)
}

/// Flips bits of stored blocks under a running server, which then reads them.
#[must_use]
pub fn hunt_flipped_block(plan: &Plan) -> Report {
    crash::forget();
    over_seeds("disk", plan, errors::run_flipped_block)
}

/// Flips bits while no server runs.
#[must_use]
pub fn hunt_flipped_at_rest(plan: &Plan) -> Report {
    crash::forget();
    over_seeds("disk", plan, errors::run_flipped_at_rest)
}
