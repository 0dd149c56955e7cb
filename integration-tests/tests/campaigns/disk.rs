//! The embedded server's store on a simulated disk.

use pravega_integration_tests::{
    campaign::Plan,
    disk::{self, FIRST_DEEP, FIRST_ERROR},
};

fn passes(plan: Plan) {
    let report = disk::run(&plan);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn d1_d2_d7_power_is_lost_at_every_step_of_two_workloads() {
    passes(Plan::new(200));
}

#[test]
fn d2_d9_power_is_lost_in_recovery_and_in_the_recovery_from_that() {
    passes(Plan::new(1).from_seed(FIRST_DEEP));
}

#[test]
fn d3_d4_d5_d6_d8_d9_d10_every_kind_of_error() {
    passes(Plan::new(104).from_seed(FIRST_ERROR));
}

/// After a failed sync the store was opened again to read from it, which wrote and synced: a header became
/// durable whose pages never were.
#[test]
fn d4_seed_39_nothing_is_written_after_a_failed_sync() {
    passes(Plan::new(1).from_seed(FIRST_ERROR + 39));
}

/// The page that found no room was one that the group did not need: the group was durable after all, and the
/// store stopped for want of another explanation.
#[test]
fn d5_seed_5518_a_group_that_was_durable_after_all_is_answered() {
    passes(Plan::new(1).from_seed(FIRST_ERROR + 5518));
}

/// A file cut to nothing was taken for one that was never written.
#[test]
fn d6_seed_816_an_empty_file_is_not_a_new_one() {
    passes(Plan::new(1).from_seed(FIRST_ERROR + 816));
}

#[test]
fn one_seed_has_one_trace() {
    let traces = [1, 3].map(|threads| {
        let plan = Plan::new(60).from_seed(1000).on_threads(threads);
        disk::run(&plan).trace()
    });
    assert_eq!(traces[0], traces[1]);
}
