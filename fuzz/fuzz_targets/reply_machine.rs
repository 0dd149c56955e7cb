//! A writer's session under any calls, replies, losses and times.
//!
//! The peer may say anything; what the session says and sends is held against a plain account of it. Oracles:
//!
//! - no panic, bounded memory;
//! - `durable <= sent <= accepted`, none of which goes back; what is accepted and not durable fits the window;
//! - blocks bear the bytes that were accepted, in order, none left out; numbers grow by one, and a number is
//!   never used for other bytes; exclusive blocks say where they belong and go out one at a time;
//! - only a reply makes bytes durable, and no more of them than it names;
//! - a fate that was told stays; events come in the order in which a driver acts on them;
//! - a session with something to do waits for something: a connection, a reply or a time;
//! - when the peer becomes honest, everything is decided.
#![no_main]

mod machine {
    pub mod account;
    pub mod writer;
}

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{memory, tape::Tape};

use machine::writer::Writer;

/// What a session and the account of it may hold: the window of at most 64 KiB, and bookkeeping for a few
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
