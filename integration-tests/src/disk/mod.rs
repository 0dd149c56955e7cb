//! The embedded server on a simulated disk.

mod crash;
mod faults;
mod folder;
mod image;
mod look;
mod request;
mod state;
mod workload;

use crate::campaign::{Plan, Report, over_seeds};

/// Runs that every change must pass.
pub const EACH_CHANGE: u64 = 50_000;

/// To be filled.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("disk", plan, crash::run)
}
