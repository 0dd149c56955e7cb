//! Which fault must have met which state, once there are enough runs.

/// In so many runs each of the pairs is met at least ten times.
pub(super) const ENOUGH_RUNS: u64 = 2_000;

/// Every pair.
pub(super) fn pairs() -> Vec<(&'static str, &'static str)> {
    let pairs_of = |&fault: &&'static str| STATES.iter().map(move |&state| (fault, state));
    FAULTS.iter().flat_map(pairs_of).collect()
}

/// States of a client. Calls are rare and short, so they are not demanded of every fault.
const STATES: [&str; 3] = ["append in flight", "read waiting", "idle"];

const FAULTS: &[&str] = &[
    "accepts and closes",
    "accepts and is silent",
    "another protocol",
    "client crash",
    "controller crash",
    "controller power loss",
    "hold",
    "latency",
    "no names",
    "partition",
    "replies cut",
    "replies drip",
    "replies lost",
    "replies stall",
    "requests cut",
    "requests lost",
    "segment moved",
    "slow requests",
    "store crash",
    "store power loss",
    "truncated",
    "wrong host",
];
