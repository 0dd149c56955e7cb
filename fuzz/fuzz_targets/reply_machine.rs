//! A writer's session under any calls, replies, losses and times: see [`pravega_fuzz::writer`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{memory, tape::Tape, writer::Writer};

/// What a session and the account of it may hold: a window of 64 KiB at most and bookkeeping for a few
/// thousand blocks.
const MEMORY: usize = 4 << 20;

fuzz_target!(|input: &[u8]| {
    memory::within(MEMORY, || {
        let mut writer = Writer::new(Tape::new(input));
        while !writer.is_over() {
            writer.step();
        }
        writer.finish();
    });
});
