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

#[test]
fn one_seed_has_one_trace() {
    let traces = [1, 3].map(|threads| {
        let plan = Plan::new(60).from_seed(1000).on_threads(threads);
        disk::run(&plan).trace()
    });
    assert_eq!(traces[0], traces[1]);
}
