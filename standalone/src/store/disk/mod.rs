//! The backend that keeps everything in a directory, through a storage library.
//!
//! ```text
//!  connections ──operations──► storage thread: decide, write, commit ──► show ──► answer
//!       ▲                                         │
//!       └──────── reads of old bytes ◄──── database (read transactions, blocking pool)
//! ```
//!
//! One thread owns all writing. It takes every operation that waits, up to a bound, decides them in order
//! with the pure state machine of the segment, writes bytes, tails and writers' numbers in one transaction,
//! commits with a sync, and only then shows the changes and answers. So an answer is never ahead of the disk,
//! nor is anything that a reader, an info request or a setup can see.

mod chunks;
mod directory;
mod garbage;
mod group;
pub(in crate::store) mod operation;
mod reader;
mod recovery;
mod schema;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    thread,
};

use pravega_wire_protocol::Payload;
use redb::{Database, ReadableDatabase, ReadableTable};
use snafu::{ResultExt, Snafu};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::error;

pub(in crate::store) use self::{directory::Directory, schema::DatabaseOpener};
use self::{
    operation::{Operation, Reply},
    recovery::{RecoverError, Recovered, recover},
    worker::{Recent, Worker},
};
use super::{
    append::{Append, Ticket},
    error::StoreError,
    segment::Segment,
    table::Names,
};

/// The version of the format that this server writes.
pub(in crate::store) const FORMAT_VERSION: u64 = 1;

/// Operations on their way to the storage thread. What they may hold in memory has a bound of its own.
const QUEUE: usize = 16 * 1024;

/// Reads from the disk at the same time: enough to keep one disk busy, few enough to leave the runtime's
/// blocking threads to others.
const COLD_READS: usize = 8;

/// The storage thread, from outside.
#[derive(Debug)]
pub(super) struct Disk {
    operations: mpsc::Sender<Operation>,
    database: Arc<DatabaseSlot>,
    cold_reads: Semaphore,
    cold_bytes: Arc<Semaphore>,
}

/// An append that found the queue full.
#[derive(Debug)]
pub(crate) struct Postponed(Operation);

/// What is needed to know that the storage thread has ended and given up its directory.
#[derive(Debug)]
pub(crate) struct StorageThread(oneshot::Receiver<()>);

/// Why a database could not be opened.
#[derive(Debug, Snafu)]
pub(super) enum OpenError {
    /// The storage library says no.
    #[snafu(display("the storage library cannot open it"))]
    Library {
        /// What it says.
        source: redb::Error,
    },
    /// The content is not what it must be.
    #[snafu(display("its content is damaged"))]
    Content {
        /// What is wrong.
        source: RecoverError,
    },
    /// The system has no thread for us.
    #[snafu(display("cannot start the storage thread"))]
    Thread {
        /// What it says.
        source: std::io::Error,
    },
}

impl Disk {
    /// Opens a database, recovers what is in it and starts the storage thread. Blocks.
    ///
    /// `guard` is dropped when the thread ends.
    pub(super) fn open(
        opener: DatabaseOpener,
        max_segments: usize,
        max_cold_bytes: usize,
        guard: impl Send + 'static,
    ) -> Result<(Self, Arc<Names>, StorageThread), OpenError> {
        let database = opener().context(LibrarySnafu)?;
        let Recovered {
            segments,
            garbage,
            next_number,
        } = recover(&database).context(ContentSnafu)?;
        let names = Arc::new(Names::new(max_segments, segments));
        let database = Arc::new(DatabaseSlot {
            opener,
            database: RwLock::new(Some(database)),
        });
        let worker = Worker {
            database: Arc::clone(&database),
            names: Arc::clone(&names),
            garbage,
            next_number,
            last_chunks: HashMap::new(),
            recent: Recent::default(),
            stopped: None,
        };
        let (operations, receiver) = mpsc::channel(QUEUE);
        let (ended, ending) = oneshot::channel();
        let slot = Arc::clone(&database);
        let run = move || {
            worker.run(receiver);
            slot.close();
            drop(guard);
            // Nobody has to wait for the end.
            ended.send(()).ok();
        };
        let builder = thread::Builder::new().name("pravega-storage".to_owned());
        builder.spawn(run).context(ThreadSnafu)?;
        let disk = Self {
            operations,
            database,
            cold_reads: Semaphore::new(COLD_READS),
            cold_bytes: Arc::new(Semaphore::new(max_cold_bytes.min(Semaphore::MAX_PERMITS))),
        };
        Ok((disk, names, StorageThread(ending)))
    }

    /// Asks the storage thread and waits for its answer.
    pub(super) async fn call<T>(
        &self,
        operation: impl FnOnce(Reply<T>) -> Operation,
    ) -> Result<T, StoreError> {
        let (reply, answer) = Reply::new();
        let sent = self.operations.send(operation(reply)).await;
        sent.map_err(|_| StoreError::ShuttingDown)?;
        answer.await.unwrap_or(Err(StoreError::ShuttingDown))
    }

    /// Hands an append to the storage thread without waiting; gives it back when the queue is full.
    pub(super) fn append(&self, append: Append, ticket: Ticket) -> Option<Postponed> {
        match self.operations.try_send(Operation::Append(append, ticket)) {
            // A closed queue drops the ticket, which tells the connection.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => None,
            Err(mpsc::error::TrySendError::Full(operation)) => Some(Postponed(operation)),
        }
    }

    /// Waits for room in the queue.
    pub(super) async fn submit(&self, postponed: Postponed) {
        // A closed queue drops the ticket, which tells the connection.
        self.operations.send(postponed.0).await.ok();
    }

    /// Reads bytes that are no longer in memory: fewer than asked, or none, where a truncation was faster.
    pub(super) async fn read(
        &self,
        segment: &Segment,
        offset: u64,
        max: u64,
    ) -> Result<Payload, StoreError> {
        let share = u32::try_from(max).unwrap_or(u32::MAX);
        let share = Arc::clone(&self.cold_bytes).acquire_many_owned(share).await;
        let share = share.map_err(|_| StoreError::ShuttingDown)?;
        let _turn = self.cold_reads.acquire().await;
        let (slot, number) = (Arc::clone(&self.database), segment.number());
        let read = move || slot.with(|database| reader::read_bytes(database, number, offset, max));
        let bytes = self.blocking(read).await?;
        Ok(reader::hold(bytes, share))
    }

    /// The whole catalog, by key.
    pub(super) async fn catalog(&self) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let slot = Arc::clone(&self.database);
        self.blocking(move || {
            slot.with(|database| {
                let table = database.begin_read()?.open_table(schema::CATALOG)?;
                let mut catalog = Vec::new();
                for entry in table.iter()? {
                    let (key, value) = entry?;
                    catalog.push((key.value().to_vec(), value.value().to_vec()));
                }
                Ok(catalog)
            })
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        match tokio::task::spawn_blocking(read).await {
            Ok(result) => result.map_err(|error| StoreError::Unreadable {
                source: error.into(),
            }),
            // The runtime is shutting down, or the library met something it did not expect.
            Err(_) => Err(StoreError::ShuttingDown),
        }
    }
}

impl StorageThread {
    /// Waits until everything is written and the directory is free again.
    pub(crate) async fn ended(self) {
        // A thread that panicked has ended too.
        self.0.await.ok();
    }
}

/// The database, which is closed at the end and opened again after a failure.
pub(super) struct DatabaseSlot {
    opener: DatabaseOpener,
    database: RwLock<Option<Database>>,
}

impl DatabaseSlot {
    /// Uses the database, if it is open.
    fn with<T>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database
            .as_ref()
            .map_or(Err(redb::Error::DatabaseClosed), read)
    }

    /// Closes the database and opens it again, for reading what was durable before a failure.
    fn reopen(&self) {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *database = None;
        match (self.opener)() {
            Ok(opened) => *database = Some(opened),
            Err(error) => error!(%error, "old bytes cannot be read until the server is restarted"),
        }
    }

    fn close(&self) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl std::fmt::Debug for DatabaseSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSlot").finish_non_exhaustive()
    }
}
