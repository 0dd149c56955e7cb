//! Names to segments.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{error::StoreError, segment::Segment};

/// Every segment that is there, by name. A name is only a key: no part of it ever reaches a path.
#[derive(Debug)]
pub(super) struct Names {
    segments: RwLock<HashMap<Arc<str>, Arc<Segment>>>,
    limit: usize,
}

impl Names {
    /// A table for at most `limit` segments, with those of a recovered store.
    pub(super) fn new(limit: usize, segments: Vec<Arc<Segment>>) -> Self {
        let named = segments.into_iter().map(|s| (Arc::clone(s.name()), s));
        Self {
            segments: RwLock::new(named.collect()),
            limit,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.len()
    }

    /// The segment of this name.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.get(name).cloned()
    }

    /// Says no when `coming` segments more would leave no room for another.
    pub(super) fn check_room(&self, coming: usize) -> Result<(), StoreError> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        self.room(segments.len().saturating_add(coming))
    }

    /// Adds a segment unless its name is taken; true when it was added.
    pub(super) fn insert_new(
        &self,
        name: &str,
        make: impl FnOnce(Arc<str>) -> Segment,
    ) -> Result<bool, StoreError> {
        let mut segments = self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if segments.contains_key(name) {
            return Ok(false);
        }
        self.room(segments.len())?;
        let name: Arc<str> = name.into();
        segments.insert(Arc::clone(&name), Arc::new(make(name)));
        Ok(true)
    }

    /// Adds or replaces a segment under its name.
    pub(super) fn insert(&self, segment: Arc<Segment>) {
        let mut segments = self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        segments.insert(Arc::clone(segment.name()), segment);
    }

    /// Takes a segment out, unless another has its name by now.
    pub(super) fn remove(&self, segment: &Arc<Segment>) {
        let mut segments = self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if segments
            .get(segment.name())
            .is_some_and(|found| Arc::ptr_eq(found, segment))
        {
            segments.remove(segment.name());
        }
    }

    fn room(&self, taken: usize) -> Result<(), StoreError> {
        match taken < self.limit {
            true => Ok(()),
            false => Err(StoreError::Full {
                what: "segments",
                limit: self.limit,
            }),
        }
    }
}
