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

/// Writers at a store that fences, as the embedded server does: whatever takes a refusal for more than it says.
#[must_use]
pub fn hunt_fenced(plan: &Plan) -> Report {
    over_seeds("fenced", plan, |seed, tally| {
        run_of(seed, tally, Scene::fenced)
    })
}

/// Clients of a store that loses what it acknowledged: whatever does not notice, or makes it worse.
#[must_use]
pub fn hunt_data_loss(plan: &Plan) -> Report {
    over_seeds("data loss", plan, |seed, tally| {
        run_of(seed, tally, Scene::losing)
    })
}

/// One writer, and a fault at every third step: whatever wears out.
#[must_use]
pub fn hunt_relentless(plan: &Plan) -> Report {
    over_seeds("relentless", plan, |seed, tally| {
        run_of(seed, tally, Scene::relentless)
    })
}

/// Readers of a long segment, some of them lied to: whatever takes the wrong reply.
#[must_use]
pub fn hunt_reading(plan: &Plan) -> Report {
    over_seeds("reading", plan, |seed, tally| {
        run_of(seed, tally, Scene::reading)
    })
}
