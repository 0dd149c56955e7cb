//! Every public future dropped at every await, and the operation repeated.
//!
//! A *case* is one operation in one state of the world: a flush while acks are held back, a read at the tail, a
//! resync after a conflict. A case is run with a knife that drops the future before its first poll, then again
//! from the start with one that drops it after the first poll, after the second, and so on until the future is
//! faster than the knife or waits for what does not come. Each of these is made three times: with connections
//! that last, that were cut just before the call, and that are cut in the moment of the drop. What is done after
//! the drop, and whether the future is dropped at once or only when it has been woken, comes from the seed.
//!
//! After each run, [evidence](crate::evidence) shows whether anything was lost, doubled, reordered or reported
//! falsely, and the case itself checks what the operation promises about being dropped.
//!
//! Which futures there are, [`public_futures`] tells; a test compares that with the sources of the client, so
//! that none is left out.
//!
//! | planted bug | found by | runs needed |
//! | --- | --- | --- |
//! | `ErrorLostWithCancelledFlush` | [`hunt_cancelled_flush`] | not measured yet |

mod cases;
mod knife;
mod pass;
mod pen;
mod scene;
mod waits;

use std::collections::BTreeSet;

use self::cases::Case;
use crate::campaign::{Plan, Report, over_seeds};

/// Runs that every change must pass. One run is a pass over all cases.
pub const EACH_CHANGE: u64 = 1;

/// Drops every public future at every await; on the Pravega of `PRAVEGA_CONTROLLER_URI`, if it is set.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    passes(plan, &cases::all())
}

/// Only the cases in which a writer fails while nobody listens, for a bug that hides such a failure.
#[must_use]
pub fn hunt_cancelled_flush(plan: &Plan) -> Report {
    passes(plan, &cases::with_a_failure())
}

fn passes(plan: &Plan, cases: &[Case]) -> Report {
    // One pass makes use of all cores, several are made side by side.
    let lanes = if plan.runs == 1 { plan.threads } else { 1 };
    let mut report = over_seeds("cancel", plan, |seed, tally| {
        pass::make(cases, seed, lanes, tally)
    });
    report.note(format!("{} cases in a pass", cases.len()));
    let operations = cases
        .iter()
        .map(|case| ("dropped while pending", case.operation));
    let waiting: Vec<_> = operations
        .filter(|(_, operation)| waits(operation))
        .collect();
    report.expecting(1, &waiting)
}

/// The public futures that are dropped: `Type::method`, or `Type as Trait::method`.
#[must_use]
pub fn public_futures() -> BTreeSet<&'static str> {
    cases::all().iter().map(|case| case.operation).collect()
}

/// Whether an operation ever waits.
fn waits(operation: &str) -> bool {
    operation != "ClientFactory::create_byte_reader"
}
