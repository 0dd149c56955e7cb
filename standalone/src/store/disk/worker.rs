//! The storage thread: it takes everything that waits, writes it in one transaction, commits, and only then
//! shows the changes and answers.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use redb::Database;
use tokio::sync::mpsc;
use tracing::{debug, error};

use super::{
    DatabaseSlot,
    garbage::Garbage,
    group::{Draft, Group},
    operation::{Attempt, Operation},
    schema::Tables,
};
use crate::store::{
    clock,
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

/// Newest bytes of all segments kept in memory beside the disk, so that readers at the tail need not wait
/// for it, bytes.
const RECENT_BYTES: u64 = 64 * 1024 * 1024;

/// What an entry in the list of recent bytes is charged beside them.
const RECENT_OVERHEAD: u64 = 256;

/// Everything the storage thread owns.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) database: Arc<DatabaseSlot>,
    pub(super) names: Arc<Names>,
    pub(super) garbage: Garbage,
    pub(super) next_number: u64,
    pub(super) last_chunks: HashMap<u64, u64>,
    pub(super) recent: Recent,
    pub(super) stopped: Option<DiskError>,
}

impl Worker {
    /// Serves until nobody can ask any more.
    pub(super) fn run(mut self, mut operations: mpsc::Receiver<Operation>) {
        loop {
            let idle_work = !self.garbage.is_empty() && self.stopped.is_none();
            let first = match operations.try_recv() {
                Ok(operation) => Some(operation),
                Err(mpsc::error::TryRecvError::Disconnected) => break,
                Err(mpsc::error::TryRecvError::Empty) if idle_work => None,
                Err(mpsc::error::TryRecvError::Empty) => match operations.blocking_recv() {
                    Some(operation) => Some(operation),
                    None => break,
                },
            };
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
        }
        debug!("the storage thread ends");
    }

    fn serve(&mut self, mut group: Vec<Operation>) {
        if let Some(source) = &self.stopped {
            let error = StoreError::Stopped {
                source: source.clone(),
            };
            for operation in group {
                operation.fail(Attempt::TurnedAway, &error);
            }
            return;
        }
        match self.commit(&mut group) {
            Ok(changes) => {
                self.publish(changes);
                group.into_iter().for_each(Operation::deliver);
            }
            Err(failure) => {
                error!(error = %failure, "the disk failed; the store only reads from now on");
                let source = DiskError::from(failure);
                self.stopped = Some(source.clone());
                // A failed sync is never repeated and taken for a success: what the database shows is read
                // from the disk again, and nothing is written to it any more.
                self.database.reopen();
                let error = StoreError::Stopped { source };
                for operation in group {
                    operation.fail(Attempt::Begun, &error);
                }
            }
        }
    }

    /// Decides and writes a group in one transaction. When this returns, the changes are durable.
    fn commit(&mut self, operations: &mut [Operation]) -> Result<Changes, redb::Error> {
        let database = Arc::clone(&self.database);
        database.with(|database: &Database| {
            let transaction = database.begin_write()?;
            let mut tables = Tables::open(&transaction)?;
            let mut group = Group {
                tables: &mut tables,
                names: &self.names,
                last_chunks: &mut self.last_chunks,
                next_number: &mut self.next_number,
                now_ms: clock::wall_ms(),
                drafts: HashMap::new(),
                created: HashMap::new(),
                wrote: false,
            };
            for operation in operations {
                group.apply(operation)?;
            }
            let wrote = group.write()?;
            let changes = Changes {
                drafts: std::mem::take(&mut group.drafts),
                created: std::mem::take(&mut group.created).into_values().collect(),
            };
            let swept = self
                .garbage
                .sweep(&mut tables, &mut self.last_chunks, SWEEP)?;
            drop(tables);
            match wrote || swept {
                true => transaction.commit()?,
                false => transaction.abort()?,
            }
            Ok(changes)
        })
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

/// What a committed transaction changed.
struct Changes {
    drafts: HashMap<u64, Draft>,
    created: Vec<Arc<Segment>>,
}

/// The newest bytes of all segments, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: VecDeque<(Arc<Segment>, u64, u64)>,
    charged: u64,
}

impl Recent {
    fn add(&mut self, segment: Arc<Segment>, end: u64, bytes: u64) {
        let charge = bytes.saturating_add(RECENT_OVERHEAD);
        self.charged = self.charged.saturating_add(charge);
        self.entries.push_back((segment, end, charge));
        while self.charged > RECENT_BYTES {
            let Some((segment, end, charge)) = self.entries.pop_front() else {
                break;
            };
            self.charged = self.charged.saturating_sub(charge);
            segment.forget_below(end);
        }
    }
}
