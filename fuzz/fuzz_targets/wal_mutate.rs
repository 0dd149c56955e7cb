//! The files of the embedded server's store, damaged: bits flipped, sectors gone or taken from elsewhere, cut.
//!
//! Oracles: no panic, bounded memory; it refuses to open or to read, or it says what was acknowledged at some
//! time, all of it: never a wrong byte, never bytes without the number that belongs to them.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{
    disk::Disk,
    memory,
    store::{Request, State, Store, is_one_of},
    tape::Tape,
};

/// What a store on the damaged files may hold: its caches and a few copies of its file.
const MEMORY: usize = 48 << 20;

/// Files and everything that they ever said.
struct Original {
    files: BTreeMap<String, Vec<u8>>,
    states: Vec<State>,
}

/// One that was closed, one whose server was killed.
static ORIGINALS: LazyLock<[Original; 2]> = LazyLock::new(|| [original(true), original(false)]);

fn original(is_closed: bool) -> Original {
    let disk = Disk::default();
    let mut store = Store::open(&disk, State::default()).expect("a disk that works");
    let mut states = vec![State::default()];
    // Any history will do that has a bit of everything.
    let decisions: Vec<u8> = (0..600_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let mut tape = Tape::new(&decisions);
    for first in [Request::Create, Request::SetUp] {
        states.extend(store.group(&[first("scope/stream/0.#epoch.0")]));
    }
    while !tape.is_over() {
        let request = Request::new(&mut tape);
        if !matches!(request, Request::Delete(_) | Request::Seal(_)) {
            states.extend(store.group(&[request]));
        }
    }
    if is_closed {
        drop(store);
        return Original {
            files: disk.files(),
            states,
        };
    }
    let files = disk.files();
    Original { files, states }
}

fuzz_target!(|input: &[u8]| {
    let mut tape = Tape::new(input);
    let original = &ORIGINALS[tape.below(2)];
    let mut files = original.files.clone();
    while !tape.is_over() {
        damage(&mut tape, &mut files, original);
    }
    memory::within(MEMORY, || {
        let disk = Disk::with(&files);
        let Ok(mut store) = Store::open(&disk, State::default()) else {
            return;
        };
        if let Ok(found) = store.look() {
            assert!(is_one_of(&found, &original.states), "{found:?}");
        }
    });
});

fn damage(tape: &mut Tape<'_>, files: &mut BTreeMap<String, Vec<u8>>, original: &Original) {
    let is_database = tape.below(16) < 14;
    let Some(file) = files
        .iter_mut()
        .find(|(name, _)| name.ends_with(".redb") == is_database)
    else {
        return;
    };
    let (name, bytes) = file;
    let kind = tape.below(8);
    let at = place(tape, bytes.len());
    match kind {
        0..=2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << tape.below(8);
            }
        }
        3 => {
            let new = tape.bytes(8);
            if let Some(old) = bytes.get_mut(at..at + new.len()) {
                old.copy_from_slice(new);
            }
        }
        4 => sector(bytes, at, &[0; 512]),
        5 => {
            let from = place(tape, bytes.len()) / 512 * 512;
            if let Some(other) = original.files[name].get(from..from + 512) {
                sector(bytes, at, other);
            }
        }
        6 => bytes.truncate(at),
        _ => bytes.resize(bytes.len() + at % 20_000, tape.byte()),
    }
}

fn sector(bytes: &mut [u8], at: usize, new: &[u8]) {
    let at = at / 512 * 512;
    if let Some(old) = bytes.get_mut(at..at + 512) {
        old.copy_from_slice(new);
    }
}

/// A place in a file: near its beginning as often as anywhere.
fn place(tape: &mut Tape<'_>, length: usize) -> usize {
    let [high, middle, low] = [tape.byte(), tape.byte(), tape.byte()].map(usize::from);
    let place = match high {
        0..=127 => (middle % 8) << 10 | (low << 2) | (high % 4),
        _ => (high % 128) << 16 | middle << 8 | low,
    };
    place % length.max(1)
}
