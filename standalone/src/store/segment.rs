//! One segment as everybody may see it: decided, durable, and with its newest bytes in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_wire_protocol::Payload;
use tokio::sync::oneshot;

use super::{
    append::{Append, AppendError, WriterLease, WriterRight},
    error::StoreError,
    log::Log,
    memory::ATTRIBUTE_COST,
    state::{NO_VALUE, ReadDecision, SegmentState},
    waiting::{Waiting, Wake},
};

/// A segment under its number. A name may come again after a deletion, a number never does.
#[derive(Debug)]
pub(crate) struct Segment {
    number: u64,
    name: Arc<str>,
    visible: Mutex<Visible>,
}

#[derive(Debug)]
struct Visible {
    state: SegmentState,
    deleted: bool,
    /// Numbers under 128-bit ids. Only the memory backend keeps them here.
    attributes: HashMap<u128, i64>,
    /// All bytes in the memory backend, the newest ones otherwise.
    log: Log,
    waiting: Waiting,
    rights: HashMap<WriterId, Arc<WriterRight>>,
}

/// What the lock of a segment says about a read.
#[derive(Debug)]
pub(super) enum ReadStep {
    /// Answered.
    Done(ReadOutcome),
    /// The bytes are no longer in memory: this many can be read from the disk.
    OnDisk(u64),
    /// Nothing to read yet; the other end says when to ask again.
    Parked(oneshot::Receiver<Wake>),
}

/// The answer to a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// Bytes from the offset on; none at the end of a sealed segment.
    Data {
        /// The bytes.
        data: Payload,
        /// The open segment ended before the request was filled.
        at_tail: bool,
        /// The sealed segment ended before the request was filled.
        end_of_segment: bool,
    },
    /// The offset lies below the head.
    Truncated {
        /// The head.
        start: u64,
    },
    /// The segment was sealed while the read waited.
    Sealed,
    /// The segment was deleted while the read waited.
    Deleted,
    /// No such segment.
    NoSuchSegment,
    /// An offset that no client may ask for.
    Illegal,
    /// No more reads may wait on this connection.
    TooManyParked,
    /// The disk failed.
    Failed,
}

/// Changes of a segment that have become durable together.
#[derive(Debug)]
pub(super) struct Published {
    /// Head, tail and seal from now on.
    pub(super) state: SegmentState,
    /// The segment is gone.
    pub(super) deleted: bool,
    /// The bytes between the old tail and the new one.
    pub(super) data: Vec<Bytes>,
}

impl Segment {
    /// A segment whose bytes below the tail are elsewhere, if it has any.
    pub(super) fn new(number: u64, name: Arc<str>, state: SegmentState) -> Self {
        Self {
            number,
            name,
            visible: Mutex::new(Visible {
                state,
                deleted: false,
                attributes: HashMap::new(),
                log: Log::starting_at(state.length),
                waiting: Waiting::default(),
                rights: HashMap::new(),
            }),
        }
    }

    /// The number: what keys and files are made of.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The name, for messages.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What is visible now; none when it was deleted.
    pub(super) fn state(&self) -> Option<SegmentState> {
        let visible = self.lock();
        (!visible.deleted).then_some(visible.state)
    }

    /// Gives a connection the right to append for a writer and takes it away from any other connection.
    pub(super) fn claim(
        self: &Arc<Self>,
        writer: WriterId,
        connection: u64,
    ) -> Result<WriterLease, StoreError> {
        let mut visible = self.lock();
        if visible.deleted {
            return Err(StoreError::NoSuchSegment);
        }
        let right = Arc::new(WriterRight::new(connection));
        let before = visible.rights.insert(writer, Arc::clone(&right));
        // A second setup on the same connection replaces the first, whose appends are ahead of it in order.
        if let Some(before) = before.filter(|before| before.connection() != connection) {
            before.revoke();
        }
        Ok(WriterLease {
            segment: Arc::clone(self),
            writer,
            right,
        })
    }

    /// Takes a right back, unless somebody else has it by now.
    pub(super) fn release(&self, writer: WriterId, right: &Arc<WriterRight>) {
        let mut visible = self.lock();
        if visible
            .rights
            .get(&writer)
            .is_some_and(|held| Arc::ptr_eq(held, right))
        {
            visible.rights.remove(&writer);
        }
    }

    /// Decides about an append, stores it in memory and shows it, all at once. Returns the new tail, and the
    /// memory it took in bytes.
    pub(super) fn append_in_memory(
        &self,
        append: &Append,
        now_ms: i64,
    ) -> Result<(u64, u64), AppendError> {
        let mut visible = self.lock();
        if visible.deleted {
            return Err(AppendError::NoSuchSegment);
        }
        if append.right.is_revoked() {
            return Err(AppendError::Fenced);
        }
        let id = append.check.writer.as_u128();
        let stored = visible.attributes.get(&id).copied().unwrap_or(NO_VALUE);
        visible
            .state
            .append(stored, &append.check, now_ms)
            .map_err(AppendError::Refused)?;
        let mut cost = append.check.bytes;
        if visible.attributes.insert(id, append.number).is_none() {
            cost = cost.saturating_add(ATTRIBUTE_COST);
        }
        for bytes in append.data.chunks() {
            visible.log.push(bytes.clone());
        }
        let length = visible.state.length;
        visible.waiting.wake_below(length);
        Ok((length, cost))
    }

    /// Changes a segment that lives in memory. `change` also gets the attributes.
    pub(super) fn change_in_memory<T>(
        &self,
        change: impl FnOnce(&mut SegmentState, &mut HashMap<u128, i64>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut visible = self.lock();
        if visible.deleted {
            return Err(StoreError::NoSuchSegment);
        }
        let Visible {
            state, attributes, ..
        } = &mut *visible;
        let result = change(state, attributes)?;
        visible.settle();
        Ok(result)
    }

    /// Deletes a segment that lives in memory; returns how many bytes it held, none when it was gone.
    pub(super) fn delete_in_memory(&self) -> Option<u64> {
        let mut visible = self.lock();
        if visible.deleted {
            return None;
        }
        let attributes = u64::try_from(visible.attributes.len()).unwrap_or(u64::MAX);
        let held = (visible.log.end() - visible.log.start())
            .saturating_add(attributes.saturating_mul(ATTRIBUTE_COST));
        visible.deleted = true;
        visible.settle();
        Some(held)
    }

    /// Forgets bytes below the head; returns how many.
    pub(super) fn forget_truncated(&self) -> u64 {
        let mut visible = self.lock();
        let start = visible.state.start;
        visible.log.forget_below(start)
    }

    /// Forgets bytes below `offset` that the disk has too.
    pub(super) fn forget_below(&self, offset: u64) {
        self.lock().log.forget_below(offset);
    }

    /// Shows changes that have become durable, and wakes the reads that waited for them.
    pub(super) fn publish(&self, published: Published) {
        let mut visible = self.lock();
        visible.state = published.state;
        visible.deleted |= published.deleted;
        for bytes in published.data {
            visible.log.push(bytes);
        }
        let start = visible.state.start;
        visible.log.forget_below(start);
        visible.settle();
    }

    /// What a read gets at this moment.
    pub(super) fn read(&self, offset: i64, size: u64, woken: bool) -> ReadStep {
        let mut visible = self.lock();
        if visible.deleted {
            return ReadStep::Done(match woken {
                true => ReadOutcome::Deleted,
                false => ReadOutcome::NoSuchSegment,
            });
        }
        let at = offset.max(0).cast_unsigned();
        match visible.state.read(offset, size) {
            ReadDecision::Illegal => ReadStep::Done(ReadOutcome::Illegal),
            ReadDecision::Truncated => ReadStep::Done(ReadOutcome::Truncated {
                start: visible.state.start,
            }),
            ReadDecision::End => ReadStep::Done(ReadOutcome::Data {
                data: Payload::new(),
                at_tail: false,
                end_of_segment: true,
            }),
            ReadDecision::Park => ReadStep::Parked(visible.waiting.park(at)),
            ReadDecision::Data { bytes, .. } if at < visible.log.start() => {
                ReadStep::OnDisk(bytes.min(visible.log.start() - at))
            }
            ReadDecision::Data {
                bytes,
                at_tail,
                end_of_segment,
            } => ReadStep::Done(ReadOutcome::Data {
                data: visible.log.read(at, bytes),
                // The real server says so of every read that waited, whatever has arrived since.
                at_tail: at_tail || (woken && !visible.state.sealed),
                end_of_segment,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Visible> {
        // Nothing below panics half way through a change; a poisoned lock still guards whole states.
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visible {
    /// Wakes whoever waits for what has just changed.
    fn settle(&mut self) {
        if self.deleted {
            self.log = Log::starting_at(self.state.length);
            self.attributes = HashMap::new();
            self.waiting.wake_all(Wake::Deleted);
            return;
        }
        self.waiting.wake_below(self.state.length);
        if self.state.sealed {
            self.waiting.wake_all(Wake::Sealed);
        }
    }
}
