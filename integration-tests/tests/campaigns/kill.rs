//! Servers killed, and servers to which the system refuses something.

use pravega_integration_tests::{campaign::Plan, kill};

#[test]
fn d1_n02_acked_blocks_outlive_every_kill_of_the_server() {
    let report = kill::run(&Plan::new(2));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn d5_c6_d10_a_server_without_room_descriptors_or_directory() {
    // The fifth of five.
    let report = kill::run(&Plan::new(1).from_seed(4));
    assert!(report.is_clean(), "{report}");
    for fault in [
        "file may not grow",
        "no descriptor left",
        "directory refused",
    ] {
        let strikes = report
            .tally()
            .iter()
            .filter(|(name, ..)| *name == fault)
            .count();
        assert!(strikes > 0, "{fault} never happened");
    }
}
