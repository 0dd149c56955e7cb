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
    error::StoreError,
    segment::Segment,
    state::{AttributeUpdate, NO_VALUE, compare_and_set},
};

/// What a number under an id costs, bytes: a writer's last event number, mostly. It is counted like data, so
/// that ids without end fill the store instead of the machine, and none is ever forgotten.
pub(super) const ATTRIBUTE_COST: u64 = 64;

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
        if !self.has_room(append.check.bytes) {
            return Err(AppendError::ReadOnly);
        }
        let (length, cost) = append.segment.append_in_memory(append, clock::wall_ms())?;
        self.used.fetch_add(cost, Ordering::Relaxed);
        Ok(length)
    }

    /// Replaces an attribute if it has the expected value; false when it has another.
    pub(super) fn update_attribute(
        &self,
        segment: &Segment,
        update: AttributeUpdate,
    ) -> Result<bool, StoreError> {
        if !self.has_room(0) {
            return Err(StoreError::Full {
                what: "bytes",
                limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
            });
        }
        segment.change_in_memory(|state, attributes| {
            let stored = state.core_attribute(update.id);
            let stored = stored.or_else(|| attributes.get(&update.id).copied());
            let stored = stored.unwrap_or(NO_VALUE);
            let updated = compare_and_set(state, stored, update, clock::wall_ms())?;
            match (updated, update.value) {
                (false, _) => {}
                (true, NO_VALUE) if attributes.remove(&update.id).is_some() => {
                    self.give_back(ATTRIBUTE_COST);
                }
                (true, NO_VALUE) => {}
                (true, value) => {
                    if attributes.insert(update.id, value).is_none() {
                        self.used.fetch_add(ATTRIBUTE_COST, Ordering::Relaxed);
                    }
                }
            }
            Ok(updated)
        })
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

    /// Several connections may pass here at once and overshoot by one append each.
    fn has_room(&self, bytes: u64) -> bool {
        let needed = bytes.saturating_add(ATTRIBUTE_COST);
        self.used.load(Ordering::Relaxed).saturating_add(needed) <= self.limit
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use pravega_client_shared::WriterId;

    use super::{super::*, *};

    const SEGMENT: &str = "s/b/0.#epoch.0";

    /// The first append of a writer, of one byte.
    async fn first_append(segments: &Segments, id: u128) -> AppendOutcome {
        let writer = WriterId::from_wire(id);
        let (lease, last) = segments.set_up(SEGMENT, writer, 1).await.unwrap();
        assert_eq!(last, NO_VALUE);
        let append = Append {
            segment: Arc::clone(lease.segment()),
            right: Arc::clone(lease.right()),
            check: AppendCheck {
                writer,
                expected_number: last,
                expected_offset: -1,
                bytes: 1,
                events: 1,
            },
            number: i64::try_from(id).unwrap(),
            data: Bytes::from_static(b"x").into(),
        };
        match segments.append(append, || unreachable!()) {
            Submitted::Done(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn d11_a_writer_too_many_is_refused_and_none_is_forgotten() {
        let segments = Segments::in_memory(1, 100 * (ATTRIBUTE_COST + 1));
        segments.create(SEGMENT).await.unwrap();
        for id in 1..=100 {
            assert!(first_append(&segments, id).await.is_ok(), "{id}");
        }
        for id in 101..200 {
            let refused = first_append(&segments, id).await;
            assert_eq!(refused, Err(AppendError::ReadOnly));
        }
        for id in 1..=100 {
            let stored = segments.attribute(SEGMENT, id).await.unwrap();
            assert_eq!(stored, i64::try_from(id).unwrap());
        }
    }
}
