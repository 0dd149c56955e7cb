//! A segment store in memory that stops working at a chosen step.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    controller::storage::{CatalogLine, Extent, Storage},
    store::StoreError,
};

/// A segment of the fake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FakeSegment {
    pub(super) head: u64,
    pub(super) tail: u64,
    pub(super) sealed: bool,
}

/// Everything that would be on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) segments: BTreeMap<String, FakeSegment>,
    pub(super) catalog: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What happens at the step where the store stops working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The step is not done.
    Before,
    /// The step is done, and the caller hears of a failure.
    After,
}

/// The fake; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    disk: Disk,
    /// Steps until the failure, and its kind.
    fuse: Option<(usize, Cut)>,
    /// True when one failure is the only one.
    once: bool,
    failed: bool,
    full: bool,
}

impl Fake {
    /// Fails at the step number `steps`, counted from 0: for good, or only once.
    pub(super) fn fail_at(&self, steps: usize, cut: Cut, once: bool) {
        let mut state = self.state();
        state.fuse = Some((steps, cut));
        state.once = once;
    }

    /// Works again. False when the failure was never reached.
    pub(super) fn repair(&self) -> bool {
        let mut state = self.state();
        state.fuse = None;
        std::mem::take(&mut state.failed)
    }

    /// Refuses new segments, as a store at its limit does.
    pub(super) fn fill_up(&self) {
        self.state().full = true;
    }

    pub(super) fn disk(&self) -> Disk {
        self.state().disk.clone()
    }

    /// Writes bytes to the end of a segment, as a writer would.
    pub(super) fn grow(&self, segment: &str, by: u64) {
        self.state().disk.segments.get_mut(segment).unwrap().tail += by;
    }

    pub(super) fn set_line(&self, key: &[u8], value: &[u8]) {
        self.state()
            .disk
            .catalog
            .insert(key.to_vec(), value.to_vec());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn step<T>(
        &self,
        action: impl FnOnce(&mut Disk) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state();
        match &mut state.fuse {
            Some((0, cut)) => {
                let cut = *cut;
                state.failed = true;
                if state.once {
                    state.fuse = None;
                }
                if cut == Cut::After {
                    action(&mut state.disk)?;
                }
                return Err(StoreError::ShuttingDown);
            }
            Some((steps, _)) => *steps -= 1,
            None => {}
        }
        action(&mut state.disk)
    }

    fn on_segment<T>(
        &self,
        name: &str,
        action: impl FnOnce(&mut FakeSegment) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.step(|disk| match disk.segments.get_mut(name) {
            Some(segment) => action(segment),
            None => Err(StoreError::NoSuchSegment),
        })
    }
}

impl Storage for Fake {
    async fn create(&self, name: &str) -> Result<bool, StoreError> {
        if self.state().full {
            return Err(StoreError::Full {
                what: "segments",
                limit: 0,
            });
        }
        self.step(|disk| {
            let created = !disk.segments.contains_key(name);
            disk.segments.entry(name.to_owned()).or_default();
            Ok(created)
        })
    }

    async fn seal(&self, name: &str) -> Result<(), StoreError> {
        self.on_segment(name, |segment| {
            segment.sealed = true;
            Ok(())
        })
    }

    async fn truncate(&self, name: &str, offset: u64) -> Result<(), StoreError> {
        self.on_segment(name, |segment| {
            if !(segment.head..=segment.tail).contains(&offset) {
                return Err(StoreError::OutOfRange {
                    start: segment.head,
                    offset,
                });
            }
            segment.head = offset;
            Ok(())
        })
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.step(|disk| match disk.segments.remove(name) {
            Some(_) => Ok(()),
            None => Err(StoreError::NoSuchSegment),
        })
    }

    async fn extent(&self, name: &str) -> Result<Extent, StoreError> {
        self.on_segment(name, |segment| {
            Ok(Extent {
                head: segment.head,
                tail: segment.tail,
            })
        })
    }

    async fn load(&self) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        Ok(self.disk().catalog.into_iter().collect())
    }

    async fn write(&self, lines: Vec<CatalogLine>) -> Result<(), StoreError> {
        self.step(|disk| {
            for (key, value) in lines {
                match value {
                    Some(value) => disk.catalog.insert(key, value),
                    None => disk.catalog.remove(&key),
                };
            }
            Ok(())
        })
    }
}
