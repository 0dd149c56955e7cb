//! A group of operations inside one write transaction: decided one after the other, written together.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::Arc,
};

use bytes::Bytes;
use redb::ReadableTable;

use super::{
    chunks::write_bytes,
    operation::{Operation, attribute_of},
    schema::{Tables, encode_record},
};
use crate::store::{
    append::{Append, AppendError, AppendOutcome},
    error::StoreError,
    log::size,
    segment::Segment,
    state::{AttributeUpdate, NO_VALUE, Policy, SegmentState, compare_and_set},
    table::Names,
};

/// What changed in a segment and is not yet durable.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) segment: Arc<Segment>,
    pub(super) state: SegmentState,
    pub(super) deleted: bool,
    /// The bytes behind the tail as everybody sees it.
    pub(super) data: Vec<Bytes>,
    /// The tail as everybody sees it.
    pub(super) visible_length: u64,
    /// There is something to write and to show.
    pub(super) changed: bool,
}

/// A write transaction in the making.
pub(super) struct Group<'a, 'txn> {
    pub(super) tables: &'a mut Tables<'txn>,
    pub(super) names: &'a Names,
    pub(super) next_number: &'a mut u64,
    pub(super) now_ms: i64,
    pub(super) drafts: BTreeMap<u64, Draft>,
    pub(super) created: BTreeMap<Arc<str>, Arc<Segment>>,
    /// True when a table was changed directly.
    pub(super) wrote: bool,
}

/// Changes of segments on their way into the tables.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) drafts: BTreeMap<u64, Draft>,
    pub(super) created: BTreeMap<Arc<str>, Arc<Segment>>,
    wrote: bool,
}

/// What the storage library allows.
pub(super) type DiskResult<T> = Result<T, redb::Error>;

impl Group<'_, '_> {
    /// Decides one operation and notes the answer in it. An error is one of the disk, and ends the group.
    pub(super) fn apply(&mut self, operation: &mut Operation) -> DiskResult<()> {
        match operation {
            Operation::Create(name, policy, reply) => reply.decide(self.create(name, *policy)),
            Operation::Seal(segment, reply) => {
                let now = self.now_ms;
                reply.decide(self.change(segment, |state| Ok(state.seal(now))));
            }
            Operation::Truncate(segment, offset, reply) => {
                let (offset, now) = (*offset, self.now_ms);
                reply.decide(self.change(segment, |state| state.truncate_or_refuse(offset, now)));
            }
            Operation::Delete(segment, reply) => reply.decide(self.delete(segment)),
            Operation::SetPolicy(segment, policy, reply) => {
                let policy = *policy;
                reply.decide(self.change(segment, |state| state.set_policy(policy)));
            }
            Operation::Attribute(segment, id, reply) => {
                let value = self.attribute(segment, *id)?;
                reply.decide(value.ok_or(StoreError::NoSuchSegment));
            }
            Operation::UpdateAttribute(segment, update, reply) => {
                reply.decide(self.update_attribute(segment, *update)?);
            }
            Operation::Append(append, ticket) => ticket.decide(self.append(append)?),
            Operation::Catalog(changes, reply) => {
                for (key, value) in changes.iter() {
                    match value {
                        Some(value) => self.tables.catalog.insert(&key[..], &value[..])?,
                        None => self.tables.catalog.remove(&key[..])?,
                    };
                }
                self.wrote |= !changes.is_empty();
                reply.decide(Ok(()));
            }
        }
        Ok(())
    }

    /// What was decided, to be written.
    pub(super) fn decided(self) -> Decided {
        Decided {
            drafts: self.drafts,
            created: self.created,
            wrote: self.wrote,
        }
    }

    fn create(&mut self, name: &Arc<str>, policy: Policy) -> Result<bool, StoreError> {
        let visible = self.names.find(name);
        let gone = |segment: &Arc<Segment>| {
            let draft = self.drafts.get(&segment.number());
            draft.is_some_and(|draft| draft.deleted)
        };
        if visible.is_some_and(|segment| !gone(&segment)) || self.created.contains_key(name) {
            return Ok(false);
        }
        self.names.check_room(self.created.len())?;
        let number = *self.next_number;
        *self.next_number = number.saturating_add(1);
        let state = SegmentState::new(policy, self.now_ms);
        let segment = Arc::new(Segment::new(number, Arc::clone(name), state));
        self.created.insert(Arc::clone(name), Arc::clone(&segment));
        let draft = Draft::new(segment, state);
        self.drafts.insert(
            number,
            Draft {
                changed: true,
                ..draft
            },
        );
        Ok(true)
    }

    fn delete(&mut self, segment: &Arc<Segment>) -> Result<(), StoreError> {
        let draft = self.draft(segment).ok_or(StoreError::NoSuchSegment)?;
        draft.deleted = true;
        draft.changed = true;
        draft.data = Vec::new();
        Ok(())
    }

    fn change<T>(
        &mut self,
        segment: &Arc<Segment>,
        change: impl FnOnce(&mut SegmentState) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let draft = self.draft(segment).ok_or(StoreError::NoSuchSegment)?;
        let before = draft.state;
        let result = change(&mut draft.state)?;
        draft.changed |= draft.state != before;
        Ok(result)
    }

    fn append(&mut self, append: &Append) -> DiskResult<AppendOutcome> {
        if append.right.is_revoked() {
            return Ok(Err(AppendError::Fenced));
        }
        let now_ms = self.now_ms;
        let id = attribute_of(append.check.writer);
        let Some(stored) = self.attribute(&append.segment, id)? else {
            return Ok(Err(AppendError::NoSuchSegment));
        };
        let Some(draft) = self.draft(&append.segment) else {
            return Ok(Err(AppendError::NoSuchSegment));
        };
        if let Err(refusal) = draft.state.append(stored, &append.check, now_ms) {
            return Ok(Err(AppendError::Refused(refusal)));
        }
        draft.changed = true;
        draft.data.extend_from_slice(append.data.chunks());
        let length = draft.state.length;
        let key = (append.segment.number(), id);
        self.tables.attributes.insert(key, append.number)?;
        Ok(Ok(length))
    }

    fn attribute(&mut self, segment: &Arc<Segment>, id: u128) -> DiskResult<Option<i64>> {
        let Some(draft) = self.draft(segment) else {
            return Ok(None);
        };
        if let Some(value) = draft.state.core_attribute(id) {
            return Ok(Some(value));
        }
        let stored = self.tables.attributes.get((segment.number(), id))?;
        Ok(Some(stored.map_or(NO_VALUE, |value| value.value())))
    }

    fn update_attribute(
        &mut self,
        segment: &Arc<Segment>,
        update: AttributeUpdate,
    ) -> DiskResult<Result<bool, StoreError>> {
        let Some(stored) = self.attribute(segment, update.id)? else {
            return Ok(Err(StoreError::NoSuchSegment));
        };
        let now_ms = self.now_ms;
        let updated = self.change(segment, |state| {
            compare_and_set(state, stored, update, now_ms)
        });
        if matches!(updated, Ok(true)) {
            let key = (segment.number(), update.id);
            match update.value {
                NO_VALUE => self.tables.attributes.remove(key)?,
                value => self.tables.attributes.insert(key, value)?,
            };
            self.wrote = true;
        }
        Ok(updated)
    }

    /// What is decided about a segment so far; none when it is gone.
    fn draft(&mut self, segment: &Arc<Segment>) -> Option<&mut Draft> {
        let draft = match self.drafts.entry(segment.number()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Draft::new(Arc::clone(segment), segment.state()?)),
        };
        (!draft.deleted).then_some(draft)
    }
}

impl Decided {
    /// Writes the bytes and records of everything decided; true when there is something to commit.
    pub(super) fn write(
        &self,
        tables: &mut Tables<'_>,
        last_chunks: &mut HashMap<u64, u64>,
    ) -> DiskResult<bool> {
        for (number, draft) in &self.drafts {
            if draft.deleted {
                tables.segments.remove(number)?;
                tables.garbage.insert(number, ())?;
                last_chunks.remove(number);
                continue;
            }
            write_bytes(tables, last_chunks, *number, draft)?;
            if draft.changed {
                let record = encode_record(draft.segment.name(), &draft.state);
                tables.segments.insert(number, &record[..])?;
            }
        }
        Ok(self.wrote || self.drafts.values().any(|draft| draft.changed))
    }
}

impl Draft {
    fn new(segment: Arc<Segment>, state: SegmentState) -> Self {
        Self {
            segment,
            state,
            deleted: false,
            data: Vec::new(),
            visible_length: state.length,
            changed: false,
        }
    }

    /// How many bytes it brings.
    pub(super) fn bytes(&self) -> u64 {
        self.data.iter().map(|data| size(data)).sum()
    }
}
