//! The backend that keeps everything in memory: for tests, benches and throw-away servers.
//!
//! An append is decided, stored and shown under the segment's own lock, in the task of the connection that
//! brought it: no thread is changed and nothing is copied but small appends.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    CatalogChange,
    append::{Append, AppendError, AppendOutcome},
    clock,
    segment::Segment,
};

/// What each append costs beside its bytes, at most: an entry in the list of chunks and a writer's number.
const APPEND_OVERHEAD: u64 = 64;

/// The bytes in use and the catalog; the segments hold themselves.
#[derive(Debug)]
pub(super) struct Memory {
    used: AtomicU64,
    limit: u64,
    catalog: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Memory {
    /// A backend for at most `limit` bytes of appends.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            used: AtomicU64::new(0),
            limit,
            catalog: Mutex::default(),
        }
    }

    /// Stores an append, or says why not.
    pub(super) fn append(&self, append: &Append) -> AppendOutcome {
        let needed = append.check.bytes.saturating_add(APPEND_OVERHEAD);
        // Several connections may pass here at once and overshoot by one append each.
        if self.used.load(Ordering::Relaxed).saturating_add(needed) > self.limit {
            return Err(AppendError::ReadOnly);
        }
        let outcome = append.segment.append_in_memory(append, clock::wall_ms());
        if outcome.is_ok() {
            self.used.fetch_add(append.check.bytes, Ordering::Relaxed);
        }
        outcome
    }

    /// Counts the bytes below the head of a truncated segment as free.
    pub(super) fn forget_truncated(&self, segment: &Segment) {
        self.give_back(segment.forget_truncated());
    }

    /// Deletes a segment; false when somebody else did.
    pub(super) fn delete(&self, segment: &Segment) -> bool {
        let held = segment.delete_in_memory();
        self.give_back(held.unwrap_or(0));
        held.is_some()
    }

    /// The whole catalog, by key.
    pub(super) fn catalog(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        catalog
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    /// Applies changes to the catalog.
    pub(super) fn write_catalog(&self, changes: Vec<CatalogChange>) {
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => catalog.insert(key, value),
                None => catalog.remove(&key),
            };
        }
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
