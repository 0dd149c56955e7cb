//! The storage thread: it takes everything that waits, writes it in one transaction, commits, and only then
//! shows the changes and answers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use pravega_client_shared::planted::{self, Bug};
use redb::{Database, Durability};
use tokio::sync::mpsc;
use tracing::{debug, error};

use super::{
    OpenError,
    garbage::Garbage,
    group::{Draft, Group},
    operation::{Attempt, Operation},
    recent::Recent,
    room::Room,
    schema::Tables,
    slot::{Access, DatabaseSlot},
};
use crate::store::{
    error::{DiskError, StoreError},
    log::size,
    segment::{Published, Segment},
    table::Names,
};

/// A transaction takes no further operation from this size on, bytes: large enough that the sync at its end
/// costs little per byte, small enough that nobody waits long for the group ahead.
const MAX_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// The same as a count, for small operations.
const MAX_GROUP_OPERATIONS: usize = 8 * 1024;

/// Entries of garbage that a transaction removes beside its operations.
const SWEEP: usize = 512;

/// Everything the storage thread owns.
#[derive(Debug)]
pub(in crate::store) struct Worker {
    pub(super) database: Arc<DatabaseSlot>,
    pub(super) names: Arc<Names>,
    pub(super) garbage: Garbage,
    pub(super) next_number: u64,
    /// The number of the last group that is durable.
    pub(super) groups: u64,
    pub(super) last_chunks: HashMap<u64, u64>,
    pub(super) recent: Recent,
    pub(super) room: Room,
    pub(super) stopped: Option<DiskError>,
    /// Milliseconds since 1970.
    pub(super) clock: fn() -> i64,
}

impl Worker {
    /// Serves until nobody can ask any more.
    pub(super) fn run(mut self, mut operations: mpsc::Receiver<Operation>) {
        loop {
            if operations.is_closed() && operations.is_empty() {
                break;
            }
            if self.turn(None, &mut operations) {
                continue;
            }
            let Some(first) = operations.blocking_recv() else {
                break;
            };
            self.turn(Some(first), &mut operations);
        }
        debug!(name: "store.thread_ended", "the storage thread ends");
    }

    /// Serves what waits, behind `first`, in one transaction; without anything waiting it removes garbage.
    /// False when there was nothing to do.
    pub(in crate::store) fn turn(
        &mut self,
        first: Option<Operation>,
        operations: &mut mpsc::Receiver<Operation>,
    ) -> bool {
        let first = first.or_else(|| operations.try_recv().ok());
        let can_sweep = self.stopped.is_none() && self.room.can_sweep();
        if first.is_none() && (self.garbage.is_empty() || !can_sweep) {
            return false;
        }
        let mut bytes = first.as_ref().map_or(0, Operation::size);
        let mut group = Vec::from_iter(first);
        while bytes < MAX_GROUP_BYTES && group.len() < MAX_GROUP_OPERATIONS {
            let Ok(operation) = operations.try_recv() else {
                break;
            };
            bytes = bytes.saturating_add(operation.size());
            group.push(operation);
        }
        self.serve(group);
        true
    }

    fn serve(&mut self, mut group: Vec<Operation>) {
        if let Some(source) = &self.stopped {
            let error = StoreError::Stopped {
                source: source.clone(),
            };
            fail(group, Attempt::TurnedAway, &error);
            return;
        }
        self.room.look_again((self.clock)());
        if self.room.is_full() {
            let (turned_away, others) = group.into_iter().partition(Operation::needs_room);
            fail(turned_away, Attempt::TurnedAway, &StoreError::DiskFull);
            group = others;
        }
        let mut changes = Changes::default();
        let failure = match self.commit(&mut group, &mut changes) {
            Ok(()) => return self.finish(changes, group),
            Err(failure) => failure,
        };
        if !is_full(&failure) {
            return self.stop(failure, group);
        }
        let was_full = self.room.is_full();
        match self.make_room(&failure) {
            Some(Found::Everything) => self.finish(changes, group),
            // There is no room for making room either.
            Some(Found::Nothing) if was_full => {
                fail(group, Attempt::TurnedAway, &StoreError::DiskFull);
            }
            Some(Found::Nothing) => self.serve(group),
            None => self.stop(failure, group),
        }
    }

    /// A group is durable: it is shown, and answered.
    fn finish(&mut self, changes: Changes, group: Vec<Operation>) {
        self.groups = self.groups.saturating_add(u64::from(changes.is_counted));
        self.publish(changes);
        group.into_iter().for_each(Operation::deliver);
    }

    /// Decides and writes a group in one transaction. When this returns without an error, the changes are
    /// durable; with an error, they may be.
    fn commit(
        &mut self,
        operations: &mut [Operation],
        changes: &mut Changes,
    ) -> Result<(), redb::Error> {
        let database = Arc::clone(&self.database);
        database.with(|database: &Database| {
            let mut transaction = database.begin_write()?;
            let mut tables = Tables::open(&transaction)?;
            let mut group = Group {
                tables: &mut tables,
                names: &self.names,
                next_number: &mut self.next_number,
                now_ms: (self.clock)(),
                drafts: BTreeMap::new(),
                created: BTreeMap::new(),
                wrote: false,
            };
            for operation in operations {
                group.apply(operation)?;
            }
            let decided = group.decided();
            // Planted: the numbers are durable before the bytes.
            if planted::is_on(Bug::NumberInAnotherRecord) {
                drop(tables);
                transaction.commit()?;
                transaction = database.begin_write()?;
                tables = Tables::open(&transaction)?;
            }
            let wrote = decided.write(&mut tables, &mut self.last_chunks)?;
            let swept = self
                .garbage
                .sweep(&mut tables, &mut self.last_chunks, SWEEP)?;
            let is_counted = wrote || swept.is_some();
            if is_counted {
                tables.groups.insert((), self.groups.saturating_add(1))?;
            }
            drop(tables);
            *changes = Changes {
                bytes: decided.drafts.values().map(Draft::bytes).sum(),
                drafts: decided.drafts,
                created: decided.created.into_values().collect(),
                is_counted,
            };
            // Planted: what is shown may be lost.
            if planted::is_on(Bug::TailShownBeforeSync) {
                self.publish(std::mem::take(changes));
            }
            // Planted: nothing is synced.
            if planted::is_on(Bug::AckBeforeSync) {
                transaction.set_durability(Durability::None).ok();
            }
            match is_counted {
                true => transaction.commit()?,
                false => transaction.abort()?,
            }
            if wrote {
                self.room.used(changes.bytes);
            }
            self.room
                .was_made(swept.unwrap_or_default().bytes, self.garbage.is_empty());
            Ok(())
        })
    }

    /// The disk is full: gives up the reserve, and looks what has become of the last group. None when the
    /// store cannot go on.
    fn make_room(&mut self, failure: &redb::Error) -> Option<Found> {
        error!(name: "store.disk_full", error = %failure, "the disk is full; only what makes room is done from now on");
        self.room.is_used_up((self.clock)());
        let released = self.room.give_up_reserve();
        let recovered = match released.map_err(redb::Error::from) {
            Ok(()) => self.database.reopen(Access::Writing),
            Err(source) => Err(OpenError::Library { source }),
        };
        let recovered = match recovered {
            Ok(recovered) => recovered,
            Err(error) => {
                error!(name: "store.stopped", %error, "the store cannot go on");
                return None;
            }
        };
        self.garbage = recovered.garbage;
        self.next_number = self.next_number.max(recovered.next_number);
        self.last_chunks = HashMap::new();
        match recovered.groups.checked_sub(self.groups)? {
            0 => Some(Found::Nothing),
            1 => Some(Found::Everything),
            _ => None,
        }
    }

    /// Writes nothing any more.
    fn stop(&mut self, failure: redb::Error, group: Vec<Operation>) {
        error!(name: "store.disk_failed", error = %failure, "the disk failed; the store only reads from now on");
        let source = DiskError::from(failure);
        self.stopped = Some(source.clone());
        // A failed sync is never repeated and taken for a success: nothing more reaches the file.
        if let Err(error) = self.database.reopen(Access::Frozen) {
            error!(name: "store.reads_lost", %error, "old bytes cannot be read until the server is restarted");
        }
        fail(group, Attempt::Begun, &StoreError::Stopped { source });
    }

    /// Shows what has become durable.
    fn publish(&mut self, changes: Changes) {
        for (number, draft) in changes.drafts {
            if !draft.changed {
                continue;
            }
            if draft.deleted {
                self.names.remove(&draft.segment);
                self.garbage.truncated.remove(&number);
                self.garbage.deleted.insert(number);
            } else if draft
                .segment
                .state()
                .is_some_and(|s| s.start < draft.state.start)
            {
                self.garbage.truncated.insert(number, draft.state.start);
            }
            let bytes = draft.data.iter().map(|data| size(data)).sum();
            let end = draft.state.length;
            draft.segment.publish(Published {
                state: draft.state,
                deleted: draft.deleted,
                data: draft.data,
            });
            if bytes > 0 {
                self.recent.add(draft.segment, end, bytes);
            }
        }
        for segment in changes.created {
            self.names.insert(segment);
        }
    }
}

fn fail(group: Vec<Operation>, attempt: Attempt, error: &StoreError) {
    for operation in group {
        operation.fail(attempt, error);
    }
}

/// True for a failure to find room. One of a sync is never among them.
fn is_full(failure: &redb::Error) -> bool {
    matches!(failure, redb::Error::Io(error) if super::reserve::is_full(error))
}

/// What is there of a group whose commit failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Everything,
}

/// What a committed transaction changed.
#[derive(Debug, Default)]
struct Changes {
    drafts: BTreeMap<u64, Draft>,
    created: Vec<Arc<Segment>>,
    /// The bytes of its appends.
    bytes: u64,
    /// It has a number.
    is_counted: bool,
}
