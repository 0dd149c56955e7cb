//! [`ByteReader`] without async.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use tokio::io::AsyncBufReadExt as _;

use super::interrupt::{Calls, Interrupt};
use crate::{ReadError, ScopedSegment, SegmentInfo, TryRead};

/// Reads the bytes of one segment, in order. The blocking form of [`ByteReader`](crate::ByteReader), where each
/// method is described at length.
///
/// Where that one waits, this one blocks: at the tail of an open segment for ever, unless the reader was opened
/// with an [idle time-out](crate::OpenByteReader::idle_timeout) or is [interrupted](Self::interrupt). Received
/// bytes are handed over without a switch of threads.
#[derive(Debug)]
pub struct ByteReader {
    reader: crate::ByteReader,
    calls: Calls,
}

impl ByteReader {
    pub(super) fn new(reader: crate::ByteReader, calls: Calls) -> Self {
        Self { reader, calls }
    }

    /// A handle that ends a call of this reader from another thread.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        self.calls.interrupt()
    }

    /// Reads at least one byte into `buf` and returns how many; 0 at the end, and at once for an empty `buf`.
    ///
    /// # Errors
    /// [`ReadError`]; the position stays where it was.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReadError> {
        let read = self.calls.make(self.reader.read(buf));
        self.unless_interrupted(read)
    }

    /// Fills `buf`.
    ///
    /// # Errors
    /// [`ReadError::UnexpectedEnd`] when the end comes first; otherwise as for [`read`](Self::read). The bytes
    /// read before the error are in `buf`, and the position is behind them.
    pub fn read_exact(&mut self, buf: &mut [u8]) -> Result<(), ReadError> {
        let read = self.calls.make(self.reader.read_exact(buf));
        self.unless_interrupted(read)
    }

    /// Hands out received bytes without copying them: at least one, at most `max`. None at the end.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_chunk(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        let read = self.calls.make(self.reader.read_chunk(max));
        self.unless_interrupted(read)
    }

    /// Hands out received bytes if there are any, without waiting. Interrupts pass it by.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn try_read_chunk(&mut self, max: usize) -> Result<TryRead, ReadError> {
        let Self { reader, calls } = self;
        calls
            .background
            .block_on(async { reader.try_read_chunk(max) })
    }

    /// Moves to another offset and returns it.
    ///
    /// # Errors
    /// As for [`ByteReader::seek`](crate::ByteReader::seek).
    pub fn seek(&mut self, to: SeekFrom) -> Result<u64, ReadError> {
        let moved = self.calls.make(self.reader.seek(to));
        self.unless_interrupted(moved)
    }

    /// The segment read.
    ///
    /// # Errors
    /// [`ReadError::Asking`] when the factory could not be set up.
    pub fn segment(&self) -> Result<&ScopedSegment, ReadError> {
        self.reader.segment()
    }

    /// The offset of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The truncated bytes that were skipped since this was asked last.
    pub fn take_gap(&mut self) -> Option<Range<u64>> {
        let Self { reader, calls } = self;
        calls.background.block_on(async { reader.take_gap() })
    }

    /// How many bytes have been received and can be read without waiting.
    #[must_use]
    pub fn available(&self) -> usize {
        self.reader.available()
    }

    /// Asks for head, tail and whether the segment is sealed.
    ///
    /// # Errors
    /// As for [`ByteReader::info`](crate::ByteReader::info).
    pub fn info(&self) -> Result<SegmentInfo, ReadError> {
        self.unless_interrupted(self.calls.make(self.reader.info()))
    }

    /// The first readable offset.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn current_head(&self) -> Result<u64, ReadError> {
        self.info().map(|info| info.head)
    }

    /// The offset where the next byte will be written.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn current_tail(&self) -> Result<u64, ReadError> {
        self.info().map(|info| info.tail)
    }

    /// Waits until the segment reaches `offset`; returns the tail. The position does not move.
    ///
    /// # Errors
    /// As for [`ByteReader::wait_for_tail`](crate::ByteReader::wait_for_tail).
    pub fn wait_for_tail(&self, offset: u64) -> Result<u64, ReadError> {
        self.unless_interrupted(self.calls.make(self.reader.wait_for_tail(offset)))
    }

    /// Reads at most `len` bytes at `offset`, whatever the position is, which does not move.
    ///
    /// # Errors
    /// As for [`ByteReader::read_at`](crate::ByteReader::read_at).
    pub fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, ReadError> {
        self.unless_interrupted(self.calls.make(self.reader.read_at(offset, len)))
    }

    /// Reads all bytes of `range`, several requests at once.
    ///
    /// # Errors
    /// As for [`ByteReader::read_range`](crate::ByteReader::read_range).
    pub fn read_range(&self, range: Range<u64>) -> Result<Bytes, ReadError> {
        self.unless_interrupted(self.calls.make(self.reader.read_range(range)))
    }

    fn unless_interrupted<T>(&self, called: Option<Result<T, ReadError>>) -> Result<T, ReadError> {
        called.unwrap_or_else(|| Err(interrupted(&self.reader)))
    }
}

fn interrupted(reader: &crate::ByteReader) -> ReadError {
    match reader.segment() {
        Ok(segment) => ReadError::Interrupted {
            segment: segment.clone(),
        },
        Err(error) => error,
    }
}

/// Filling nothing is the end, as for [`ByteReader::read`].
impl Read for ByteReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.read(buf)?)
    }
}

/// Hands out the received bytes themselves: nothing is copied.
impl BufRead for ByteReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Self { reader, calls } = self;
        match calls.make(reader.fill_buf()) {
            Some(filled) => filled.map(|_| ())?,
            None => return Err(interrupted(reader).into()),
        }
        Ok(&reader.polling.shown)
    }

    fn consume(&mut self, amount: usize) {
        tokio::io::AsyncBufReadExt::consume(&mut self.reader, amount);
    }
}

impl Seek for ByteReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        Ok(self.seek(to)?)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position())
    }
}
