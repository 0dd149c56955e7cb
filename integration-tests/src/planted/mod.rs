//! Whether the other campaigns find bugs that were put in on purpose.
//!
//! Each bug of [`planted::Bug`] has a site in the code, one `if` that does nothing unless the bug is on. One after
//! the other is switched on, and the campaigns that must find it are run, in growing batches, until they do. With
//! no bug on, the same campaigns must find nothing.
//!
//! The number of a run is the number of its bug, so `faults planted --replay 7` is about bug 7 alone; run 0 has
//! none. Without the feature `planted` there are no bugs, and the campaign says so and fails.

pub mod frames;
pub mod names;
pub mod rights;
pub mod secrets;

mod hunts;
mod window;

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use pravega_client_shared::planted::{self, Bug};

use self::hunts::Hunt;
use crate::campaign::{Plan, Report, Tally, Verdict, Violation, hunt};

/// Runs that every change must pass: one without a bug, and one for each bug.
pub const EACH_CHANGE: u64 = 32;

/// Only one bug is on in the whole process, so only one campaign may look for bugs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Looks for every planted bug, or for those that `plan` names by their numbers.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let mut report = Report::new("planted", plan);
    if !cfg!(feature = "planted") {
        let what = "there are no planted bugs without the feature `planted`";
        report.add_violation(plan.seed, Violation::broken(what));
        return report;
    }
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for number in (plan.seed..).take(usize::try_from(plan.runs).unwrap_or(usize::MAX)) {
        let mut tally = Tally::default();
        let verdict = match number {
            0 => find_nothing(plan, &mut report),
            _ => find(number, plan, &mut tally, &mut report),
        };
        report.add_run(number, &tally, verdict);
    }
    report
}

/// Switches the bug off again, also when a hunt panics.
struct On;

impl On {
    fn switch(bug: Bug) -> Self {
        planted::switch(Some(bug));
        Self
    }
}

impl Drop for On {
    fn drop(&mut self) {
        planted::switch(None);
    }
}

/// Every campaign that must find a bug finds it.
fn find(number: u64, plan: &Plan, tally: &mut Tally, report: &mut Report) -> Verdict<u64> {
    let mut hunts = hunts::all()
        .filter(|hunt| hunt.number() == number)
        .peekable();
    if hunts.peek().is_none() {
        return Err(Violation::broken(format!(
            "no campaign looks for bug {number}"
        )));
    }
    let mut seeds = 0_u64;
    for hunt in hunts {
        seeds = seeds
            .wrapping_mul(31)
            .wrapping_add(find_by(hunt, plan, tally, report)?);
    }
    Ok(seeds)
}

fn find_by(quarry: &Hunt, plan: &Plan, tally: &mut Tally, report: &mut Report) -> Verdict<u64> {
    let Hunt {
        name,
        campaign,
        most,
        ..
    } = *quarry;
    let number = quarry.number();
    let _on = On::switch(quarry.bug);
    let hunted = hunt(
        quarry.run,
        &Plan {
            seed: 0,
            runs: most,
            ..*plan
        },
    );
    let Some(violation) = hunted.found else {
        return Err(Violation::broken(format!(
            "bug {number} {name}: not found by {campaign} in {most} seeds"
        )));
    };
    tally.count("planted bug found", campaign);
    let what: String = violation.to_string().chars().take(MOST_CHARS).collect();
    let seeds = hunted.seeds;
    report.note(format!(
        "bug {number} {name}: found by {campaign} after {seeds} seeds: {what}"
    ));
    Ok(seeds)
}

/// With no bug on, the campaigns find nothing in a few seeds.
fn find_nothing(plan: &Plan, report: &mut Report) -> Verdict<u64> {
    let mut made: Vec<&str> = Vec::new();
    for hunt in hunts::all() {
        if made.contains(&hunt.campaign) {
            continue;
        }
        made.push(hunt.campaign);
        let few = Plan {
            seed: 0,
            runs: hunt.most.min(hunt.clean),
            ..*plan
        };
        if let Some((seed, violation)) = (hunt.run)(&few).first_failure() {
            let what = format!("{}, seed {seed}, no bug on: {violation}", hunt.campaign);
            return Err(Violation::broken(what));
        }
    }
    report.note(format!("no bug on: {} campaigns find nothing", made.len()));
    Ok(0)
}

/// More of a violation than this makes no line.
const MOST_CHARS: usize = 160;

/// The moment at which everything happens where time plays no part.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be made in no other way"
)]
fn moment() -> Instant {
    Instant::now()
}
