//! The embedded server's store on a disk that loses power, again and again, in recovery too.
//!
//! Oracles: it opens; what was acknowledged is there, with the writer's number that belongs to it, and of what
//! was not acknowledged whole requests, the earlier ones first; every answer is the model's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pravega_fuzz::{
    disk::Disk,
    store::{Request, State, Store, is_one_of},
    tape::Tape,
};

fuzz_target!(|input: &[u8]| {
    let mut tape = Tape::new(input);
    let mut disk = Disk::default();
    let mut may_be = vec![State::default()];
    while !tape.is_over() {
        disk = run(&mut tape, &disk, &mut may_be);
    }
    let mut store = Store::open(&disk, State::default()).expect("a disk that works");
    let found = store.look().unwrap();
    assert!(
        is_one_of(&found, &may_be),
        "found {found:?}, not {may_be:?}"
    );
});

/// Opens the store and uses it until it ends, in one way or another; the disk as it is found then.
fn run(tape: &mut Tape<'_>, disk: &Disk, may_be: &mut Vec<State>) -> Disk {
    if tape.one_in(2) {
        disk.fail_after(usize::from(tape.byte()));
    }
    match Store::open(disk, State::default()) {
        Ok(store) => work(tape, disk, store, may_be),
        Err(error) => assert!(disk.has_failed(), "it does not open: {error:?}"),
    }
    match tape.one_in(4) && !disk.has_failed() {
        // Killed, with all that the system has in memory; or ended in order.
        true => Disk::with(&disk.files()),
        false => disk.after_power_loss(tape),
    }
}

fn work(tape: &mut Tape<'_>, disk: &Disk, mut store: Store, may_be: &mut Vec<State>) {
    match store.look() {
        Ok(found) => {
            let state = may_be
                .iter()
                .find(|state| is_one_of(&found, &[(*state).clone()]));
            let state = state.unwrap_or_else(|| panic!("found {found:?}, not {may_be:?}"));
            store.state = state.clone();
        }
        Err(error) => {
            assert!(disk.has_failed(), "it cannot be read: {error:?}");
            return;
        }
    }
    while !tape.is_over() && !tape.one_in(8) {
        let requests: Vec<_> = (0..1 + tape.below(4)).map(|_| Request::new(tape)).collect();
        *may_be = store.group(&requests);
        if disk.has_failed() {
            return;
        }
    }
    *may_be = vec![store.state.clone()];
}
