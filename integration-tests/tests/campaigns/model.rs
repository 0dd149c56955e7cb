//! Every run of the small worlds, with one reset.

use pravega_integration_tests::{campaign::Plan, model};

/// N1, N2, N7, P10, P11, S6, S7, S8 and T23, in every order in which they can happen to two writers.
#[test]
fn n01_n07_p10_s08_t23_every_run_of_a_small_world_keeps_every_promise() {
    let report = model::run_smallest(&Plan::new(1));
    assert!(report.is_clean(), "{report}");
    for place in [
        "setup on its way",
        "setup answered",
        "block on its way",
        "block received",
        "block done, not synced",
        "answer on its way",
    ] {
        assert!(report.tally().of("connection cut", place) > 0, "{report}");
    }
    let again = model::run_smallest(&Plan::new(1).on_threads(1));
    assert_eq!(report.to_string(), again.to_string());
}
