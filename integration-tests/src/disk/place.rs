//! Opening stores on simulated disks.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    sync::Arc,
};

use pravega_standalone::{
    DirectoryError,
    storage::{SteppedOptions, SteppedStore},
};

use super::{folder::SimulatedFolder, image::Image};
use crate::campaign::{Harm, Verdict, Violation};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
    static MADE: RefCell<Option<Image>> = const { RefCell::new(None) };
}

/// Moves the clock of all stores of this thread.
pub(super) fn set_clock(now_ms: i64) {
    NOW.set(now_ms);
}

/// The shape of the stores in this campaign: little memory, so that what is read comes from the disk.
pub(super) fn options() -> SteppedOptions {
    let mut options = SteppedOptions::default();
    options.cache = 16 * 1024;
    options.reserve = 4096;
    options.clock = || NOW.get();
    options
}

/// Opens a store, or says why not.
pub(super) fn try_open(folder: &SimulatedFolder) -> Result<SteppedStore, DirectoryError> {
    SteppedStore::open(Arc::new(folder.clone()), &options())
}

/// The same with so much room kept for making room, bytes.
pub(super) fn try_open_with(
    folder: &SimulatedFolder,
    reserve: u64,
) -> Result<SteppedStore, DirectoryError> {
    let mut options = options();
    options.reserve = reserve;
    SteppedStore::open(Arc::new(folder.clone()), &options)
}

/// Opens a store that must open.
pub(super) fn open(folder: &SimulatedFolder) -> Verdict<SteppedStore> {
    try_open(folder).map_err(|error| {
        let what = format!("the store does not open: {}", whole(&error));
        Violation::new(Harm::Lost, 1, what)
    })
}

/// An error with everything behind it.
pub(super) fn whole(error: &dyn Error) -> String {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        what = format!("{what}: {error}");
        source = error.source();
    }
    what
}

/// Forgets the store that was made on this thread.
pub(super) fn forget() {
    MADE.set(None);
}

/// An empty store, closed in order.
pub(super) fn made() -> Verdict<Image> {
    if let Some(made) = MADE.with_borrow(Clone::clone) {
        return Ok(made);
    }
    let folder = SimulatedFolder::default();
    drop(open(&folder)?);
    let made = folder.now();
    MADE.set(Some(made.clone()));
    Ok(made)
}
