//! One pass over all cases.

use std::{panic, sync::Arc, thread};

use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use super::{
    cases::Case,
    knife::{Cut, Knife, Moment},
    scene::{Scene, Trial, failed},
};
use crate::{
    Random, Trace,
    campaign::{Tally, Verdict, Violation},
    relay::Relay,
};

/// No future needs so many polls.
const MAX_POLLS: u32 = 2_000;

/// No run takes that long, unless a call never ends.
const LONGEST_TRIAL: std::time::Duration = std::time::Duration::from_secs(90);

/// Makes a pass, on so many threads. Gives the hash of what the seed has chosen.
pub(super) fn make(cases: &[Case], seed: u64, lanes: usize, tally: &mut Tally) -> Verdict<u64> {
    let lanes = lanes.clamp(1, cases.len().max(1));
    let lane = |number: usize| {
        let (mut tally, mut trace, mut found) = (Tally::default(), 0_u64, Vec::new());
        for case in cases.iter().skip(number).step_by(lanes) {
            match play(case, seed, &mut tally) {
                Ok(chosen) => trace = trace.wrapping_add(chosen),
                Err(violation) => found.push(violation),
            }
        }
        (tally, trace, found)
    };
    let played: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..lanes)
            .map(|number| scope.spawn(move || lane(number)))
            .collect();
        let first = lane(0);
        let others = others.into_iter().map(thread::ScopedJoinHandle::join);
        let others = others.map(|ended| ended.unwrap_or_else(|it| panic::resume_unwind(it)));
        std::iter::once(first).chain(others).collect()
    });
    let (mut trace, mut all) = (0_u64, Vec::new());
    for (part, chosen, found) in played {
        tally.merge(&part);
        trace = trace.wrapping_add(chosen);
        all.extend(found);
    }
    all_in_one(all).map_or(Ok(trace), Err)
}

/// What several cases have found: the first, and the words of the others.
fn all_in_one(found: Vec<Violation>) -> Option<Violation> {
    found.into_iter().reduce(|first, next| Violation {
        what: format!("{}; {next}", first.what),
        ..first
    })
}

/// All runs of one case.
fn play(case: &Case, seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let mut trace = Trace::new();
    trace.add_bytes(case.operation.as_bytes());
    trace.add_bytes(case.state.as_bytes());
    trace.add(seed);
    let mut random = Random::new(trace.value());
    for connections in [Cut::Never, Cut::Before, Cut::WithTheDrop] {
        if connections != Cut::Never && !case.is_relayed {
            break;
        }
        // The first time nothing can happen between two lines of the same task.
        let has_threads = connections != Cut::Never && random.one_in(2);
        let runtime = runtime(has_threads).map_err(failed("a runtime"))?;
        let seed = random.next();
        let ended = runtime.block_on(play_all(case, connections, seed, tally));
        runtime.shutdown_background();
        ended?;
        trace.add(seed);
    }
    Ok(trace.value())
}

/// Tasks on one thread or on several.
fn runtime(has_threads: bool) -> std::io::Result<Runtime> {
    let mut builder = match has_threads {
        true => Builder::new_multi_thread(),
        false => Builder::new_current_thread(),
    };
    builder.worker_threads(2).enable_all().build()
}

async fn play_all(case: &Case, connections: Cut, seed: u64, tally: &mut Tally) -> Verdict {
    let relay = Arc::new(Relay::start().await);
    let mut scene = Arc::new(Scene::set(Arc::clone(&relay)).await?);
    for polls in 0..MAX_POLLS {
        let mut random = Random::new(seed.wrapping_add(u64::from(polls)));
        let mut knife = Knife::new(case.operation, Arc::clone(&relay), polls);
        knife.connections = connections;
        knife.may_park = case.may_park;
        // The first drop is the plain one in every pass.
        if (connections, polls) != (Cut::Never, 1) && random.one_in(2) {
            knife.moment = Moment::Woken;
        }
        let mut trial = Trial::new(Arc::clone(&scene), knife, random);
        let ended = timeout(LONGEST_TRIAL, (case.act)(&mut trial)).await;
        trial.release();
        tally.merge(&trial.knife.tally);
        let ended = ended.unwrap_or_else(|_| Err(Violation::broken("a call has no end")));
        ended.map_err(|found| at(case, &trial.knife, found))?;
        trial.factory.shutdown().await;
        if trial.knife.is_blunt() {
            return Ok(());
        }
        if case.spoils_the_segment {
            scene = Arc::new(Scene::set(Arc::clone(&relay)).await?);
        }
    }
    let found = format!("{}: it is polled without end", case.operation);
    Err(Violation::broken(found))
}

/// Where something was found.
fn at(case: &Case, knife: &Knife, mut found: Violation) -> Violation {
    let (polls, moment, cut) = (knife.polls, knife.moment, knife.connections);
    let place = format!("{}, {}", case.operation, case.state);
    found.what = format!(
        "{place}, {polls} polls, {moment:?}, cut {cut:?}: {}",
        found.what
    );
    found
}
