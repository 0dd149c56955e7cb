//! The reader as [`AsyncRead`], [`AsyncBufRead`], [`AsyncSeek`] and as a [`Stream`] of [`Bytes`].

use std::{
    fmt,
    future::Future,
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, ReadBuf};

use crate::{
    error::ReadError,
    reader::ByteReader,
    reading::{Reading, Step},
    segment::SegmentInfo,
    wait::Woken,
};

/// A seek from the end that waits for the store to say where the end is.
#[derive(Default)]
pub(crate) struct Seeking(Option<(i64, InfoFuture)>);

type InfoFuture = Pin<Box<dyn Future<Output = Result<SegmentInfo, ReadError>> + Send + Sync>>;

impl fmt::Debug for Seeking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seeking({})", self.0.is_some())
    }
}

impl ByteReader {
    /// Takes something from the session, or registers for the moment when it may be there.
    fn poll_step<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut Reading) -> Result<Option<Step<T>>, ReadError>,
    ) -> Poll<Result<Option<T>, ReadError>> {
        let (inner, waiting) = self.parts();
        let inner = inner?;
        loop {
            match inner.step(&mut take)? {
                Some(step) => {
                    waiting.reset();
                    return Poll::Ready(Ok(step.took()));
                }
                None => {
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
        let copied = ready!(self.poll_step(cx, |reading| {
            let room = buf.initialize_unfilled();
            let step = reading.copy_to(room)?;
            if let Some(Step::Took(len)) = step {
                buf.advance(len);
            }
            Ok(step)
        }))?;
        let _ = copied;
        Poll::Ready(Ok(()))
    }
}

/// Hands out the received bytes themselves: nothing is copied.
impl AsyncBufRead for ByteReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let reader = self.get_mut();
        if reader.held.is_empty() {
            let chunk = ready!(reader.poll_step(cx, |reading| reading.show_chunk()))?;
            reader.held = chunk.unwrap_or_default();
        }
        Poll::Ready(Ok(&reader.held))
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let reader = self.get_mut();
        let amt = amt.min(reader.held.len());
        reader.held = reader.held.slice(amt..);
        if let Ok(inner) = reader.inner() {
            inner.driver.drive(|reading, _| reading.consume(amt));
        }
    }
}

impl AsyncSeek for ByteReader {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.seeking = Seeking::default();
        match to {
            SeekFrom::Start(offset) => self.seek_by(offset, 0).map(|_| ()).map_err(Into::into),
            SeekFrom::Current(by) => {
                let position = self.position();
                self.seek_by(position, by).map(|_| ()).map_err(Into::into)
            }
            SeekFrom::End(by) => {
                let handle = self.inner()?.handle.clone();
                let info = async move { Ok(handle.info().await?) };
                self.seeking = Seeking(Some((by, Box::pin(info))));
                Ok(())
            }
        }
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Some((by, info)) = &mut self.seeking.0 {
            let by = *by;
            let info = ready!(info.as_mut().poll(cx));
            self.seeking = Seeking::default();
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
        self.reader.poll_step(cx, |reading| reading.take_chunk(usize::MAX)).map(Result::transpose)
    }
}
