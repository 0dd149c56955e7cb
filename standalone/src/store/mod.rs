//! The segment store behind both services.
//!
//! | file | role |
//! | --- | --- |
//! | `state` | decides: appends, seals, truncations, reads (pure) |
//! | `log.rs` | bytes in memory, read without copying (pure) |
//! | `waiting.rs` | reads parked at the tail |
//! | `segment.rs` | one segment as everybody may see it |
//! | `read.rs` | reads: from memory, from the disk, or when there is something |
//! | `append.rs` | one append, and the promise of an answer |
//! | `memory.rs`, `disk/` | the two backends |
//! | `stepped/` | the disk backend without a thread, for whoever wants to see every step |
//!
//! A backend answers only when a change can no longer be lost: the memory backend at once, under the lock of
//! the segment; the disk backend after the sync of the transaction that holds it. Nothing is visible earlier.

mod append;
mod clock;
mod disk;
mod error;
mod log;
mod memory;
mod read;
mod segment;
mod state;
mod stepped;
mod table;
mod waiting;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use pravega_client_shared::WriterId;
use snafu::ResultExt;

pub(crate) use self::{
    append::{
        Append, AppendError, AppendOutcome, AppendSink, AppendTag, Appended, Ticket, WriterLease,
    },
    disk::{Postponed, StorageThread},
    segment::{ReadOutcome, Segment},
    state::{AppendCheck, AppendRefusal, AttributeUpdate, NO_VALUE, Policy, read_size},
};
use self::{
    disk::{
        CACHE, Directory, Disk, DiskOptions, FORMAT_VERSION, Opened, RESERVE, operation::Operation,
    },
    error::DamagedSnafu,
    memory::Memory,
    state::SegmentState,
    table::Names,
};
pub use self::{
    disk::{Folder, FolderLock, StoredFile, SystemFolder},
    error::{DirectoryError, DiskError, StoreError},
    stepped::{
        AppendFailure, Appending, Extent, NewAppend, Pending, Read, Requests, SteppedOptions,
        SteppedStore, Writer,
    },
};

/// What is known about a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    /// The first readable offset.
    pub(crate) start: u64,
    /// The offset of the next byte, counted from the first byte ever.
    pub(crate) length: u64,
    /// No more appends.
    pub(crate) sealed: bool,
    /// Wall clock, milliseconds since 1970.
    pub(crate) last_modified_ms: i64,
}

/// One change of the catalog: a key, and its new value or none to delete it.
pub(crate) type CatalogChange = (Vec<u8>, Option<Vec<u8>>);

/// One line of the catalog: its key and its value.
pub(crate) type CatalogLine = (Vec<u8>, Vec<u8>);

/// A handle to the segment store; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Segments {
    store: Arc<Store>,
}

#[derive(Debug)]
struct Store {
    names: Arc<Names>,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Memory {
        memory: Memory,
        next_number: AtomicU64,
    },
    Disk(Disk),
}

/// How far an append got at once.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// It is over.
    Done(AppendOutcome),
    /// The ticket tells the outcome, after a sync.
    Queued,
    /// The queue of the storage thread is full: wait with [`Segments::submit`].
    Postponed(Postponed),
}

impl Segments {
    /// A store in memory for at most `max_bytes` bytes of appends.
    pub(crate) fn in_memory(max_segments: usize, max_bytes: u64) -> Self {
        Self::over(
            Arc::new(Names::new(max_segments, Vec::new())),
            Backend::Memory {
                memory: Memory::new(max_bytes),
                next_number: AtomicU64::new(0),
            },
        )
    }

    /// A store in a folder, recovered. Blocks while it reads.
    pub(crate) fn in_folder(
        folder: Arc<dyn Folder>,
        max_segments: usize,
        max_cold_bytes: usize,
    ) -> Result<(Self, StorageThread), DirectoryError> {
        let directory = Directory::open(folder)?;
        let path = directory.folder().path().to_owned();
        let options = DiskOptions {
            max_segments,
            max_cold_bytes,
            cache: CACHE,
            reserve: RESERVE,
            clock: clock::wall_ms,
        };
        let opened = Opened::new(&directory, &options)?;
        let started = opened.start(directory).map_err(Box::from);
        let (disk, names, thread) = started.context(DamagedSnafu { directory: path })?;
        Ok((Self::over(names, Backend::Disk(disk)), thread))
    }

    fn over(names: Arc<Names>, backend: Backend) -> Self {
        let store = Arc::new(Store { names, backend });
        Self { store }
    }

    /// True when appends take a while and hold memory meanwhile.
    pub(crate) fn is_durable(&self) -> bool {
        matches!(self.store.backend, Backend::Disk(_))
    }

    /// Creates a segment; false when it was there already.
    pub(crate) async fn create(&self, name: &str) -> Result<bool, StoreError> {
        self.create_with(name, Policy::default()).await
    }

    /// Creates a segment with a policy; false when it was there already.
    pub(crate) async fn create_with(&self, name: &str, policy: Policy) -> Result<bool, StoreError> {
        match &self.store.backend {
            Backend::Memory { next_number, .. } => self.store.names.insert_new(name, |name| {
                let number = next_number.fetch_add(1, Ordering::Relaxed);
                Segment::new(number, name, SegmentState::new(policy, clock::wall_ms()))
            }),
            Backend::Disk(disk) => {
                let name = name.into();
                disk.call(|reply| Operation::Create(name, policy, reply))
                    .await
            }
        }
    }

    /// Seals a segment, also one that is sealed already, and returns its final length.
    pub(crate) async fn seal(&self, name: &str) -> Result<u64, StoreError> {
        let segment = self.find(name)?;
        self.seal_once(&segment).await?;
        let state = segment.state().ok_or(StoreError::NoSuchSegment)?;
        Ok(state.length)
    }

    /// Seals a segment; false when it was sealed already.
    pub(crate) async fn seal_once(&self, segment: &Arc<Segment>) -> Result<bool, StoreError> {
        match &self.store.backend {
            Backend::Memory { .. } => {
                segment.change_in_memory(|state, _| Ok(state.seal(clock::wall_ms())))
            }
            Backend::Disk(disk) => {
                let segment = Arc::clone(segment);
                disk.call(|reply| Operation::Seal(segment, reply)).await
            }
        }
    }

    /// Moves the head to `offset`.
    pub(crate) async fn truncate(&self, name: &str, offset: u64) -> Result<(), StoreError> {
        let segment = self.find(name)?;
        match &self.store.backend {
            Backend::Memory { memory, .. } => {
                let now = clock::wall_ms();
                segment.change_in_memory(|state, _| state.truncate_or_refuse(offset, now))?;
                memory.forget_truncated(&segment);
                Ok(())
            }
            Backend::Disk(disk) => {
                disk.call(|reply| Operation::Truncate(segment, offset, reply))
                    .await
            }
        }
    }

    /// Deletes a segment.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), StoreError> {
        let segment = self.find(name)?;
        match &self.store.backend {
            Backend::Memory { memory, .. } => {
                self.store.names.remove(&segment);
                match memory.delete(&segment) {
                    true => Ok(()),
                    false => Err(StoreError::NoSuchSegment),
                }
            }
            Backend::Disk(disk) => disk.call(|reply| Operation::Delete(segment, reply)).await,
        }
    }

    /// Replaces the policy of an open segment.
    pub(crate) async fn set_policy(&self, name: &str, policy: Policy) -> Result<(), StoreError> {
        let segment = self.find(name)?;
        match &self.store.backend {
            Backend::Memory { .. } => segment.change_in_memory(|state, _| state.set_policy(policy)),
            Backend::Disk(disk) => {
                disk.call(|reply| Operation::SetPolicy(segment, policy, reply))
                    .await
            }
        }
    }

    /// Head, tail and seal of a segment.
    // Async like its siblings, so that callers need not know what is answered from memory.
    #[expect(
        clippy::unused_async,
        reason = "the same shape as every other operation"
    )]
    pub(crate) async fn info(&self, name: &str) -> Result<SegmentInfo, StoreError> {
        let state = self.find(name)?.state().ok_or(StoreError::NoSuchSegment)?;
        Ok(SegmentInfo {
            start: state.start,
            length: state.length,
            sealed: state.sealed,
            last_modified_ms: state.last_modified_ms,
        })
    }

    /// The number under `id`; [`NO_VALUE`] for none.
    pub(crate) async fn attribute(&self, name: &str, id: u128) -> Result<i64, StoreError> {
        let segment = self.find(name)?;
        self.attribute_of(&segment, id).await
    }

    /// Replaces the number under an id if it is the expected one; false when it is another.
    pub(crate) async fn update_attribute(
        &self,
        name: &str,
        update: AttributeUpdate,
    ) -> Result<bool, StoreError> {
        let segment = self.find(name)?;
        match &self.store.backend {
            Backend::Memory { memory, .. } => memory.update_attribute(&segment, update),
            Backend::Disk(disk) => {
                disk.call(|reply| Operation::UpdateAttribute(segment, update, reply))
                    .await
            }
        }
    }

    /// Sets up a writer on a connection: nobody else may append for it any more. Returns its last number.
    pub(crate) async fn set_up(
        &self,
        name: &str,
        writer: WriterId,
        connection: u64,
    ) -> Result<(WriterLease, i64), StoreError> {
        let lease = self.find(name)?.claim(writer, connection)?;
        // Read after the claim: every append of an older connection is ahead of this, or refused.
        let last = self.attribute_of(lease.segment(), writer.as_u128()).await?;
        Ok((lease, last))
    }

    /// Stores an append: at once, or some time later, and then the ticket tells.
    pub(crate) fn append(&self, append: Append, ticket: impl FnOnce() -> Ticket) -> Submitted {
        match &self.store.backend {
            Backend::Memory { memory, .. } => Submitted::Done(memory.append(&append)),
            Backend::Disk(disk) => match disk.append(append, ticket()) {
                None => Submitted::Queued,
                Some(postponed) => Submitted::Postponed(postponed),
            },
        }
    }

    /// Waits until a postponed append is taken. When dropped, the append is not made and its ticket says
    /// that it may have been.
    pub(crate) async fn submit(&self, postponed: Postponed) {
        if let Backend::Disk(disk) = &self.store.backend {
            disk.submit(postponed).await;
        }
    }

    /// Everything in the controller's catalog, in the order of the keys.
    pub(crate) async fn load_catalog(&self) -> Result<Vec<CatalogLine>, StoreError> {
        match &self.store.backend {
            Backend::Memory { memory, .. } => Ok(memory.catalog()),
            Backend::Disk(disk) => disk.catalog().await,
        }
    }

    /// Applies all changes to the catalog or none; they are durable when this returns.
    pub(crate) async fn write_catalog(
        &self,
        changes: Vec<CatalogChange>,
    ) -> Result<(), StoreError> {
        match &self.store.backend {
            Backend::Memory { memory, .. } => {
                memory.write_catalog(changes);
                Ok(())
            }
            Backend::Disk(disk) => disk.call(|reply| Operation::Catalog(changes, reply)).await,
        }
    }

    /// How many segments there are.
    pub(crate) fn count(&self) -> usize {
        self.store.names.count()
    }

    /// The segment of this name.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<Segment>, StoreError> {
        self.store.names.find(name).ok_or(StoreError::NoSuchSegment)
    }

    async fn attribute_of(&self, segment: &Arc<Segment>, id: u128) -> Result<i64, StoreError> {
        match &self.store.backend {
            Backend::Memory { .. } => segment.change_in_memory(|state, attributes| {
                let stored = state.core_attribute(id);
                let stored = stored.or_else(|| attributes.get(&id).copied());
                Ok(stored.unwrap_or(NO_VALUE))
            }),
            Backend::Disk(disk) => {
                let segment = Arc::clone(segment);
                disk.call(|reply| Operation::Attribute(segment, id, reply))
                    .await
            }
        }
    }

    fn catalog_here(&self) -> Result<Vec<CatalogLine>, StoreError> {
        match &self.store.backend {
            Backend::Memory { memory, .. } => Ok(memory.catalog()),
            Backend::Disk(disk) => disk.catalog_here(),
        }
    }
}
