//! Random runs: writers, faults and a store that follows the real rules.

use proptest::prelude::*;

use pravega_segment_session::WriteMode;

use crate::support::{
    store::Faults,
    world::{Cut, Plan, Tally, World},
};

/// Runs of each kind by default; `APPEND_MODEL_RUNS` asks for more.
const RUNS: u64 = 400;

fn runs() -> u64 {
    let asked = std::env::var("APPEND_MODEL_RUNS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(RUNS)
}

fn add(total: &mut Tally, one: &Tally) {
    total.cuts += one.cuts;
    total.late_copies += one.late_copies;
    total.conflicts += one.conflicts;
    total.definite += one.definite;
    total.indeterminate += one.indeterminate;
    total.foreign += one.foreign;
    total.resent += one.resent;
    total.acked += one.acked;
    total.sealed += one.sealed;
}

/// Runs many seeds; a failing one is named by the panic of the thread it runs in.
fn campaign(plan: Plan, faults: Faults) -> Tally {
    let mut total = Tally::default();
    for seed in 0..runs() {
        let seed = plan.seed.wrapping_add(seed);
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(Plan { seed, ..plan });
            world.store.faults = faults;
            world.run().tally
        });
        match run {
            Ok(tally) => add(&mut total, &tally),
            Err(cause) => {
                let text = cause.downcast_ref::<String>().cloned().unwrap_or_default();
                panic!("seed {seed} of {plan:?}: {text}");
            }
        }
    }
    total
}

fn plan(mode: WriteMode, len: usize) -> Plan {
    Plan {
        seed: 0,
        mode,
        writers: 2,
        len,
        steps: 400,
        fault_every: 25,
        start_above: 0,
    }
}

fn assert_effective(tally: &Tally, mode: WriteMode) {
    assert!(tally.cuts > 100 && tally.late_copies > 100, "{tally:?}");
    assert!(
        tally.resent > 100 && tally.acked > 1_000 && tally.sealed > 0,
        "{tally:?}"
    );
    assert!(
        mode == WriteMode::Shared || tally.conflicts > 100,
        "{tally:?}"
    );
}

#[test]
fn t23_exclusive_blocks_of_equal_length() {
    let tally = campaign(plan(WriteMode::Exclusive, 4), Faults::default());
    assert_effective(&tally, WriteMode::Exclusive);
}

#[test]
fn t23_exclusive_blocks_of_mixed_length() {
    let tally = campaign(plan(WriteMode::Exclusive, 0), Faults::default());
    assert_effective(&tally, WriteMode::Exclusive);
}

#[test]
fn s08_writers_that_begin_above_the_tail() {
    for len in [0, 4] {
        let above = Plan {
            start_above: 8,
            ..plan(WriteMode::Exclusive, len)
        };
        let tally = campaign(above, Faults::default());
        assert!(tally.indeterminate > 0, "{tally:?}");
    }
}

#[test]
fn n07_a_store_that_fences() {
    let faults = Faults {
        fences: true,
        ..Faults::default()
    };
    campaign(plan(WriteMode::Exclusive, 4), faults);
    campaign(plan(WriteMode::Shared, 0), faults);
}

#[test]
fn shared_blocks_are_stored_once_and_in_order() {
    for len in [0, 4] {
        let tally = campaign(plan(WriteMode::Shared, len), Faults::default());
        assert_effective(&tally, WriteMode::Shared);
    }
}

#[test]
fn one_writer_with_a_fault_at_every_third_step() {
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let often = Plan {
            writers: 1,
            fault_every: 3,
            ..plan(mode, 0)
        };
        campaign(often, Faults::default());
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let tally = || World::new(plan(WriteMode::Exclusive, 0)).run().tally;
    assert_eq!(tally(), tally());
}

#[test]
fn the_model_finds_a_store_that_compares_the_offset_first() {
    let faults = Faults {
        offset_before_number: true,
        ..Faults::default()
    };
    assert_planted_is_found(plan(WriteMode::Exclusive, 4), faults);
}

#[test]
fn the_model_finds_a_store_that_forgets_numbers() {
    let faults = Faults {
        number_not_durable: true,
        ..Faults::default()
    };
    assert_planted_is_found(plan(WriteMode::Shared, 0), faults);
}

fn assert_planted_is_found(plan: Plan, faults: Faults) {
    let found = std::panic::catch_unwind(|| campaign(plan, faults)).is_err();
    assert!(found, "the planted bug went unnoticed");
}

#[test]
fn t29_a_connection_cut_at_every_step_of_an_exchange() {
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let (_, steps) = World::exchange(mode, &[]);
        for at in 0..steps {
            for cut in Cut::ALL {
                World::exchange(mode, &[(at, cut)]);
            }
        }
    }
}

#[test]
fn t29_two_cuts_at_every_pair_of_steps() {
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let (_, steps) = World::exchange(mode, &[]);
        for first in 0..steps {
            for behind in 1..40 {
                for cut in Cut::ALL {
                    World::exchange(mode, &[(first, cut), (first + behind, cut)]);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plan_keeps_every_promise(
        seed: u64,
        exclusive: bool,
        writers in 1_usize..4,
        len in 0_usize..6,
        fault_every in 2_usize..60,
        start_above in 0_u64..12,
    ) {
        let mode = if exclusive { WriteMode::Exclusive } else { WriteMode::Shared };
        World::new(Plan { seed, mode, writers, len, steps: 300, fault_every, start_above }).run();
    }
}
