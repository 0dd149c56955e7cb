//! Connections to the embedded segment store: see [`pravega_fuzz::peers`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{clock, memory, peers, tape::Tape};

/// What a store and its two clients may hold: the memory for appends, whose bound is the store's own; the few
/// kilobytes that a tape can send, all replies to them, and buffers.
const MEMORY: usize = peers::APPEND_MEMORY + (8 << 20);

fuzz_target!(|input: &[u8]| {
    memory::within(MEMORY, || {
        clock::on_a_clock_that_jumps(peers::play(Tape::new(input)))
    });
});
