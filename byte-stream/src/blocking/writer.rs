//! [`ByteWriter`] without async.

use std::{
    io::{self, Seek, SeekFrom, Write},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;

use super::{
    interrupt::{Calls, Interrupt},
    runtime::Background,
};
use crate::{AppendStats, Certainty, RefusedAppend, Resynced, ScopedSegment, WriteError};

/// Appends bytes to one segment. The blocking form of [`ByteWriter`](crate::ByteWriter), where modes,
/// conflicts and each method are described at length.
///
/// A write for which there is room neither blocks nor switches threads: the calling thread itself hands the
/// bytes to the socket. A flush blocks until the store has acknowledged everything.
///
/// # Dropping
/// Dropping a writer never blocks. Bytes that were not flushed may be lost. [`close`](Self::close) is the
/// graceful way; a [`BufWriter`](io::BufWriter) around a writer only writes when it is dropped, so flush it.
#[derive(Debug)]
pub struct ByteWriter {
    writer: crate::ByteWriter,
    calls: Calls,
}

impl ByteWriter {
    pub(super) fn new(writer: crate::ByteWriter, calls: Calls) -> Self {
        Self { writer, calls }
    }

    /// A handle that ends a call of this writer from another thread.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        self.calls.interrupt()
    }

    /// Accepts the bytes of `buf`, at most [`MAX_ATOMIC_WRITE`](crate::MAX_ATOMIC_WRITE) of them, and returns
    /// how many. They are stored whole or not at all. Waits for room when the writer is full.
    ///
    /// `Ok` does not mean that the bytes are durable: [`flush`](Self::flush) tells.
    ///
    /// # Errors
    /// [`WriteError`]; no byte of this call was accepted then.
    pub fn write(&mut self, buf: &[u8]) -> Result<usize, WriteError> {
        let written = self.calls.make(self.writer.write(buf));
        written.unwrap_or_else(|| self.interrupted(Certainty::Definite))
    }

    /// Accepts all of `buf`, cut into atomic pieces.
    ///
    /// # Errors
    /// [`WriteError`]; a prefix of `buf` may have been accepted then, see [`position`](Self::position).
    pub fn write_all(&mut self, buf: &[u8]) -> Result<(), WriteError> {
        let written = self.calls.make(self.writer.write_all(buf));
        written.unwrap_or_else(|| self.interrupted(Certainty::Definite))
    }

    /// Accepts `bytes` as one atomic append, without copying them, and returns a receipt. Waits for room when
    /// the writer is full.
    ///
    /// # Errors
    /// As for [`ByteWriter::append`](crate::ByteWriter::append).
    pub fn append(&mut self, bytes: Bytes) -> Result<Receipt, WriteError> {
        match self.calls.make(self.writer.append(bytes)) {
            Some(receipt) => Ok(self.receipt(receipt?)),
            None => self.interrupted(Certainty::Definite),
        }
    }

    /// Accepts `bytes` as one atomic append if there is room now. Interrupts pass it by.
    ///
    /// # Errors
    /// [`WriteError::Full`] and the others of [`append`](Self::append), each with the bytes given back.
    #[expect(
        clippy::result_large_err,
        reason = "the bytes are handed back beside the error"
    )]
    pub fn try_append(&mut self, bytes: Bytes) -> Result<Receipt, RefusedAppend> {
        let Self { writer, calls } = self;
        let receipt = calls
            .background
            .block_on(async { writer.try_append(bytes) })?;
        Ok(self.receipt(receipt))
    }

    /// Waits until every byte accepted so far is durable; returns the durable offset.
    ///
    /// # Errors
    /// As for [`ByteWriter::flush`](crate::ByteWriter::flush).
    pub fn flush(&mut self) -> Result<u64, WriteError> {
        let flushed = self.calls.make(self.writer.flush());
        flushed.unwrap_or_else(|| self.interrupted(self.certainty()?))
    }

    /// Waits until the segment is durable up to `offset`, as seen by this writer's own bytes.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush).
    pub fn wait_durable(&mut self, offset: u64) -> Result<u64, WriteError> {
        let durable = self.calls.make(self.writer.wait_durable(offset));
        durable.unwrap_or_else(|| self.interrupted(self.certainty()?))
    }

    /// The segment written to.
    ///
    /// # Errors
    /// [`WriteError::Segment`] when the factory could not be set up.
    pub fn segment(&self) -> Result<&ScopedSegment, WriteError> {
        self.writer.segment()
    }

    /// The offset where the next accepted byte goes, as far as this writer knows.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.writer.position()
    }

    /// The offset behind the last byte of this writer that is known to be durable.
    #[must_use]
    pub fn durable_offset(&self) -> u64 {
        self.writer.durable_offset()
    }

    /// Accepted bytes that are not durable yet.
    #[must_use]
    pub fn unflushed_bytes(&self) -> u64 {
        self.writer.unflushed_bytes()
    }

    /// What the writer has done so far.
    #[must_use]
    pub fn stats(&self) -> AppendStats {
        self.writer.stats()
    }

    /// Asks where the segment ends and moves the writer there. Returns the tail.
    ///
    /// # Errors
    /// As for [`ByteWriter::seek_to_tail`](crate::ByteWriter::seek_to_tail).
    pub fn seek_to_tail(&mut self) -> Result<u64, WriteError> {
        let tail = self.calls.make(self.writer.seek_to_tail());
        tail.unwrap_or_else(|| self.interrupted(Certainty::Definite))
    }

    /// After a conflict: gives up what was not stored and goes on at the tail.
    ///
    /// # Errors
    /// As for [`ByteWriter::resync`](crate::ByteWriter::resync).
    pub fn resync(&mut self) -> Result<Resynced, WriteError> {
        let resynced = self.calls.make(self.writer.resync());
        resynced.unwrap_or_else(|| self.interrupted(Certainty::Definite))
    }

    /// Makes the bytes below `offset` unreadable for good.
    ///
    /// # Errors
    /// As for [`ByteWriter::truncate_data_before`](crate::ByteWriter::truncate_data_before).
    pub fn truncate_data_before(&mut self, offset: u64) -> Result<(), WriteError> {
        let truncated = self.calls.make(self.writer.truncate_data_before(offset));
        truncated.unwrap_or_else(|| self.interrupted(Certainty::Indeterminate))
    }

    /// Flushes, then makes the segment read-only for good.
    ///
    /// # Errors
    /// As for [`ByteWriter::seal`](crate::ByteWriter::seal).
    pub fn seal(&mut self) -> Result<(), WriteError> {
        let sealed = self.calls.make(self.writer.seal());
        sealed.unwrap_or_else(|| self.interrupted(Certainty::Indeterminate))
    }

    /// Flushes and releases the writer. Returns the durable offset.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush); the writer is released all the same.
    pub fn close(mut self) -> Result<u64, WriteError> {
        self.flush()
    }

    fn receipt(&self, receipt: crate::Receipt) -> Receipt {
        let background = Arc::clone(&self.calls.background);
        Receipt {
            receipt,
            background,
        }
    }

    /// Whether the bytes that are not acknowledged may be stored.
    fn certainty(&self) -> Result<Certainty, WriteError> {
        Ok(self.writer.watch()?.certainty())
    }

    fn interrupted<T>(&self, certainty: Certainty) -> Result<T, WriteError> {
        Err(WriteError::Interrupted {
            segment: self.segment()?.clone(),
            certainty,
        })
    }
}

/// `write` accepts bytes as [`ByteWriter::write`] does, `flush` waits until they are durable.
impl Write for ByteWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(self.write(buf)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush()?;
        Ok(())
    }
}

/// For asking where the writer is. Whoever appends cannot go elsewhere: a seek that would move the writer is
/// [`Unsupported`](io::ErrorKind::Unsupported). [`seek_to_tail`](ByteWriter::seek_to_tail) is the one move.
impl Seek for ByteWriter {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = self.position();
        match to {
            SeekFrom::Current(0) => Ok(position),
            SeekFrom::Start(offset) if offset == position => Ok(position),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// A promise for the bytes of one append. The blocking form of [`Receipt`](crate::Receipt).
#[derive(Debug, Clone)]
pub struct Receipt {
    receipt: crate::Receipt,
    background: Arc<Background>,
}

impl Receipt {
    /// Which bytes these are, counted from the first byte that this writer accepted.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.receipt.range()
    }

    /// The answer, if it is known by now.
    #[must_use]
    pub fn try_durable(&self) -> Option<Result<(), WriteError>> {
        self.receipt.try_durable()
    }

    /// Waits until the bytes are durable, or certainly or possibly lost; at most the writer's operation
    /// time-out. It can be called from any thread, and interrupts of the writer do not concern it.
    ///
    /// # Errors
    /// As for [`Receipt::durable`](crate::Receipt::durable).
    pub fn durable(&self) -> Result<(), WriteError> {
        self.background.block_on(self.receipt.durable())
    }
}
