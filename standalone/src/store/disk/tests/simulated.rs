//! A disk for tests: it loses what was not synced, tears writes, and fails when it is told to.

use std::{
    io,
    ops::Bound,
    sync::{Arc, Mutex},
};

use redb::{BackendError, StorageBackend};

/// Unsynced writes survive a crash in pieces of this size, bytes.
const SECTOR: usize = 512;

/// A disk that outlives the databases on it.
#[derive(Debug, Clone, Default)]
pub(super) struct SimulatedDisk(Arc<Mutex<Content>>);

#[derive(Debug, Clone, Default)]
struct Content {
    synced: Vec<u8>,
    current: Vec<u8>,
    /// Writes since the last sync, in order.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Writes, syncs and changes of length so far.
    operations: usize,
    /// From this operation on everything but reading fails.
    fail_from: Option<usize>,
    /// This operation fails, those behind it do not.
    fail_once: Option<usize>,
}

impl SimulatedDisk {
    /// Operations so far.
    pub(super) fn operations(&self) -> usize {
        self.0.lock().unwrap().operations
    }

    /// Makes every operation from this one on fail, as when the power goes.
    pub(super) fn fail_from(&self, operation: usize) {
        self.0.lock().unwrap().fail_from = Some(operation);
    }

    /// Makes this one operation fail, as when the disk is full for a moment.
    pub(super) fn fail_once(&self, operation: usize) {
        self.0.lock().unwrap().fail_once = Some(operation);
    }

    /// What a restart finds: all that was synced, and any part of what was not.
    pub(super) fn after_crash(&self, mut random: impl FnMut() -> u64) -> Self {
        let content = self.0.lock().unwrap();
        let mut found = content.synced.clone();
        if random().is_multiple_of(2) {
            found.resize(content.current.len().max(found.len()), 0);
        }
        for (offset, bytes) in &content.unsynced {
            for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                if random().is_multiple_of(2) {
                    let at = offset + index * SECTOR;
                    let end = at + sector.len();
                    if found.len() < end {
                        found.resize(end, 0);
                    }
                    found[at..end].copy_from_slice(sector);
                }
            }
        }
        Self(Arc::new(Mutex::new(Content {
            synced: found.clone(),
            current: found,
            ..Content::default()
        })))
    }

    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        let operation = content.operations;
        content.operations += 1;
        if content.fail_from.is_some_and(|from| operation >= from)
            || content.fail_once == Some(operation)
        {
            return Err(io::Error::other("the simulated disk fails"));
        }
        change(&mut content);
        Ok(())
    }
}

impl StorageBackend for SimulatedDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.0.lock().unwrap().current.len()).unwrap())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let content = self.0.lock().unwrap();
        let from = usize::try_from(offset).unwrap();
        let bytes = content.current.get(from..from + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|content| {
            let len = usize::try_from(len).unwrap();
            content.current.resize(len, 0);
            // A file system may or may not write a new length down at once; being cut is remembered.
            content.synced.truncate(len);
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|content| {
            content.synced.clone_from(&content.current);
            content.unsynced.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|content| {
            let from = usize::try_from(offset).unwrap();
            content.current[from..from + data.len()].copy_from_slice(data);
            content.unsynced.push((from, data.to_vec()));
        })
    }

    // Each server in a test has its own turn.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}
