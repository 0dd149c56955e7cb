//! The sessions alone, in virtual time, against a model of the segment store.
//!
//! A run is two to five clients, writers of both modes and readers, on one segment; connections that are cut,
//! delayed and silent and that deliver old copies late; a store that crashes, moves, refuses, seals and
//! truncates. One seed gives one run, with one trace hash. A third of the runs begin at one of the directed
//! starts, each a state that a random run reaches seldom.
//!
//! After every step the sessions' own accounts are checked, and at the end all that was promised: content,
//! exactly once, order, no hole, the truth of every failure, the bytes that readers were given, and both
//! checkers of linearizability (the general one on histories of at most 20 operations).
//!
//! | module | holds |
//! | --- | --- |
//! | `scene` | what a run is made of |
//! | `start` | the directed starts |
//! | `world` | the clients, the network between, the faults, and the end |
//! | `store` | the model of the store |
//! | `append`, `read` | a writer, a reader, and the checks on them |
//! | `exchange` | one exchange, cut at every step |

mod append;
mod client;
mod exchange;
mod expected;
mod hunts;
mod read;
mod scene;
mod start;
mod store;
mod world;

use self::{client::Client, scene::Scene, world::World};
pub use self::{
    exchange::{exchange, exchange_cut_twice},
    hunts::{
        hunt_above_tail, hunt_conflicts, hunt_data_loss, hunt_fenced, hunt_reading,
        hunt_relentless, hunt_writing,
    },
};
use crate::{
    Random,
    campaign::{Plan, Report, Tally, Verdict, over_seeds},
};

/// Runs that every change must pass.
pub const EACH_CHANGE: u64 = 100_000;

/// All kinds of scenes, one for each seed.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("simulation", plan, |seed, tally| {
        run_of(seed, tally, Scene::of)
    })
    .expecting(expected::ENOUGH_RUNS, &expected::pairs())
}

/// The run of a seed in a scene that is drawn from the same seed.
fn run_of(seed: u64, tally: &mut Tally, scene: fn(&mut Random) -> Scene) -> Verdict<u64> {
    let mut random = Random::new(seed);
    let scene = scene(&mut random);
    World::new(scene, random, tally).run()
}
