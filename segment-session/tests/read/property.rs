//! Random runs against the model server: whatever happens, the consumer gets the segment's bytes, in order.

use proptest::prelude::*;

use crate::world::{Faults, Seen, World};

const STEPS: usize = 400;

fn run(seed: u64, faults: Faults) -> Seen {
    let mut world = World::new(seed, faults);
    for _ in 0..STEPS {
        world.step();
    }
    world.finish();
    world.seen
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_is_stored(seed: u64) {
        run(seed, Faults::None);
    }

    #[test]
    fn reads_what_is_stored_over_lost_connections(seed: u64) {
        run(seed, Faults::Network);
    }

    #[test]
    fn reads_nothing_else_from_a_liar(seed: u64) {
        run(seed, Faults::Hostile);
    }
}

#[test]
fn a_run_meets_everything_and_repeats_from_its_seed() {
    let mut total = Seen::default();
    for seed in 0..300 {
        let seen = run(seed, Faults::Hostile);
        total.bytes += seen.bytes;
        total.ends += seen.ends;
        total.truncations += seen.truncations;
        total.gaps += seen.gaps;
        total.beyond += seen.beyond;
        total.deletions += seen.deletions;
        total.losses += seen.losses;
        total.lies += seen.lies;
        total.violations += seen.violations;
        total.refusals += seen.refusals;
        total.seeks += seen.seeks;
        total.stale += seen.stale;
        total.empty += seen.empty;
        total.reads += seen.reads;
    }
    let counts = [
        total.bytes,
        total.ends,
        total.truncations,
        total.gaps,
        total.beyond,
        total.deletions,
        total.losses,
        total.lies,
        total.violations,
        total.refusals,
        total.seeks,
        total.stale,
        total.empty,
    ];
    assert!(counts.iter().all(|&count| count > 0), "{total:?}");
    let once = format!("{:?}", run(7, Faults::Hostile));
    assert_eq!(once, format!("{:?}", run(7, Faults::Hostile)));
}
