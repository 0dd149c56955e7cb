//! Every run there is of a small world.
//!
//! Two writers with the real [`AppendSession`](pravega_segment_session::AppendSession), two blocks each, at a
//! store that does what the real one does. Whatever can happen next is tried in every state: a block is handed
//! over, a request arrives, is done, is made safe, an answer arrives, a connection is cut while requests on it
//! still arrive later or not at all, the store crashes and keeps any first part of what was not safe, a writer
//! goes on behind a conflict. States met again, by a fingerprint of 128 bits, are not entered again, so the
//! search comes to its end, and what it has not found is not there.
//!
//! | property | where it is checked |
//! | --- | --- |
//! | every block once, in order, whole, without a hole, where it was expected | in every state |
//! | acknowledged blocks are safe, blocks that failed for certain are not there | in every state |
//! | a conflict is told only when the segment has ended elsewhere during the call | in every state |
//! | answers of an earlier connection change nothing, whenever they come | in every state |
//! | every call ends | wherever nothing goes on by itself |
//! | the history is linearizable | at every end, on one way to it |
//!
//! That the search ends shows one thing more: no writer can be made to reconnect for ever.

mod automaton;
mod checks;
mod expected;
mod explore;
mod fingerprint;
mod frames;
mod scenario;
mod store;
mod story;
mod world;

use std::sync::{Mutex, PoisonError};

use self::{explore::Explorer, scenario::Scenario};
use crate::campaign::{Plan, Report, Violation, over_seeds};

/// The size that every change must pass: one reset and one crash. From 2 on, two resets and one crash.
pub const EACH_CHANGE: u64 = 1;

/// Makes every run of every small world: with one reset and one crash for a plan of one run, else with two resets
/// and one crash.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let resets = if plan.runs > 1 { 2 } else { 1 };
    every_run(plan, scenario::all(resets, 1)).expecting(1, expected::PAIRS)
}

/// Makes every run with one reset and no crash: a matter of a second, which most bugs do not survive.
#[must_use]
pub fn run_smallest(plan: &Plan) -> Report {
    every_run(plan, scenario::all(1, 0))
}

fn every_run(plan: &Plan, scenarios: [Scenario; 5]) -> Report {
    let worlds = u64::try_from(scenarios.len()).unwrap_or_default();
    let worlds = Plan {
        seed: 0,
        runs: worlds,
        ..*plan
    };
    let sizes = Mutex::new(Vec::new());
    let mut report = over_seeds("model", &worlds, |seed, tally| {
        let at = usize::try_from(seed).unwrap_or(usize::MAX);
        let scenario = scenarios.get(at);
        let scenario = scenario.ok_or_else(|| Violation::broken("there is no such world"))?;
        let size = Explorer::new(scenario)?.run(tally)?;
        let mut sizes = sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.push((seed, scenario.name, size));
        Ok(size.states ^ size.transitions.rotate_left(32))
    });
    let mut sizes = sizes.into_inner().unwrap_or_else(PoisonError::into_inner);
    sizes.sort_unstable_by_key(|(seed, ..)| *seed);
    for (_, name, size) in sizes {
        report.note(format!(
            "{name}: {} states, {} transitions, {} ends, at most {} steps, {} states of sessions",
            size.states, size.transitions, size.ends, size.depth, size.sessions
        ));
    }
    report
}
