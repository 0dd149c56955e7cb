//! Users of a pool of connections, and a store that says anything: see [`pravega_fuzz::pool`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{clock, memory, pool, tape::Tape};

/// What a pool and its users may hold: some dozens of connections with a read buffer each, which a busy
/// connection makes larger.
const MEMORY: usize = 32 << 20;

fuzz_target!(|input: &[u8]| {
    memory::within(MEMORY, || {
        clock::on_a_clock_that_jumps(pool::play(Tape::new(input)))
    });
});
