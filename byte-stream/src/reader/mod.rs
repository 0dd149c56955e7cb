//! [`ByteReader`]: reads the bytes of one segment, in order.

mod inner;
mod io;
mod range;
mod reading;

use std::{io::SeekFrom, ops::Range, sync::Arc};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use futures::{Stream, TryStreamExt as _};
use pravega_client_shared::ScopedSegment;
use pravega_controller_client::Access;
use snafu::OptionExt as _;

pub(crate) use self::inner::{Inner, Start};
pub use self::io::ByteReaderStream;
use self::{
    io::Polling,
    reading::{Reading, Step},
};
use crate::{
    core::Core,
    error::{InvalidSeekSnafu, ReadError, SegmentError, UnexpectedEndSnafu},
    offsets::MAX_OFFSET,
    open::read_options,
    segment::{SegmentHandle, SegmentInfo},
    wait::PollWait,
};

/// Reads the bytes of one segment, in order, ahead of its user and through every loss of a connection.
///
/// `read` returns 0 only at the end: where the sealed segment ends, or at the limit that the reader was
/// opened with. At the tail of an open segment it waits, at the cost of one parked request, until bytes
/// come; an idle reader costs nothing else.
///
/// # Cancel safety
/// Every method can be dropped at any await and called again: received bytes belong to the reader, not to
/// the future, and the position moves only when bytes are handed over.
#[derive(Debug)]
pub struct ByteReader {
    inner: Result<Inner, SegmentError>,
    waiting: PollWait,
    pub(crate) polling: Polling,
}

/// What [`ByteReader::try_read_chunk`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRead {
    /// Bytes, at least one.
    Data(Bytes),
    /// Nothing has been received yet.
    NotYet,
    /// The end: nothing will ever come.
    End,
}

impl ByteReader {
    pub(crate) fn lazy(core: Result<Arc<Core>, SegmentError>, segment: ScopedSegment) -> Self {
        let open = |core: Arc<Core>| {
            let handle = SegmentHandle::new(Arc::clone(&core), segment, Access::Read);
            // Where the head is, the store tells when offset 0 turns out to be truncated.
            let options = read_options(&core, 0, None);
            Inner::new(core, handle, &options, Start::Head, None)
        };
        Self::with(core.map(open))
    }

    pub(crate) fn opened(inner: Inner) -> Self {
        Self::with(Ok(inner))
    }

    fn with(inner: Result<Inner, SegmentError>) -> Self {
        Self {
            inner,
            waiting: PollWait::default(),
            polling: Polling::default(),
        }
    }

    /// The inside, and apart from it what waiting has to remember.
    pub(crate) fn parts(&mut self) -> (Result<&Inner, ReadError>, &mut PollWait) {
        let Self { inner, waiting, .. } = self;
        (
            inner.as_ref().map_err(|error| ReadError::Asking {
                source: error.clone(),
            }),
            waiting,
        )
    }

    pub(crate) fn inner(&self) -> Result<&Inner, ReadError> {
        self.inner.as_ref().map_err(|error| ReadError::Asking {
            source: error.clone(),
        })
    }

    /// Reads at least one byte into `buf` and returns how many; 0 at the end, and at once for an empty
    /// `buf`. Bytes are copied once.
    ///
    /// # Errors
    /// [`ReadError`]; the position stays where it was.
    ///
    /// # Cancel safety
    /// Cancel safe: when the future is dropped, no byte was taken.
    pub async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReadError> {
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(shown) = self.take_shown(buf.len()) {
            let (len, mut room) = (shown.len(), buf);
            room.put(shown);
            return Ok(len);
        }
        let inner = self.inner()?;
        if inner.within(|reading| reading.copy_within(buf)).is_some() {
            return Ok(buf.len());
        }
        inner
            .next(|reading| reading.copy_to(buf))
            .await
            .map(Option::unwrap_or_default)
    }

    /// Fills `buf`.
    ///
    /// # Errors
    /// [`ReadError::UnexpectedEnd`] when the end comes first; otherwise as for [`read`](Self::read). The
    /// bytes read before the error are in `buf`, and the position is behind them.
    ///
    /// # Cancel safety
    /// When the future is dropped, part of `buf` may be filled: compare [`position`](Self::position).
    pub async fn read_exact(&mut self, buf: &mut [u8]) -> Result<(), ReadError> {
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let missing = rest.len();
            match self.read(rest).await? {
                0 => {
                    let segment = self.inner()?.segment().clone();
                    let length = self.position();
                    return UnexpectedEndSnafu {
                        segment,
                        length,
                        missing,
                    }
                    .fail();
                }
                n => filled += n,
            }
        }
        Ok(())
    }

    /// Hands out received bytes without copying them: at least one, at most `max`. None at the end.
    ///
    /// A chunk keeps the buffer that it was received in alive; copy small pieces that are kept for long.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Cancel safe: when the future is dropped, no byte was taken.
    pub async fn read_chunk(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        if max == 0 {
            return Ok(Some(Bytes::new()));
        }
        if let Some(shown) = self.take_shown(max) {
            return Ok(Some(shown));
        }
        let inner = self.inner()?;
        if let Some(chunk) = inner.within(|reading| reading.take_within(max)) {
            return Ok(Some(chunk));
        }
        inner.next(|reading| reading.take_chunk(max)).await
    }

    /// Hands out received bytes if there are any, without waiting.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn try_read_chunk(&mut self, max: usize) -> Result<TryRead, ReadError> {
        let max = max.max(1);
        if let Some(shown) = self.take_shown(max) {
            return Ok(TryRead::Data(shown));
        }
        let step = self.inner()?.step(|reading| reading.take_chunk(max))?;
        Ok(match step {
            Some(Step::Took(chunk)) => TryRead::Data(chunk),
            Some(Step::End) => TryRead::End,
            None => TryRead::NotYet,
        })
    }

    /// Waits until [`try_read_chunk`](Self::try_read_chunk) would give bytes or the end.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn readable(&mut self) -> Result<(), ReadError> {
        if !self.polling.shown.is_empty() {
            return Ok(());
        }
        self.inner()?.next(Reading::ready).await.map(|_| ())
    }

    /// Moves to another offset and returns it. Inside of what is already received nothing is sent, and
    /// seeking from the start or from the current position never waits.
    ///
    /// An offset below the head or beyond the end of a sealed segment is reported by the next read.
    ///
    /// # Errors
    /// [`ReadError::InvalidSeek`] below 0 or above 2^63 − 1, and the position stays; from the end also as
    /// for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// Cancel safe: the position moves only in the last step.
    pub async fn seek(&mut self, to: SeekFrom) -> Result<u64, ReadError> {
        let (base, by) = match to {
            SeekFrom::Start(offset) => (offset, 0),
            SeekFrom::Current(by) => (self.position(), by),
            SeekFrom::End(by) => (self.info().await?.tail, by),
        };
        self.seek_by(base, by)
    }

    /// Takes at most `max` of the bytes that were shown as a buffer and not consumed; none when there are
    /// none.
    pub(crate) fn take_shown(&mut self, max: usize) -> Option<Bytes> {
        self.polling.seeking = None;
        let shown = &mut self.polling.shown;
        (!shown.is_empty()).then(|| shown.split_to(max.min(shown.len())))
    }

    pub(crate) fn seek_by(&mut self, base: u64, by: i64) -> Result<u64, ReadError> {
        self.polling.seeking = None;
        let offset = base
            .checked_add_signed(by)
            .filter(|&offset| offset <= MAX_OFFSET)
            .context(InvalidSeekSnafu)?;
        let ahead = offset.checked_sub(self.position());
        let ahead = ahead.and_then(|ahead| usize::try_from(ahead).ok());
        if let Some(skipped) = ahead.filter(|&ahead| ahead < self.polling.shown.len()) {
            self.polling.shown.advance(skipped);
            return Ok(offset);
        }
        self.inner()?
            .driver
            .drive(|reading, _| reading.seek(offset))?;
        self.polling.shown.clear();
        Ok(offset)
    }

    /// The segment read.
    ///
    /// # Errors
    /// [`ReadError::Asking`] when the factory could not be set up.
    pub fn segment(&self) -> Result<&ScopedSegment, ReadError> {
        Ok(self.inner()?.segment())
    }

    /// The offset of the next byte: the end of what was read last. Where a reader skips truncated bytes, the
    /// read that does so begins further on, and [`take_gap`](Self::take_gap) tells from where to where.
    #[must_use]
    pub fn position(&self) -> u64 {
        let taken = self
            .inner
            .as_ref()
            .map_or(0, |inner| inner.driver.look(Reading::position));
        taken.saturating_sub(u64::try_from(self.polling.shown.len()).unwrap_or_default())
    }

    /// The truncated bytes that a reader with [`OnTruncation::SkipToHead`](crate::OnTruncation::SkipToHead)
    /// has skipped since this was asked last; none when it skipped none.
    pub fn take_gap(&mut self) -> Option<Range<u64>> {
        self.inner
            .as_ref()
            .ok()?
            .driver
            .drive(|reading, _| reading.take_gap())
    }

    /// How many bytes have been received and can be read without waiting.
    #[must_use]
    pub fn available(&self) -> usize {
        let held = self
            .inner
            .as_ref()
            .map_or(0, |inner| inner.driver.look(Reading::available));
        held.saturating_add(self.polling.shown.len())
    }

    /// Asks for head, tail and whether the segment is sealed.
    ///
    /// # Errors
    /// As for [`SegmentHandle::info`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn info(&self) -> Result<SegmentInfo, ReadError> {
        let inner = self.inner()?;
        let info = inner.handle.info().await?;
        inner.note_info(&info);
        Ok(info)
    }

    /// The first readable offset; truncation moves it up.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn current_head(&self) -> Result<u64, ReadError> {
        Ok(self.info().await?.head)
    }

    /// The offset where the next byte will be written.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn current_tail(&self) -> Result<u64, ReadError> {
        Ok(self.info().await?.tail)
    }

    /// Waits until the segment reaches `offset`; returns the tail. The position does not move.
    ///
    /// # Errors
    /// [`ReadError::BeyondEnd`] when the segment is sealed before it gets there; otherwise as for
    /// [`info`](Self::info).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait_for_tail(&self, offset: u64) -> Result<u64, ReadError> {
        range::wait_for_tail(&self.inner()?.handle, offset).await
    }

    /// Reads at most `len` bytes at `offset`, whatever the position is, which does not move. Gives fewer
    /// bytes only at the tail, and none there: it never waits for bytes to be written.
    ///
    /// Many calls may run at the same time; they share the connections of the factory.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::BeyondEnd`]; otherwise as for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, ReadError> {
        range::read_at(&self.inner()?.handle, offset, len).await
    }

    /// Reads all bytes of `range`, several requests at once.
    ///
    /// # Errors
    /// [`ReadError::Incomplete`] when the segment ends inside the range; otherwise as for
    /// [`read_at`](Self::read_at).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes, ReadError> {
        let mut pieces = std::pin::pin!(self.stream_range(range.clone()));
        let first = pieces.try_next().await?.unwrap_or_default();
        let len = range.end.saturating_sub(range.start);
        if u64::try_from(first.len()).is_ok_and(|got| got == len) {
            return Ok(first);
        }
        // The range lies inside the segment, or the first piece would have been an error.
        let mut all = BytesMut::with_capacity(usize::try_from(len).unwrap_or(0));
        all.extend_from_slice(&first);
        while let Some(piece) = pieces.try_next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The bytes of `range` as a stream of chunks in order, several requests at once. It ends with the
    /// first error; see [`read_range`](Self::read_range).
    pub fn stream_range(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, ReadError>> + Send + use<> {
        let handle = self.inner().map(|inner| inner.handle.clone());
        futures::stream::once(async move { range::stream(handle?, range).await }).try_flatten()
    }
}

impl Drop for ByteReader {
    fn drop(&mut self) {
        if let Ok(inner) = &self.inner {
            inner.driver.close();
        }
    }
}
