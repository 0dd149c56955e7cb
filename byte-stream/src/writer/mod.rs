//! [`ByteWriter`]: appends bytes to one segment, exactly once and in order.

mod appending;
mod durability;
mod inner;
mod io;
mod permit;
mod refused;

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::ScopedSegment;
use pravega_segment_session::AppendStats;

pub(crate) use self::inner::{Inner, Settings};
use self::{
    appending::{Appending, Piece},
    io::Polling,
};
pub use self::{
    durability::{DurabilityWatch, Receipt},
    io::ByteSink,
    permit::AppendPermit,
    refused::RefusedAppend,
};
use crate::{
    core::Core,
    error::{SegmentError, WriteError},
    open::{WhenFull, append_options},
};

/// The most bytes that one write takes, which are stored whole or not at all: 8 MiB, the largest write
/// that other clients of Pravega make.
pub const MAX_ATOMIC_WRITE: usize = 8 << 20;

/// Appends bytes to one segment.
///
/// A writer knows three numbers: how many bytes it has *accepted*, how many of them were sent, and how
/// many are *durable*, which is to say acknowledged by the segment store. `write` accepts, `flush` waits
/// until all that was accepted is durable. In between the writer sends by itself, in blocks that grow with
/// the load, and reconnects by itself; every byte is stored once and in order.
///
/// # Modes
/// In [exclusive mode](crate::WriteMode::Exclusive), the default, every block names the offset where it
/// must land. When another writer got there first, nothing of this writer is stored any more and each call
/// returns [`WriteError::Conflict`], until [`resync`](Self::resync) moves the writer to the new tail. In
/// [shared mode](crate::WriteMode::Shared) several writers may append; their blocks interleave whole.
///
/// # Cancel safety
/// Every method can be dropped at any await: accepted bytes belong to the writer, not to the future, and
/// are sent all the same. What was dropped can be called again. What else a method leaves behind stands
/// under its own heading.
///
/// # Dropping
/// Dropping a writer never blocks. Bytes that were not flushed may be lost, and are logged as a warning
/// with their count. [`close`](Self::close) is the graceful way.
#[derive(Debug)]
pub struct ByteWriter {
    inner: Result<Inner, SegmentError>,
    polling: Polling,
}

/// What [`ByteWriter::resync`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resynced {
    /// The offset where the writer goes on.
    pub tail: u64,
    /// How many accepted bytes were given up.
    pub given_up: u64,
}

impl ByteWriter {
    pub(crate) fn lazy(core: Result<Arc<Core>, SegmentError>, segment: ScopedSegment) -> Self {
        let open = |core: Arc<Core>| {
            let settings = Settings {
                when_full: WhenFull::Wait,
                operation_timeout: core.config.operation_timeout(),
            };
            let options = append_options(&core);
            Inner::new(core, segment, options, settings)
        };
        Self {
            inner: core.map(open),
            polling: Polling::default(),
        }
    }

    pub(crate) fn opened(inner: Inner) -> Self {
        Self {
            inner: Ok(inner),
            polling: Polling::default(),
        }
    }

    pub(crate) fn inner(&self) -> Result<&Inner, WriteError> {
        self.inner.as_ref().map_err(|error| WriteError::Segment {
            source: error.clone(),
        })
    }

    /// The inside, and apart from it what polling has to remember.
    pub(crate) fn parts(&mut self) -> (Result<&Inner, WriteError>, &mut Polling) {
        let Self { inner, polling } = self;
        let inner = inner.as_ref().map_err(|error| WriteError::Segment {
            source: error.clone(),
        });
        (inner, polling)
    }

    /// Accepts the bytes of `buf`, at most [`MAX_ATOMIC_WRITE`] of them (or the writer's whole window, if
    /// that is smaller), and returns how many. They are stored whole or not at all, never split. Waits
    /// for room when the writer is full. An empty `buf` is accepted and sends nothing.
    ///
    /// `Ok` does not mean that the bytes are durable: [`flush`](Self::flush) tells.
    ///
    /// # Errors
    /// [`WriteError`]; no byte of this call was accepted then. Failures of earlier bytes are reported by
    /// any later call.
    ///
    /// # Cancel safety
    /// When the future is dropped, no byte of this call was accepted.
    pub async fn write(&mut self, buf: &[u8]) -> Result<usize, WriteError> {
        let inner = self.inner()?;
        let len = buf.len().min(inner.max_write);
        let piece = buf.get(..len).unwrap_or(buf);
        // What most small writes are, without the machinery of those that may have to wait.
        if !inner.extend(piece) {
            inner.submit(Piece::Copied(piece)).await?;
        }
        Ok(len)
    }

    /// Accepts all of `buf`, cut into atomic pieces.
    ///
    /// # Errors
    /// [`WriteError`]; a prefix of `buf` may have been accepted then, see [`position`](Self::position).
    ///
    /// # Cancel safety
    /// When the future is dropped, a prefix of `buf` was accepted: compare [`position`](Self::position)
    /// before and after.
    pub async fn write_all(&mut self, buf: &[u8]) -> Result<(), WriteError> {
        let mut rest = buf;
        while !rest.is_empty() {
            let accepted = self.write(rest).await?;
            rest = rest.get(accepted..).unwrap_or_default();
        }
        Ok(())
    }

    /// Accepts `bytes` as one atomic append, without copying them, and returns a receipt that tells when
    /// they are durable. Waits for room when the writer is full.
    ///
    /// # Errors
    /// [`WriteError::TooLarge`] above [`MAX_ATOMIC_WRITE`]; otherwise as for [`write`](Self::write).
    ///
    /// # Cancel safety
    /// When the future is dropped, the bytes were not accepted.
    pub async fn append(&mut self, bytes: Bytes) -> Result<Receipt, WriteError> {
        let inner = self.inner()?;
        inner.check_size(bytes.len())?;
        inner
            .submit(Piece::Shared(bytes))
            .await
            .map(|range| inner.receipt(range))
    }

    /// Accepts `bytes` as one atomic append if there is room now.
    ///
    /// # Errors
    /// [`WriteError::Full`] and the others of [`append`](Self::append), each with the bytes given back.
    #[expect(
        clippy::result_large_err,
        reason = "the bytes are handed back beside the error"
    )]
    pub fn try_append(&mut self, bytes: Bytes) -> Result<Receipt, RefusedAppend> {
        let refuse = |error, bytes| RefusedAppend { error, bytes };
        let inner = match self.inner() {
            Ok(inner) => inner,
            Err(error) => return Err(refuse(error, bytes)),
        };
        let tried = inner
            .check_size(bytes.len())
            .and_then(|()| inner.try_submit(&Piece::Shared(bytes.clone())));
        match tried {
            Ok(Some(range)) => Ok(inner.receipt(range)),
            Ok(None) => Err(refuse(inner.full(), bytes)),
            Err(error) => Err(refuse(error, bytes)),
        }
    }

    /// Waits for room and keeps it: the permit's [append](AppendPermit::append) of at most `len` bytes then
    /// neither waits nor fails for want of room. Dropping the permit gives the room back.
    ///
    /// Several permits may be held, and written beside; bytes go out in the order in which they are
    /// appended. Until then their room is missing to everybody else. The connection is looked for already.
    ///
    /// ```no_run
    /// # async fn run(writer: pravega_byte_stream::ByteWriter) -> Result<(), Box<dyn std::error::Error>> {
    /// // First the room, then the frame: no frame is taken from the camera that cannot be passed on.
    /// let permit = writer.reserve(1 << 20).await?;
    /// let frame: bytes::Bytes = camera().await;
    /// let receipt = permit.append(frame)?;
    /// receipt.await?;
    /// # Ok(()) }
    /// # async fn camera() -> bytes::Bytes { bytes::Bytes::new() }
    /// ```
    ///
    /// # Errors
    /// [`WriteError::TooLarge`] above [`MAX_ATOMIC_WRITE`]; otherwise as for [`write`](Self::write).
    ///
    /// # Cancel safety
    /// When the future is dropped, no room is kept.
    pub async fn reserve(&self, len: usize) -> Result<AppendPermit, WriteError> {
        let inner = self.inner()?;
        inner.check_size(len)?;
        inner.reserve(len).await
    }

    /// Waits until every byte accepted so far is durable; returns the [durable
    /// offset](Self::durable_offset). With nothing to wait for it returns at once.
    ///
    /// # Errors
    /// [`WriteError`]. After [`WriteError::Timeout`] the writer still tries: flush again.
    ///
    /// # Cancel safety
    /// Cancel safe. A failure that a dropped flush would have reported is reported by the next call.
    pub async fn flush(&mut self) -> Result<u64, WriteError> {
        self.inner()?.watch.flush().await
    }

    /// Waits until the segment is durable up to `offset`, as seen by this writer's own bytes.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait_durable(&mut self, offset: u64) -> Result<u64, WriteError> {
        self.inner()?.watch.wait_durable(offset).await
    }

    /// A handle that can wait for durability from other tasks while this one writes.
    ///
    /// # Errors
    /// [`WriteError::Segment`] when the factory could not be set up.
    pub fn watch(&self) -> Result<DurabilityWatch, WriteError> {
        Ok(self.inner()?.watch.clone())
    }

    /// The segment written to.
    ///
    /// # Errors
    /// [`WriteError::Segment`] when the factory could not be set up.
    pub fn segment(&self) -> Result<&ScopedSegment, WriteError> {
        Ok(self.inner()?.handle.segment())
    }

    /// The offset where the next accepted byte goes, as far as this writer knows. Exact in exclusive mode
    /// as long as there is no conflict; in shared mode other writers move it.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.look(Appending::position)
    }

    /// The offset behind the last byte of this writer that is known to be durable.
    #[must_use]
    pub fn durable_offset(&self) -> u64 {
        self.look(Appending::durable_offset)
    }

    /// Accepted bytes that are not durable yet.
    #[must_use]
    pub fn unflushed_bytes(&self) -> u64 {
        self.look(Appending::unflushed)
    }

    /// What the writer has done so far.
    #[must_use]
    pub fn stats(&self) -> AppendStats {
        self.look(Appending::stats)
    }

    fn look<T: Default>(&self, look: impl FnOnce(&Appending) -> T) -> T {
        self.inner
            .as_ref()
            .map(|inner| inner.driver.look(look))
            .unwrap_or_default()
    }

    /// Asks the segment store where the segment ends and moves the writer there. Returns the tail.
    ///
    /// # Errors
    /// [`WriteError::Unflushed`] while accepted bytes are not durable; nothing changes then. Otherwise as
    /// for [`SegmentHandle::info`](crate::SegmentHandle::info).
    ///
    /// # Cancel safety
    /// Cancel safe: the writer moves only in the last step.
    pub async fn seek_to_tail(&mut self) -> Result<u64, WriteError> {
        let inner = self.inner()?;
        inner.driver.look(Appending::check_movable)?;
        let tail = inner.handle.info().await?.tail;
        inner.driver.drive(|appending, _| {
            appending.check_movable()?;
            appending.resync(tail)
        })?;
        Ok(tail)
    }

    /// After a conflict: gives up what was not stored, asks where the segment ends, and goes on there.
    /// Without a conflict it does what [`seek_to_tail`](Self::seek_to_tail) does.
    ///
    /// # Errors
    /// [`WriteError::Unflushed`] while bytes are on their way and no conflict is known; a failure that
    /// cannot be mended, such as [`WriteError::Sealed`]; otherwise as for [`SegmentHandle::info`](crate::SegmentHandle::info).
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is given up before the last step.
    pub async fn resync(&mut self) -> Result<Resynced, WriteError> {
        let inner = self.inner()?;
        inner.driver.look(Appending::check_resync)?;
        let tail = inner.handle.info().await?.tail;
        let resynced = inner.driver.drive(|appending, _| appending.resync(tail))?;
        let segment = inner.handle.segment();
        let given_up = resynced.given_up;
        tracing::debug!(name: "writer.resynced", %segment, tail, given_up, "the writer goes on at the tail");
        Ok(resynced)
    }

    /// Makes the bytes below `offset` unreadable for good. Own bytes below it that are on their way are
    /// flushed first. At or below the head it changes nothing.
    ///
    /// # Errors
    /// [`SegmentError::OutOfRange`] (inside [`WriteError::Segment`]) above the tail; otherwise as for
    /// [`flush`](Self::flush) and [`SegmentHandle::info`](crate::SegmentHandle::info).
    ///
    /// # Cancel safety
    /// The truncation may have taken place; asking again is harmless.
    pub async fn truncate_data_before(&mut self, offset: u64) -> Result<(), WriteError> {
        if offset > self.durable_offset() && self.unflushed_bytes() > 0 {
            self.flush().await?;
        }
        Ok(self.inner()?.handle.truncate_data_before(offset).await?)
    }

    /// Flushes, then makes the segment read-only for good. Sealing a sealed segment is a success when
    /// nothing had to be flushed.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush) and [`SegmentHandle::info`](crate::SegmentHandle::info).
    ///
    /// # Cancel safety
    /// The segment may have been sealed; asking again is harmless.
    pub async fn seal(&mut self) -> Result<(), WriteError> {
        if !self.look(|appending| appending.is_sealed() && appending.unflushed() == 0) {
            self.flush().await?;
        }
        let inner = self.inner()?;
        inner.handle.seal().await?;
        inner.driver.drive(Appending::note_sealed);
        Ok(())
    }

    /// Flushes and releases the writer. Returns the durable offset.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush); the writer is released all the same, and the error's
    /// [certainty](WriteError::certainty) tells whether the unacknowledged bytes may be stored.
    ///
    /// # Cancel safety
    /// Dropping the future drops the writer.
    pub async fn close(mut self) -> Result<u64, WriteError> {
        let flushed = self.flush().await;
        if let Ok(inner) = &self.inner {
            inner.driver.close();
        }
        flushed
    }
}

impl Drop for ByteWriter {
    fn drop(&mut self) {
        let Ok(inner) = &self.inner else { return };
        let lost = |appending: &Appending| match appending.failure() {
            Some(_) => 0,
            None => appending.unflushed(),
        };
        let bytes = inner.driver.look(lost);
        if bytes > 0 {
            let segment = inner.handle.segment();
            tracing::warn!(name: "writer.dropped", %segment, bytes, "a writer was dropped with unflushed bytes");
        }
        inner.driver.close();
    }
}
