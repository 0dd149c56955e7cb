//! The sessions against the model of the store: a few runs of each kind, and an exchange cut at every step.

use pravega_integration_tests::{
    campaign::{Plan, Report},
    simulation,
};

/// Seconds in a debug build.
const RUNS: u64 = 2_000;

fn assert_clean(report: &Report) {
    assert!(report.is_clean(), "{report}");
    assert!(report.tally().total() > report.runs() / 2, "{report}");
}

#[test]
fn all_kinds_of_scenes_keep_every_promise() {
    assert_clean(&simulation::run(&Plan::new(RUNS)));
}

#[test]
fn one_seed_gives_one_trace() {
    let run = |threads| simulation::run(&Plan::new(300).from_seed(4_711).on_threads(threads));
    let (once, again) = (run(1), run(4));
    assert_eq!(once.to_string(), again.to_string());
    assert_ne!(once.trace(), simulation::run(&Plan::new(300)).trace());
}

#[test]
fn t23_s07_equal_blocks_in_one_anothers_way() {
    assert_clean(&simulation::hunt_conflicts(&Plan::new(RUNS)));
}

#[test]
fn s08_a_block_above_the_tail_with_a_copy_underway() {
    assert_clean(&simulation::hunt_above_tail(&Plan::new(RUNS)));
}

#[test]
fn n07_writers_at_a_store_that_fences() {
    assert_clean(&simulation::hunt_fenced(&Plan::new(RUNS)));
}

#[test]
fn p06_s05_a_store_that_loses_what_it_acknowledged() {
    assert_clean(&simulation::hunt_data_loss(&Plan::new(RUNS)));
}

#[test]
fn t29_writers_whose_connections_are_cut() {
    assert_clean(&simulation::hunt_writing(&Plan::new(RUNS)));
}

#[test]
fn one_writer_with_a_fault_at_every_third_step() {
    assert_clean(&simulation::hunt_relentless(&Plan::new(RUNS)));
}

#[test]
fn t38_t41_readers_that_are_lied_to() {
    assert_clean(&simulation::hunt_reading(&Plan::new(RUNS)));
}

#[test]
fn t29_n01_n02_a_connection_cut_at_every_step_of_an_exchange() {
    let report = simulation::exchange();
    assert_clean(&report);
    assert!(report.runs() > 500, "{report}");
}

#[test]
fn t29_two_cuts_at_every_pair_of_steps() {
    let report = simulation::exchange_cut_twice();
    assert_clean(&report);
    assert!(report.runs() > 20_000, "{report}");
}

/// A read that was out covered what was truncated away. Its connection was lost, and nobody told the consumer.
#[test]
fn seed_239_a_gap_that_shows_when_the_connection_is_lost() {
    assert!(simulation::hunt_reading(&Plan::new(1).from_seed(239)).is_clean());
}

/// The store had lost bytes that the reader knew of, and the reader asked for them for ever.
#[test]
fn seed_19_bytes_that_are_gone_are_not_waited_for() {
    assert!(simulation::hunt_data_loss(&Plan::new(1).from_seed(19)).is_clean());
}
