//! Runs of one kind of scene: for bugs that hide from most of the others.

use super::{run_of, scene::Scene};
use crate::campaign::{Plan, Report, over_seeds};

/// Exclusive writers in one another's way, with blocks of one length: whatever lets a block be stored behind one
/// that was refused.
#[must_use]
pub fn hunt_conflicts(plan: &Plan) -> Report {
    over_seeds("conflicts", plan, |seed, tally| {
        run_of(seed, tally, Scene::competing)
    })
}

/// A writer whose block belongs above the tail and is on its way on two connections, at a store that neither
/// fences nor keeps to the tail it tells: whatever believes a tail that was seen after a failure.
#[must_use]
pub fn hunt_above_tail(plan: &Plan) -> Report {
    over_seeds("above the tail", plan, |seed, tally| {
        run_of(seed, tally, Scene::above_tail)
    })
}

/// Writers of one mode, without readers: whatever goes wrong in sending again.
#[must_use]
pub fn hunt_writing(plan: &Plan) -> Report {
    over_seeds("writing", plan, |seed, tally| {
        run_of(seed, tally, Scene::writing)
    })
}

/// Readers of a long segment, some of them lied to: whatever takes the wrong reply.
#[must_use]
pub fn hunt_reading(plan: &Plan) -> Report {
    over_seeds("reading", plan, |seed, tally| {
        run_of(seed, tally, Scene::reading)
    })
}
