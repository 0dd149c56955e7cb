//! Bugs put in on purpose, and whether the campaigns find them. In a process of its own, because a bug that is on
//! is on for everybody.
#![cfg(test)]

use pravega_integration_tests::{campaign::Plan, planted};

#[test]
fn every_planted_bug_is_found() {
    let report = planted::run(&Plan::new(planted::EACH_CHANGE));
    assert!(report.is_clean(), "{report}");
}
