//! A reader's session under any calls, replies, losses and times: see [`pravega_fuzz::reader`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{memory, reader::Reader, tape::Tape};

/// What a session may hold, beside the few kilobytes that its options allow it: some requests and one reply.
const MEMORY: usize = 512 << 10;

fuzz_target!(|input: &[u8]| {
    memory::within(MEMORY, || {
        let mut reader = Reader::new(Tape::new(input));
        while !reader.is_over() {
            reader.step();
        }
        reader.finish();
    });
});
