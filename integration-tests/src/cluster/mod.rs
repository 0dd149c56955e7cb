//! A real Pravega cluster that loses the segment store which owns the segments, again and again.
//!
//! One process holds two writers, one in each mode and each on a stream of its own, a reader that always has
//! more to read, and a reader that waits at the tail. The streams have names which Pravega puts into one
//! container, so that they move together. A run kills the store that owns them with `kill -9`, waits until all
//! four have gone on, starts the store again, and waits until containers have stopped moving. The four are never
//! helped: what they do is what an application would see that does not know of any store.
//!
//! ```text
//!   killed                          somebody else answers              a client goes on
//!     ├────────── the cluster's part ──────────┼────────── our part ──────────┤
//! ```
//!
//! The moment in the middle is found by a probe that shares no code with the client but the codec: ten
//! times a second it asks the controller anew, connects anew and sets up an append.
//!
//! Run it as
//!
//! ```text
//! integration-tests/real-pravega/real-cluster.sh run -- cargo faults cluster --runs 10
//! ```

mod clients;
mod content;
mod control;
mod delays;
mod probe;
mod pulse;
mod watch;

use std::time::Duration;

use tokio::time::Instant;

use tokio::runtime;

use self::{
    clients::Four,
    control::Control,
    delays::{Delays, Interruption},
    probe::Probe,
    watch::within,
};
use crate::campaign::{Plan, Report, Tally, Verdict, Violation};

/// Runs that every change must pass: each takes the better part of a minute.
pub const EACH_CHANGE: u64 = 1;

/// A cluster that has not served a segment again after this time has a trouble of its own.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(240);
/// A client that has not gone on this long after its segment was served again never will.
const CLIENT_PATIENCE: Duration = Duration::from_secs(60);
/// Containers that have not moved for so long will not do so until a store comes or goes. The controller looks
/// every two seconds; a move takes a few seconds more.
const CALM: Duration = Duration::from_secs(12);

/// Kills the owning store as often as the plan has runs. Needs a cluster of `real-cluster.sh`.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let mut report = Report::new("cluster", plan);
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    let verdict = runtime
        .map_err(|error| Violation::broken(format!("no runtime: {error}")))
        .and_then(|runtime| runtime.block_on(carry_out(plan, &mut report)));
    if let Err(violation) = verdict {
        report.add_violation(plan.seed, violation);
    }
    report
}

async fn carry_out(plan: &Plan, report: &mut Report) -> Verdict {
    let control = Control::from_environment()?;
    let probe = Probe::start(control.controller()?, content::segments()?);
    let four = Four::start(control.uri()).await?;
    within(CLUSTER_PATIENCE, "the cluster calms down", probe.calm(CALM)).await?;
    let mut delays = Delays::default();
    for run in 0..plan.runs {
        let mut tally = Tally::default();
        let losing = lose_the_owner(&control, &probe, &four, &mut tally, &mut delays);
        let verdict = watch::unless(four.failure(), losing).await;
        let is_over = verdict.is_err();
        report.add_run(plan.seed.wrapping_add(run), &tally, verdict.map(|()| 0));
        if is_over {
            break;
        }
    }
    for line in delays.table() {
        report.note(line);
    }
    if report.is_clean() {
        report.note(four.finish().await?);
    }
    Ok(())
}

/// One run.
async fn lose_the_owner(
    control: &Control,
    probe: &Probe,
    four: &Four,
    tally: &mut Tally,
    delays: &mut Delays,
) -> Verdict {
    let owner = probe.owner()?;
    four.note_states(tally);
    control.kill_store(&owner).await?;
    let killed = Instant::now();
    let waiting = probe.answered_elsewhere(&owner, killed);
    let answered = within(CLUSTER_PATIENCE, "another store answers", waiting).await?;
    let outage = Interruption {
        began: killed,
        ended: answered,
    };
    four.go_on_after(&outage, CLIENT_PATIENCE).await?;
    tally.count("segments moved", "owner killed");
    delays.lost_store(&owner, probe, &outage, four);

    control.start_store(&owner).await?;
    let started = Instant::now();
    within(CLUSTER_PATIENCE, "containers settle", probe.calm(CALM)).await?;
    for moved in probe.interruptions(started) {
        four.go_on_after(&moved, CLIENT_PATIENCE).await?;
        tally.count("segments moved", "store back");
        delays.moved_back(probe, &moved, four);
    }
    Ok(())
}
