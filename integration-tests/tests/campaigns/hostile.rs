//! Bad names, bad frames and marked secrets: what the planted bugs about them are found with, without a bug.

use std::collections::BTreeSet;

use pravega_integration_tests::{
    campaign::Plan,
    planted::{frames, names, rights, secrets},
};

#[test]
fn a01_more_than_200_bad_names_are_refused_at_every_entrance() {
    let bad = names::bad();
    let different: BTreeSet<_> = bad.iter().collect();
    assert!(
        different.len() == bad.len() && bad.len() > 200,
        "{}",
        bad.len()
    );
    let report = names::run(&Plan::new(1));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn p01_p03_bad_frames_cost_no_memory_and_no_panic() {
    let report = frames::run(&Plan::new(frames::SEEDS));
    assert!(report.is_clean(), "{report}");
    assert!(report.tally().total() > 10_000, "{report}");
}

#[test]
fn a05_the_right_to_read_suffices_for_no_change() {
    let report = rights::run(&Plan::new(1));
    assert!(report.is_clean(), "{report}");
    assert!(report.tally().total() > 10, "{report}");
}

#[test]
fn t84_no_secret_is_printed() {
    let report = secrets::run(&Plan::new(1));
    assert!(report.is_clean(), "{report}");
}
