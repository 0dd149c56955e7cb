//! To be filled.

use crate::campaign::{Plan, Report};

/// Runs that every change must pass.
pub const EACH_CHANGE: u64 = 1;

/// To be filled.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    Report::new("cluster", plan)
}
