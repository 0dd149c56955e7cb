//! A store on disk without network and without a thread: its owner says when the next group is written.
//!
//! Everything that is decided, written, synced and shown is the server's own code. What is left out is when:
//! requests wait until [`SteppedStore::turn`], so the same requests make the same groups every time.

mod pending;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_wire_protocol::Payload;
use tokio::sync::mpsc;

use self::pending::Outcome;
pub use self::pending::{Appending, Pending};
use super::{
    Append, AppendError, AppendRefusal, AppendSink, AppendTag, AttributeUpdate, Backend,
    CatalogChange, DirectoryError, ReadOutcome, Segments, StoreError, Ticket, WriterLease, clock,
    disk::{CACHE, Directory, DiskOptions, Folder, Opened, RESERVE, Worker, operation::Operation},
    log::size,
    segment::ReadStep,
    state::AppendCheck,
};

/// Bounds of a [`SteppedStore`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SteppedOptions {
    /// Segments in the store.
    pub max_segments: usize,
    /// What may be kept of the file in memory, bytes.
    pub cache: usize,
    /// Room kept for making room when the disk is full, bytes.
    pub reserve: u64,
    /// The wall clock, milliseconds since 1970.
    pub clock: fn() -> i64,
}

impl Default for SteppedOptions {
    fn default() -> Self {
        Self {
            max_segments: 1024,
            cache: CACHE,
            reserve: RESERVE,
            clock: clock::wall_ms,
        }
    }
}

/// A store that does nothing by itself.
#[derive(Debug)]
pub struct SteppedStore {
    segments: Segments,
    worker: Worker,
    operations: mpsc::Receiver<Operation>,
    _directory: Directory,
}

/// Head, tail and seal of a segment, as everybody may see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// The first readable offset.
    pub head: u64,
    /// The offset of the next byte.
    pub tail: u64,
    /// No more appends.
    pub is_sealed: bool,
}

/// What a read finds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Read {
    /// Bytes from the offset on.
    Bytes(Bytes),
    /// Nothing yet.
    Tail,
    /// Nothing, ever: the segment is sealed.
    End,
    /// The offset lies below the head.
    Truncated {
        /// The head.
        head: u64,
    },
    /// No offset that can be asked for.
    Illegal,
}

/// One append of a [`Writer`].
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct NewAppend {
    /// The number that must be stored for the writer.
    pub after: i64,
    /// The number that is stored with the bytes.
    pub number: i64,
    /// The tail that is asked for, if any.
    pub at: Option<u64>,
    /// The bytes.
    pub data: Bytes,
}

/// Why an append was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendFailure {
    /// Another number is stored for the writer. Nothing was stored.
    WrongNumber,
    /// The tail is elsewhere. Nothing was stored.
    WrongOffset,
    /// The segment is sealed. Nothing was stored.
    Sealed,
    /// The segment is at its largest size. Nothing was stored.
    TooLong,
    /// The writer was set up again elsewhere. Nothing was stored.
    Fenced,
    /// The segment is gone. Nothing was stored.
    NoSuchSegment,
    /// The store takes no appends now. Nothing was stored.
    ReadOnly,
    /// The store failed meanwhile. The bytes may turn up.
    Lost,
}

/// A writer that was set up, and the right to append for it.
#[derive(Debug)]
pub struct Writer {
    lease: WriterLease,
    id: WriterId,
    last: i64,
}

impl Writer {
    /// The last number stored for it when it was set up; the smallest number for none.
    #[must_use]
    pub fn last_number(&self) -> i64 {
        self.last
    }
}

impl From<AppendError> for AppendFailure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Refused(AppendRefusal::WrongNumber) => Self::WrongNumber,
            AppendError::Refused(AppendRefusal::WrongOffset) => Self::WrongOffset,
            AppendError::Refused(AppendRefusal::Sealed) => Self::Sealed,
            AppendError::Refused(AppendRefusal::TooLong) => Self::TooLong,
            AppendError::Fenced => Self::Fenced,
            AppendError::NoSuchSegment => Self::NoSuchSegment,
            AppendError::ReadOnly => Self::ReadOnly,
            AppendError::Lost => Self::Lost,
        }
    }
}

impl SteppedStore {
    /// Opens the store in a folder and recovers what is in it.
    ///
    /// # Errors
    /// [`DirectoryError`] as for a server.
    pub fn open(folder: Arc<dyn Folder>, options: &SteppedOptions) -> Result<Self, DirectoryError> {
        let directory = Directory::open(folder)?;
        let options = DiskOptions {
            max_segments: options.max_segments,
            max_cold_bytes: 0,
            cache: options.cache,
            reserve: options.reserve,
            clock: options.clock,
        };
        let opened = Opened::new(&directory, &options)?;
        Ok(Self {
            segments: Segments::over(opened.names, Backend::Disk(opened.disk)),
            worker: opened.worker,
            operations: opened.operations,
            _directory: directory,
        })
    }

    /// Does what the storage thread does in one go: takes what waits, up to a bound, commits it in one
    /// transaction, shows it and answers; or removes garbage. False when there was nothing to do.
    pub fn turn(&mut self) -> bool {
        self.worker.turn(None, &mut self.operations)
    }

    /// The store as connections have it.
    #[cfg(test)]
    pub(crate) fn segments(&self) -> Segments {
        self.segments.clone()
    }

    /// The entrance for requests. It may be used while a turn is made.
    #[must_use]
    pub fn requests(&self) -> Requests {
        Requests(self.segments.clone())
    }
}

/// What can be asked of a [`SteppedStore`].
#[derive(Debug, Clone)]
pub struct Requests(Segments);

impl Requests {
    /// Creates a segment; the answer is false when it was there.
    #[must_use]
    pub fn create(&self, name: &str) -> Pending<bool> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        Pending::begin(async move { segments.create(&name).await })
    }

    /// Seals a segment; the answer is its final length.
    #[must_use]
    pub fn seal(&self, name: &str) -> Pending<u64> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        Pending::begin(async move { segments.seal(&name).await })
    }

    /// Moves the head of a segment.
    #[must_use]
    pub fn truncate(&self, name: &str, offset: u64) -> Pending<()> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        Pending::begin(async move { segments.truncate(&name, offset).await })
    }

    /// Deletes a segment.
    #[must_use]
    pub fn delete(&self, name: &str) -> Pending<()> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        Pending::begin(async move { segments.delete(&name).await })
    }

    /// The number under an id; the smallest number for none.
    #[must_use]
    pub fn number(&self, name: &str, id: u128) -> Pending<i64> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        Pending::begin(async move { segments.attribute(&name, id).await })
    }

    /// Replaces the number under an id if it is the expected one; the answer is false when it is another.
    #[must_use]
    pub fn replace_number(&self, name: &str, id: u128, expected: i64, value: i64) -> Pending<bool> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        let update = AttributeUpdate {
            id,
            expected,
            value,
        };
        Pending::begin(async move { segments.update_attribute(&name, update).await })
    }

    /// Sets up a writer on a connection, which takes the right to append from any other connection.
    #[must_use]
    pub fn set_up(&self, name: &str, id: WriterId, connection: u64) -> Pending<Writer> {
        let (segments, name) = (self.0.clone(), name.to_owned());
        Pending::begin(async move {
            let (lease, last) = segments.set_up(&name, id, connection).await?;
            Ok(Writer { lease, id, last })
        })
    }

    /// Changes the controller's catalog: a key, and its new value or none to remove it.
    #[must_use]
    pub fn write_catalog(&self, changes: Vec<CatalogChange>) -> Pending<()> {
        let segments = self.0.clone();
        Pending::begin(async move { segments.write_catalog(changes).await })
    }

    /// Appends for a writer that was set up.
    #[must_use]
    pub fn append(&self, writer: &Writer, append: NewAppend) -> Appending {
        let outcome = Arc::new(Outcome::default());
        let sink: Arc<dyn AppendSink> = Arc::<Outcome>::clone(&outcome);
        let bytes = append.data.len();
        let tag = AppendTag {
            writer: writer.id,
            session: 0,
            number: append.number,
            request_id: 0,
            bytes,
        };
        let check = AppendCheck {
            writer: writer.id,
            expected_number: append.after,
            expected_offset: append.at.map_or(-1, u64::cast_signed),
            bytes: size(&append.data),
            events: 1,
        };
        let append = Append {
            segment: Arc::clone(writer.lease.segment()),
            right: Arc::clone(writer.lease.right()),
            check,
            number: append.number,
            data: Payload::from(append.data),
        };
        // An append that finds the queue full is given up, and its ticket says so.
        drop(self.0.append(append, || Ticket::new(tag, sink)));
        Appending::of(outcome)
    }

    /// Head, tail and seal, at once.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSegment`].
    pub fn extent(&self, name: &str) -> Result<Extent, StoreError> {
        let state = self.0.find(name)?.state();
        let state = state.ok_or(StoreError::NoSuchSegment)?;
        Ok(Extent {
            head: state.start,
            tail: state.length,
            is_sealed: state.sealed,
        })
    }

    /// Reads at most `most` bytes, at once: what is no longer in memory from the disk.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSegment`]; [`StoreError::Unreadable`] when the disk fails or what it says is damaged.
    pub fn read(&self, name: &str, offset: u64, most: u64) -> Result<Read, StoreError> {
        let segment = self.0.find(name)?;
        match segment.read(offset.cast_signed(), most, false) {
            ReadStep::Parked(_) => Ok(Read::Tail),
            ReadStep::OnDisk(bytes) => {
                let data = self.0.read_here(&segment, offset, bytes)?;
                Ok(Read::Bytes(data.into_bytes()))
            }
            ReadStep::Done(ReadOutcome::Truncated { start }) => Ok(Read::Truncated { head: start }),
            ReadStep::Done(ReadOutcome::Illegal) => Ok(Read::Illegal),
            ReadStep::Done(ReadOutcome::Data { data, .. }) if data.is_empty() => Ok(Read::End),
            ReadStep::Done(ReadOutcome::Data { data, .. }) => Ok(Read::Bytes(data.into_bytes())),
            ReadStep::Done(_) => Err(StoreError::NoSuchSegment),
        }
    }

    /// Lets go of the bytes of a segment that are kept in memory beside the disk.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSegment`].
    pub fn forget_recent(&self, name: &str) -> Result<(), StoreError> {
        self.0.find(name)?.forget_below(u64::MAX);
        Ok(())
    }

    /// The controller's catalog, at once.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the disk fails or what it says is damaged.
    pub fn catalog(&self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        Ok(self.0.catalog_here()?.into_iter().collect())
    }
}
