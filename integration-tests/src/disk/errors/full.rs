//! A disk without room (D5).

use std::io::ErrorKind;

use pravega_standalone::storage::SteppedStore;

use super::failing::check_allowed;
use crate::{
    campaign::{Harm, Tally, Verdict, Violation},
    disk::{
        faults::{Fault, Faults},
        folder::SimulatedFolder,
        place::{open, set_clock, try_open_with, whole},
        start::filled,
        workload::{SEGMENTS, Workload},
    },
    random::Random,
};

/// Rounds until a small disk is full, at most.
const ROUNDS: usize = 60;

/// What is free on the disk at first, blocks.
const FREE: usize = 40;

/// What is kept for making room, bytes: enough for the few transactions here.
const RESERVE: u64 = 192 * 1024;

/// The disk fills up: appends are refused, everything can be read, truncation works, and appends go on when
/// there is room again.
pub(super) fn disk_is_full(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 5)?;
    let folder = SimulatedFolder::from_image(&image);
    let opened = try_open_with(&folder, RESERVE);
    let mut store = opened.map_err(|error| Violation::broken(whole(&error)))?;
    let free = random.below(FREE);
    folder.set_faults(Faults::full_at(folder.blocks() + free));
    let mut workload = Workload::new(Random::new(random.next()), model);
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let round = workload.round(&mut store)?;
        if round.is_open {
            return Err(Violation::broken("a full disk stopped the store"));
        }
        refused += round.refused;
        if refused > 2 {
            break;
        }
    }
    let hits = folder.faults().hits();
    tally.add("disk full", "appending", hits);
    if refused == 0 {
        return Ok(hits);
    }
    make_room(&mut store, &mut workload)?;
    match random.below(3) {
        0 => {
            drop(store);
            // A restart finds the disk as full as it was.
            let before = folder.faults().hits();
            let opened = try_open_with(&folder, RESERVE);
            tally.add("disk full", "opening", folder.faults().hits() - before + 1);
            if let Err(error) = opened {
                let what = format!("a full disk cannot be opened: {}", whole(&error));
                return Err(Violation::new(Harm::Lost, 1, what));
            }
        }
        1 => {
            folder.set_faults(Faults::default());
            set_clock(1_000_000);
            let played = (0..8).try_fold(0, |played, _| {
                let round = workload.round(&mut store)?;
                match round.refused {
                    0 => Ok(played + round.played),
                    _ => Err(Violation::broken("refused although the disk has room")),
                }
            })?;
            if played == 0 {
                return Err(Violation::broken("nothing was asked for"));
            }
        }
        _ => {}
    }
    let now = folder.now();
    check_allowed(&SimulatedFolder::from_image(&now), &[workload.model])?;
    Ok(hits)
}

/// Truncates and deletes on a full disk.
fn make_room(store: &mut SteppedStore, workload: &mut Workload) -> Verdict {
    for name in SEGMENTS {
        let Some(segment) = workload.model.segments.get_mut(name) else {
            continue;
        };
        let tail = segment.tail();
        let mut pending = store.requests().truncate(name, tail);
        store.turn();
        match pending.take() {
            Some(Ok(())) => segment.head = tail,
            answer => {
                let what = format!("no room for a truncation: {answer:?}");
                return Err(Violation::broken(what));
            }
        }
    }
    while store.turn() {}
    Ok(())
}

/// Some writes find no room, and those behind them do: nothing stops.
pub(super) fn no_room_for_a_moment(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 3)?;
    let folder = SimulatedFolder::from_image(&image);
    let mut store = open(&folder)?;
    let fault = match random.one_in(4) {
        true => Fault::SetLength,
        false => Fault::Write,
    };
    let after = random.below(20);
    folder.set_faults(Faults::once(fault, after, ErrorKind::StorageFull));
    let mut workload = Workload::new(Random::new(random.next()), model);
    for round in 0..8 {
        set_clock(round * 600);
        if workload.round(&mut store)?.is_open {
            return Err(Violation::broken("a full disk stopped the store"));
        }
    }
    let is_over = folder.faults().hits() > 0;
    set_clock(1_000_000);
    let round = workload.round(&mut store)?;
    if is_over && round.refused > 0 {
        return Err(Violation::broken("refused although the disk has room"));
    }
    let hits = folder.faults().hits();
    tally.add("no room for a moment", "in a group", hits);
    let now = folder.now();
    check_allowed(&SimulatedFolder::from_image(&now), &[workload.model])?;
    Ok(hits)
}
