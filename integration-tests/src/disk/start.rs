//! Where runs begin: an empty folder, an empty store, or a store with something in it, closed or killed.

use std::{cell::RefCell, collections::BTreeMap};

use super::{
    folder::SimulatedFolder,
    image::Image,
    place::{made, open},
    state::StoreState,
    workload::Workload,
};
use crate::{campaign::Verdict, random::Random};

/// So many different stores with something in them are begun with.
const FILLED: u64 = 64;

/// Rounds that have filled them.
const ROUNDS: usize = 6;

type Start = (Image, StoreState);

thread_local! {
    static STARTS: RefCell<BTreeMap<u64, Start>> = const { RefCell::new(BTreeMap::new()) };
}

/// The start of a workload.
pub(super) fn start(workload: u64) -> Verdict<Start> {
    match workload % 8 {
        0 => Ok(Start::default()),
        1 => Ok((made()?, StoreState::default())),
        _ => {
            let seed = (workload / 8) % FILLED;
            if let Some(start) = STARTS.with_borrow(|starts| starts.get(&seed).cloned()) {
                return Ok(start);
            }
            let start = fill(&mut Random::new(seed), ROUNDS, seed.is_multiple_of(2))?;
            STARTS.with_borrow_mut(|starts| starts.insert(seed, start.clone()));
            Ok(start)
        }
    }
}

/// Forgets the stores that were made on this thread.
pub(super) fn forget() {
    STARTS.with_borrow_mut(BTreeMap::clear);
}

/// A store that was closed in order after some rounds.
pub(super) fn filled(random: &mut Random, rounds: usize) -> Verdict<Start> {
    fill(random, rounds, false)
}

fn fill(random: &mut Random, rounds: usize, is_killed: bool) -> Verdict<Start> {
    let folder = SimulatedFolder::from_image(&made()?);
    let mut store = open(&folder)?;
    let mut workload = Workload::new(Random::new(random.next()), StoreState::default());
    for _ in 0..rounds {
        workload.round(&mut store)?;
        workload.set_up_all(&mut store)?;
    }
    let killed = folder.now();
    drop(store);
    let image = if is_killed { killed } else { folder.now() };
    Ok((image, workload.model))
}
