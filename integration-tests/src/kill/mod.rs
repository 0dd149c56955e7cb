//! The embedded server as it is deployed, `pravega-bytes serve --data-dir`, killed with SIGKILL at random moments
//! and started again on the same ports and the same directory.
//!
//! Through all of it work, in another process: a writer in each mode, for each of them a reader parked at the
//! tail and one that reads everything again and again, somebody who truncates, and somebody who makes, seals and
//! deletes streams. None of them is told of the deaths. In the end every acknowledged block must be there once
//! and in order, every confirmed truncation, seal and deletion must have lasted, and all of them must have gone
//! on by themselves.
//!
//! Every fifth run is one in which the *system* says no: a file may not grow any more, no descriptor is left, the
//! directory cannot be made.
//!
//! The program is the one that `PRAVEGA_BYTES` names, or the one beside this program if it is newer than its
//! sources; otherwise cargo builds it there.

mod changes;
mod clients;
mod life;
mod limits;
mod program;
mod server;

use tokio::runtime::Builder;

use self::server::broken;
use crate::campaign::{Plan, Report, Tally, Verdict, over_seeds};

/// Runs that every change must pass: 20 with [`KILLS_A_RUN`] kills each, 5 with errors of the system.
pub const EACH_CHANGE: u64 = 25;

/// How often the server of a run is killed, not counting those that are killed while they start.
pub const KILLS_A_RUN: u64 = 10;

/// Every so manieth run is one with errors of the system.
const LIMITED: u64 = 5;

/// So many runs reach every state.
const ENOUGH: u64 = 25;

/// Kills servers, or lets the system refuse them what they need.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("kill", plan, one).expecting(
        ENOUGH,
        &[
            ("server killed", "append in flight"),
            ("server killed", "truncation in flight"),
            ("server killed", "create or seal in flight"),
            ("server killed", "recovering"),
            ("writer lost with the server", "append in flight"),
            ("file may not grow", "appending"),
            ("no descriptor left", "accepting"),
            ("directory refused", "starting"),
        ],
    )
}

fn one(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let failed = |error: std::io::Error| broken(format!("setting up: {error}"));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(failed)?;
    let folder = tempfile::tempdir().map_err(failed)?;
    let data = folder.path().join("data");
    let ended = runtime.block_on(async {
        match seed % LIMITED == LIMITED - 1 {
            true => limits::live(&data, seed, tally).await,
            false => life::live(&data, seed, tally).await,
        }
    });
    runtime.shutdown_background();
    ended
}
