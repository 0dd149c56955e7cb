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
mod data_file;
mod directory;
mod folder;
mod frozen;
mod garbage;
mod group;
pub(in crate::store) mod operation;
mod pages;
mod reader;
mod recent;
mod recovery;
mod reserve;
mod room;
mod schema;
mod slot;
#[cfg(test)]
mod tests;
mod worker;

use std::{collections::HashMap, sync::Arc, thread};

use bytes::Bytes;
use pravega_wire_protocol::Payload;
use redb::{Database, ReadableDatabase, ReadableTable};
use snafu::{ResultExt, Snafu};
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use self::folder::{Folder, FolderLock, StoredFile, SystemFolder};
pub(in crate::store) use self::{
    directory::Directory, recovery::RecoverError, reserve::RESERVE, schema::CACHE, worker::Worker,
};
use self::{
    operation::{Operation, Reply},
    recent::Recent,
    recovery::Recovered,
    reserve::Reserve,
    room::Room,
    slot::DatabaseSlot,
};
use super::{
    CatalogLine,
    append::{Append, Ticket},
    error::{DamagedSnafu, DirectoryError, IoSnafu, StoreError},
    segment::Segment,
    table::Names,
};

/// The version of the format that this server writes.
pub(in crate::store) const FORMAT_VERSION: u64 = 2;

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
pub(crate) struct Postponed(Box<Operation>);

/// What is needed to know that the storage thread has ended and given up its directory.
#[derive(Debug)]
pub(crate) struct StorageThread(oneshot::Receiver<()>);

/// Why a database could not be opened.
#[derive(Debug, Snafu)]
pub(in crate::store) enum OpenError {
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

/// Bounds of the backend.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct DiskOptions {
    /// Segments.
    pub(in crate::store) max_segments: usize,
    /// Bytes read from the disk that wait for their readers.
    pub(in crate::store) max_cold_bytes: usize,
    /// What the library keeps of its file in memory, bytes.
    pub(in crate::store) cache: usize,
    /// Room kept for making room, bytes.
    pub(in crate::store) reserve: u64,
    /// The wall clock, milliseconds since 1970.
    pub(in crate::store) clock: fn() -> i64,
}

/// A backend whose thread has not started.
#[derive(Debug)]
pub(in crate::store) struct Opened {
    pub(in crate::store) disk: Disk,
    pub(in crate::store) names: Arc<Names>,
    pub(in crate::store) worker: Worker,
    pub(in crate::store) operations: mpsc::Receiver<Operation>,
}

impl Opened {
    /// Opens the database in a directory and recovers what is in it. Blocks.
    pub(in crate::store) fn new(
        directory: &Directory,
        options: &DiskOptions,
    ) -> Result<Self, DirectoryError> {
        let path = directory.folder().path();
        let damaged = DamagedSnafu { directory: path };
        let file = directory.database()?;
        let reserve = Reserve::open(Arc::clone(directory.folder()), options.reserve);
        let mut reserve = reserve.context(IoSnafu {
            action: "keep room in",
            path,
        })?;
        let mut opened = DatabaseSlot::open(Arc::clone(&file), options.cache);
        // A database that was not closed is written to before it can be read.
        if opened.as_ref().is_err_and(OpenError::is_full) && reserve.is_held() {
            reserve.release().context(IoSnafu {
                action: "make room in",
                path,
            })?;
            opened = DatabaseSlot::open(file, options.cache);
        }
        let (database, recovered) = opened.map_err(Box::from).context(damaged)?;
        let Recovered {
            segments,
            garbage,
            next_number,
            groups,
        } = recovered;
        let names = Arc::new(Names::new(options.max_segments, segments));
        let database = Arc::new(database);
        let (sender, operations) = mpsc::channel(QUEUE);
        let worker = Worker {
            database: Arc::clone(&database),
            names: Arc::clone(&names),
            garbage,
            next_number,
            groups,
            last_chunks: HashMap::new(),
            recent: Recent::default(),
            room: Room::new(reserve),
            stopped: None,
            clock: options.clock,
        };
        let max_cold_bytes = options.max_cold_bytes.min(Semaphore::MAX_PERMITS);
        let disk = Disk {
            operations: sender,
            database,
            cold_reads: Semaphore::new(COLD_READS),
            cold_bytes: Arc::new(Semaphore::new(max_cold_bytes)),
        };
        Ok(Self {
            disk,
            names,
            worker,
            operations,
        })
    }

    /// Starts the storage thread. `guard` is dropped when it ends.
    pub(in crate::store) fn start(
        self,
        guard: impl Send + 'static,
    ) -> Result<(Disk, Arc<Names>, StorageThread), OpenError> {
        let Self {
            disk,
            names,
            worker,
            operations,
        } = self;
        let (ended, ending) = oneshot::channel();
        let slot = Arc::clone(&disk.database);
        let run = move || {
            worker.run(operations);
            slot.close();
            drop(guard);
            // Nobody has to wait for the end.
            ended.send(()).ok();
        };
        let builder = thread::Builder::new().name("pravega-storage".to_owned());
        builder.spawn(run).context(ThreadSnafu)?;
        Ok((disk, names, StorageThread(ending)))
    }
}

impl OpenError {
    fn is_full(&self) -> bool {
        let is_full = |error: &redb::Error| match error {
            redb::Error::Io(error) => reserve::is_full(error),
            _ => false,
        };
        matches!(self, Self::Library { source } if is_full(source))
    }
}

impl Disk {
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
            Err(mpsc::error::TrySendError::Full(operation)) => Some(Postponed(Box::new(operation))),
        }
    }

    /// Waits for room in the queue.
    pub(super) async fn submit(&self, postponed: Postponed) {
        // A closed queue drops the ticket, which tells the connection.
        self.operations.send(*postponed.0).await.ok();
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

    /// As [`Self::read`], on the calling thread.
    pub(super) fn read_here(
        &self,
        segment: &Segment,
        offset: u64,
        max: u64,
    ) -> Result<Payload, StoreError> {
        let number = segment.number();
        let read = |database: &_| reader::read_bytes(database, number, offset, max);
        let bytes = self.database.with(read).map_err(unreadable)?;
        Ok(Bytes::from(bytes).into())
    }

    /// The whole catalog, by key.
    pub(super) async fn catalog(&self) -> Result<Vec<CatalogLine>, StoreError> {
        let slot = Arc::clone(&self.database);
        self.blocking(move || slot.with(read_catalog)).await
    }

    /// As [`Self::catalog`], on the calling thread.
    pub(super) fn catalog_here(&self) -> Result<Vec<CatalogLine>, StoreError> {
        self.database.with(read_catalog).map_err(unreadable)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        match tokio::task::spawn_blocking(read).await {
            Ok(result) => result.map_err(unreadable),
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

fn read_catalog(database: &Database) -> Result<Vec<CatalogLine>, redb::Error> {
    let table = database.begin_read()?.open_table(schema::CATALOG)?;
    let mut catalog = Vec::new();
    for entry in table.iter()? {
        let (key, value) = entry?;
        catalog.push((key.value().to_vec(), value.value().to_vec()));
    }
    Ok(catalog)
}

fn unreadable(error: redb::Error) -> StoreError {
    StoreError::Unreadable {
        source: error.into(),
    }
}
