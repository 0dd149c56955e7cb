//! The reader as [`AsyncRead`], [`AsyncBufRead`], [`AsyncSeek`] and as a [`Stream`] of [`Bytes`].

use std::{
    fmt,
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures::Stream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, ReadBuf};
use tokio_util::sync::ReusableBoxFuture;

use super::{
    ByteReader,
    reading::{Look, Reading},
};
use crate::{error::ReadError, segment::SegmentInfo, wait::Woken};

/// What a reader remembers between two polls.
#[derive(Default)]
pub(crate) struct Polling {
    /// Bytes that `poll_fill_buf` has shown and that are not consumed yet.
    pub(crate) shown: Bytes,
    /// A seek from the end that waits for the store to say where the end is. Whoever reads on or seeks
    /// elsewhere has dropped it.
    pub(super) seeking: Option<(i64, InfoFuture)>,
}

/// Unlike a plain boxed future it can be shared between threads, and so can the reader: many tasks may
/// read ranges through one.
type InfoFuture = ReusableBoxFuture<'static, Result<SegmentInfo, ReadError>>;

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polling")
            .field("shown", &self.shown.len())
            .finish_non_exhaustive()
    }
}

impl ByteReader {
    /// Takes something from the session, or registers for the moment when it may be there.
    fn poll_step<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut Reading) -> Look<T>,
    ) -> Poll<Result<Option<T>, ReadError>> {
        let (inner, waiting) = self.parts();
        let inner = inner?;
        loop {
            match inner.step(&mut take)? {
                Some(step) => {
                    waiting.reset();
                    return Poll::Ready(Ok(step.taken()));
                }
                None => {
                    if let Some(error) = inner.unreachable(waiting.began()) {
                        waiting.reset();
                        return Poll::Ready(Err(error));
                    }
                    let progress = inner.driver.progress();
                    if ready!(waiting.poll(cx, progress, inner.idle_timeout())) == Woken::Late {
                        return Poll::Ready(Err(inner.idle()));
                    }
                }
            }
        }
    }
}

/// Filling nothing is the end, as for [`ByteReader::read`].
impl AsyncRead for ByteReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(shown) = self.take_shown(buf.remaining()) {
            buf.put_slice(&shown);
            return Poll::Ready(Ok(()));
        }
        let copied =
            ready!(self.poll_step(cx, |reading| reading.copy_to(buf.initialize_unfilled())))?;
        buf.advance(copied.unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

/// Hands out the received bytes themselves: nothing is copied. What is shown is taken out of the reader's
/// buffer, and the [position](ByteReader::position) counts it as not read until it is consumed.
impl AsyncBufRead for ByteReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let reader = self.get_mut();
        reader.polling.seeking = None;
        if reader.polling.shown.is_empty() {
            let chunk = ready!(reader.poll_step(cx, |reading| reading.take_chunk(usize::MAX)))?;
            reader.polling.shown = chunk.unwrap_or_default();
        }
        Poll::Ready(Ok(&reader.polling.shown))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let shown = &mut self.polling.shown;
        shown.advance(amount.min(shown.len()));
    }
}

impl AsyncSeek for ByteReader {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.polling.seeking = None;
        let (base, by) = match to {
            SeekFrom::Start(offset) => (offset, 0),
            SeekFrom::Current(by) => (self.position(), by),
            SeekFrom::End(by) => {
                let handle = self.inner()?.handle.clone();
                let info = InfoFuture::new(async move { Ok(handle.info().await?) });
                self.polling.seeking = Some((by, info));
                return Ok(());
            }
        };
        self.seek_by(base, by)?;
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Some((by, info)) = &mut self.polling.seeking {
            let by = *by;
            let info = ready!(info.poll(cx));
            self.polling.seeking = None;
            return Poll::Ready(self.seek_by(info?.tail, by).map_err(Into::into));
        }
        Poll::Ready(Ok(self.position()))
    }
}

/// A reader as a [`Stream`] of the chunks that it receives, ending at the end. Made by
/// [`ByteReader::into_stream`].
#[derive(Debug)]
pub struct ByteReaderStream {
    reader: ByteReader,
}

impl ByteReader {
    /// Turns the reader into a [`Stream`] of [`Bytes`].
    #[must_use]
    pub fn into_stream(self) -> ByteReaderStream {
        ByteReaderStream { reader: self }
    }
}

impl ByteReaderStream {
    /// Gives the reader back, where the stream stopped.
    #[must_use]
    pub fn into_reader(self) -> ByteReader {
        self.reader
    }
}

impl Stream for ByteReaderStream {
    type Item = Result<Bytes, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(shown) = self.reader.take_shown(usize::MAX) {
            return Poll::Ready(Some(Ok(shown)));
        }
        self.reader
            .poll_step(cx, |reading| reading.take_chunk(usize::MAX))
            .map(Result::transpose)
    }
}
