//! Faults at frames, on real sockets.
//!
//! A relay that understands frames stands between the client and an embedded server, or the Pravega that
//! `PRAVEGA_CONTROLLER_URI` names. Each run plays one script: a writer in one of the two modes makes 20 to 100
//! appends, a reader follows at the tail, another one reads in sequence, and meanwhile the script's faults
//! happen at frames that the seed chooses. In the end the content is read through a connection without faults
//! and compared with what the writer was told and what the readers have read.

mod coverage;
mod histories;
mod hunts;
mod play;
mod reading;
mod recovery;
mod scripts;
mod stage;
mod writing;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::runtime;

pub use self::hunts::{
    hunt_condition_failure_taken_as_success, hunt_dirty_connection_reused,
    hunt_expiry_taken_as_fatal, hunt_new_id_on_reconnect, hunt_no_frame_deadline,
    hunt_old_replies_obeyed, hunt_read_reply_at_another_offset, hunt_resent_in_another_order,
    hunt_setup_acks_all,
};
use self::scripts::Script;
use crate::{
    Backend, Random,
    campaign::{Plan, Report, Tally, Verdict, Violation, over_seeds},
};

/// Runs that every change must pass, on each of the two servers.
pub const EACH_CHANGE: u64 = 300;

/// Histories checked in each run before an embedded server.
const HISTORIES: u64 = 7;

/// Before a real server, so many runs share one history: what it stores stays in its memory.
const RUNS_FOR_A_HISTORY: u64 = 6;

/// Runs at the same time, for each core.
const RUNS_PER_CORE: usize = 4;

/// Plans with fewer runs do not measure the recovery.
const LEAST_RUNS_TO_MEASURE: u64 = 50;

/// Makes the runs of a plan.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let is_real = Backend::is_real_wanted();
    let scripts: Vec<&'static Script> = scripts::all().collect();
    let histories = AtomicU64::new(0);
    let effective: Mutex<BTreeSet<&'static str>> = Mutex::default();
    let report = over_seeds("proxy", &side_by_side(plan), |seed, tally| {
        let script = script_of(&scripts, seed)?;
        let trace = one(script, seed, tally)?;
        if tally.total() > 0 {
            lock(&effective).insert(script.name);
        }
        let checked = check_histories(seed, histories_of(seed, is_real), tally)?;
        histories.fetch_add(histories_of(seed, is_real), Ordering::Relaxed);
        Ok(trace.wrapping_add(checked))
    });
    let mut report = coverage::demand(report, &scripts, &lock(&effective));
    let server = match is_real {
        true => "a real Pravega",
        false => "the embedded server",
    };
    let histories = histories.into_inner();
    report.note(format!(
        "on {server}: {} scripts, {histories} histories checked",
        scripts.len()
    ));
    if plan.runs >= LEAST_RUNS_TO_MEASURE {
        let measured = block_on(async { recovery::measure(Backend::start().await).await });
        match measured.and_then(|measured| measured) {
            Ok(line) => report.note(line),
            Err(violation) => report.add_violation(plan.seed, violation),
        }
    }
    report
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The names of the scripts.
pub fn scripts() -> impl Iterator<Item = &'static str> {
    scripts::all().map(|script| script.name)
}

/// Plays one script, seed after seed.
#[must_use]
pub fn run_script(name: &str, plan: &Plan) -> Report {
    let scripts: Vec<&'static Script> = scripts::all()
        .filter(|script| script.name == name)
        .collect();
    run_some(&scripts, plan)
}

/// Checks histories only, one for each seed.
#[must_use]
pub fn run_histories(plan: &Plan) -> Report {
    over_seeds("proxy", &side_by_side(plan), |seed, tally| {
        check_histories(seed, 1, tally)
    })
}

/// Most of a run is waiting.
fn side_by_side(plan: &Plan) -> Plan {
    plan.on_threads(plan.threads.saturating_mul(RUNS_PER_CORE))
}

/// Plays these scripts in turn.
fn run_some(scripts: &[&'static Script], plan: &Plan) -> Report {
    over_seeds("proxy", &side_by_side(plan), |seed, tally| {
        one(script_of(scripts, seed)?, seed, tally)
    })
}

fn script_of(scripts: &[&'static Script], seed: u64) -> Verdict<&'static Script> {
    let number = seed.checked_rem(u64::try_from(scripts.len()).unwrap_or_default());
    let number = number.and_then(|number| usize::try_from(number).ok());
    let script = number.and_then(|number| scripts.get(number));
    script
        .copied()
        .ok_or_else(|| Violation::broken("there is no such script"))
}

/// How many histories belong to the run of a seed.
fn histories_of(seed: u64, is_real: bool) -> u64 {
    match is_real {
        true => u64::from(seed.is_multiple_of(RUNS_FOR_A_HISTORY)),
        false => HISTORIES,
    }
}

/// Makes the run of a seed by a script.
fn one(script: &'static Script, seed: u64, tally: &mut Tally) -> Verdict<u64> {
    block_on(async { play::play(script, Backend::start().await, seed, tally).await })?
}

fn check_histories(seed: u64, count: u64, tally: &mut Tally) -> Verdict<u64> {
    let mut seeds = Random::new(seed);
    let mut trace = 0_u64;
    for _ in 0..count {
        let seed = seeds.next();
        let checking = async { histories::check(Backend::start().await, seed, tally).await };
        trace = trace.wrapping_add(block_on(checking)??);
    }
    Ok(trace)
}

/// A runtime for each run: whatever it leaves behind ends with it.
fn block_on<T>(run: impl Future<Output = T>) -> Verdict<T> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Violation::broken(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(run))
}
