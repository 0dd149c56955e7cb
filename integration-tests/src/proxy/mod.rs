//! Faults at frames, on real sockets.
//!
//! A relay that understands frames stands between the client and an embedded server, or the Pravega that
//! `PRAVEGA_CONTROLLER_URI` names. Each run plays one script: a writer in one of the two modes makes 20 to 100
//! appends, a reader follows at the tail, another one reads in sequence, and meanwhile the script's faults
//! happen at frames that the seed chooses. In the end the content is read through a connection without faults
//! and compared with what the writer was told and what the readers have read.

mod play;
mod reading;
mod scripts;
mod stage;
mod writing;

use tokio::runtime;

use self::{play::play, scripts::Script};
use crate::{
    Backend,
    campaign::{Plan, Report, Tally, Verdict, Violation, over_seeds},
};

/// Runs that every change must pass.
pub const EACH_CHANGE: u64 = 300;

/// Makes the runs of a plan.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let scripts: Vec<&'static Script> = scripts::all().collect();
    over_seeds("proxy", plan, |seed, tally| {
        one(script_of(&scripts, seed)?, seed, tally)
    })
}

fn script_of(scripts: &[&'static Script], seed: u64) -> Verdict<&'static Script> {
    let number = seed.checked_rem(u64::try_from(scripts.len()).unwrap_or_default());
    let number = number.and_then(|number| usize::try_from(number).ok());
    let script = number.and_then(|number| scripts.get(number));
    script
        .copied()
        .ok_or_else(|| Violation::broken("there is no script"))
}

fn one(script: &'static Script, seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Violation::broken(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let backend = Backend::start().await;
        play(script, backend, seed, tally).await
    })
}
