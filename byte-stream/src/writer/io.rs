//! The writer as [`AsyncWrite`] and as a [`Sink`] of [`Bytes`].

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Sink;
use tokio::io::AsyncWrite;

use super::{
    ByteWriter,
    appending::{Appending, Piece},
    durability::late,
};
use crate::{
    error::WriteError,
    wait::{PollWait, Woken},
};

/// What a writer remembers between two polls.
#[derive(Debug, Default)]
pub(crate) struct Polling {
    /// Of writes that wait for room.
    room: PollWait,
    /// Of flushes.
    acks: PollWait,
}

impl ByteWriter {
    /// Accepts a piece, or registers for the moment when there may be room.
    fn poll_submit(
        &mut self,
        cx: &mut Context<'_>,
        piece: &Piece<'_>,
    ) -> Poll<Result<(), WriteError>> {
        let (inner, polling) = self.parts();
        let inner = inner?;
        loop {
            if inner.extend_by(piece) || inner.try_submit(piece)?.is_some() {
                // Whatever was waited for before, by a call that was dropped, this is a new beginning.
                *polling = Polling::default();
                return Poll::Ready(Ok(()));
            }
            let Some(after) = inner.patience() else {
                return Poll::Ready(Err(inner.full()));
            };
            let woken = ready!(polling.room.poll(cx, inner.driver.progress(), Some(after)));
            if woken == Woken::Late {
                return Poll::Ready(Err(inner.no_room(after)));
            }
        }
    }

    fn poll_durable(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        let (inner, polling) = self.parts();
        let inner = inner?;
        loop {
            // Asked anew each time: an earlier flush may have been dropped, and bytes accepted since.
            let range = inner.driver.drive(Appending::flush);
            if let Some(answer) = inner.driver.look(|appending| appending.durable(&range)) {
                polling.acks.reset();
                return Poll::Ready(answer.map(|_| ()));
            }
            let after = inner.settings.operation_timeout;
            let woken = ready!(polling.acks.poll(cx, inner.driver.progress(), Some(after)));
            if woken == Woken::Late {
                return Poll::Ready(Err(late(&inner.driver, "flushing", after)));
            }
        }
    }
}

/// `poll_write` accepts bytes as [`ByteWriter::write`] does; `poll_flush` and `poll_shutdown` wait until
/// they are durable. Shutting down does not seal the segment.
impl AsyncWrite for ByteWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let max = self.inner()?.max_write;
        let piece = buf.get(..buf.len().min(max)).unwrap_or(buf);
        ready!(self.poll_submit(cx, &Piece::Copied(piece)))?;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_durable(cx).map_err(Into::into)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// A writer as a [`Sink`]: each item is appended without copying it, items above the atomic limit in
/// several pieces. Made by [`ByteWriter::into_sink`].
#[derive(Debug)]
pub struct ByteSink {
    writer: ByteWriter,
    rest: Bytes,
}

impl ByteWriter {
    /// Turns the writer into a [`Sink`] of [`Bytes`].
    #[must_use]
    pub fn into_sink(self) -> ByteSink {
        ByteSink {
            writer: self,
            rest: Bytes::new(),
        }
    }
}

impl ByteSink {
    /// Gives the writer back, and what of the last item it had no room for; nothing after a flush.
    #[must_use]
    pub fn into_parts(self) -> (ByteWriter, Bytes) {
        (self.writer, self.rest)
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        let max = self.writer.inner()?.max_write;
        while !self.rest.is_empty() {
            let piece = self.rest.slice(..self.rest.len().min(max));
            let len = piece.len();
            ready!(self.writer.poll_submit(cx, &Piece::Shared(piece)))?;
            self.rest = self.rest.slice(len..);
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<Bytes> for ByteSink {
    type Error = WriteError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        self.poll_rest(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Bytes) -> Result<(), WriteError> {
        self.rest = item;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        ready!(self.poll_rest(cx))?;
        self.writer.poll_durable(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        self.poll_flush(cx)
    }
}
