//! Answers of a controller: see [`pravega_fuzz::controller`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{controller, memory};

/// What a call may hold, beside its reply in several forms: a connection, when the one before broke.
const MEMORY: usize = 8 << 20;

fuzz_target!(|input: &[u8]| {
    memory::within(MEMORY, || controller::play(input));
});
