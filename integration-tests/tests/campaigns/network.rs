//! The whole stack on a simulated network, in simulated time.

use std::time::Duration;

use pravega_integration_tests::{
    campaign::{Plan, Tally},
    network::{self, hours},
};

const MIB: usize = 1024 * 1024;

#[test]
fn n1_to_n12_s1_s2_s4_k1_k3_nothing_is_lost_whatever_the_network_does() {
    let report = network::run(&Plan::new(24));
    assert!(report.is_clean(), "{report}");
}

/// Property 16.
#[test]
fn one_seed_gives_one_trace() {
    for seed in 0..8 {
        let trace = || network::run_seed(seed, &mut Tally::default()).unwrap();
        assert_eq!(trace(), trace(), "seed {seed}");
    }
}

/// Pauses grow to the longest, 10 s with the part that is random, and connecting does not make them short again.
#[test]
fn t33_n9_a_store_that_slams_for_an_hour_is_dialled_once_per_longest_pause() {
    let (dials, back) = hours::stores_slam_for_an_hour().unwrap();
    assert!((3_600 / 10..3_600 / 5 + 20).contains(&dials), "{dials}");
    assert!(back < Duration::from_secs(11), "{back:?}");
}

#[test]
fn t43_a_slow_consumer_keeps_its_connection_and_little_memory_for_an_hour() {
    let (most, dials) = hours::slow_consumer_for_an_hour(MIB).unwrap();
    assert!(most <= MIB, "{most}");
    // One of the writer, one of the reader.
    assert!(dials <= 2, "{dials}");
}

#[test]
fn t44_a_sequential_read_uses_its_window_at_any_latency() {
    for latency in [1, 10, 50].map(Duration::from_millis) {
        let took = hours::sequential_read(16 * MIB, 2 * MIB, latency).unwrap();
        // A window on its way each time that a request goes and a reply comes, of which 70 % are asked for.
        let round_trips = 16.0 / 2.0 / 0.7;
        let most = (latency * 2 + Duration::from_millis(4)).mul_f64(round_trips + 4.0);
        assert!(took <= most, "{latency:?}: {took:?}, not {most:?}");
    }
}

#[test]
fn t51_the_first_byte_after_idling_is_as_fast_as_any() {
    for idle in [1, 60, 150, 3_600, 24 * 3_600].map(Duration::from_secs) {
        let (took, dials) = hours::after_idling(idle).unwrap();
        // The steps of the simulation have a second here; a byte needs a few of them.
        assert!(took <= Duration::from_secs(10), "{idle:?}: {took:?}");
        assert!(dials <= 1, "{idle:?}: {dials}");
    }
}

#[test]
fn t89_an_hour_of_everything() {
    hours::everything(89, &mut Tally::default()).unwrap();
}

#[test]
fn n1_n2_n3_a_reset_costs_a_few_round_trips() {
    let mut took = hours::recoveries(200).unwrap();
    took.sort_unstable();
    let (median, worst) = (took[100], took[199]);
    assert!(median < Duration::from_millis(100), "{median:?}");
    assert!(worst < Duration::from_millis(500), "{worst:?}");
}
