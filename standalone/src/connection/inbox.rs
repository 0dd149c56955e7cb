//! Bytes from the peer, cut into requests, with memory asked for before it is taken.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use pravega_wire_protocol::{
    DecodeError, FrameDecoder, FrameLimits, HEADER_BYTES, MAX_CONTROL_PAYLOAD, Request,
};
use tokio::{
    io::AsyncRead,
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
};
use tokio_util::io::poll_read_buf;

/// Room for small messages, bytes. Messages beyond it need a share of the memory for appends.
pub(super) const READ_BUFFER: usize = 64 * 1024;

/// The receive buffer of one connection.
pub(super) struct Inbox {
    buffer: BytesMut,
    decoder: FrameDecoder,
    memory: Arc<Semaphore>,
    /// The share held for what is being received, or for an open append block.
    share: Option<OwnedSemaphorePermit>,
    waiting: Option<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

impl Inbox {
    /// An empty inbox that shares `memory` with all others.
    pub(super) fn new(memory: Arc<Semaphore>) -> Self {
        Self {
            buffer: BytesMut::new(),
            // A first message may be small only: nobody has a use for large ones before a setup.
            decoder: FrameDecoder::new(FrameLimits::new(MAX_CONTROL_PAYLOAD)),
            memory,
            share: None,
            waiting: None,
        }
    }

    /// The peer has sent its first message: it may send large ones now.
    pub(super) fn greeted(&mut self) {
        self.decoder.set_limits(FrameLimits::SERVER);
    }

    /// The next request, if all of it is there.
    pub(super) fn next(&mut self) -> Result<Option<Request>, DecodeError> {
        match self.decoder.decode_frame(&mut self.buffer)? {
            Some(frame) => Request::decode(frame).map(Some),
            None => Ok(None),
        }
    }

    /// True when the front of the buffer is the beginning of a message, and we do not keep it waiting.
    pub(super) fn is_in_frame(&self) -> bool {
        !self.buffer.is_empty() && self.waiting.is_none()
    }

    /// The memory held for the messages so far, which goes with the append they make.
    pub(super) fn take_share(&mut self) -> Option<OwnedSemaphorePermit> {
        self.share.take()
    }

    /// Reads what the socket has: 0 at its end.
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let missing = self.decoder.missing(&self.buffer);
        if missing > READ_BUFFER {
            ready!(self.poll_share(missing, cx))?;
            self.buffer.reserve(missing);
        } else if self.buffer.capacity().saturating_sub(self.buffer.len())
            < missing.max(HEADER_BYTES)
        {
            self.buffer.reserve(READ_BUFFER);
        }
        poll_read_buf(Pin::new(socket), cx, &mut self.buffer)
    }

    /// Throws away what the peer still sends; ready at the end of the connection.
    pub(super) fn poll_discard<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        self.share = None;
        self.waiting = None;
        loop {
            self.buffer.clear();
            self.buffer.reserve(HEADER_BYTES);
            match ready!(poll_read_buf(Pin::new(&mut *socket), cx, &mut self.buffer)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    }

    /// Gets a share of memory for a message that has been announced, before any of it is received.
    fn poll_share(&mut self, missing: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let held = self
            .share
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let announced = missing.saturating_add(self.buffer.len());
        if held >= announced && self.waiting.is_none() {
            return Poll::Ready(Ok(()));
        }
        let waiting = self.waiting.get_or_insert_with(|| {
            let more = u32::try_from(announced).unwrap_or(u32::MAX);
            Box::pin(Arc::clone(&self.memory).acquire_many_owned(more))
        });
        let share = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        let share = share.map_err(io::Error::other)?;
        match &mut self.share {
            Some(held) => held.merge(share),
            none => *none = Some(share),
        }
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("bytes", &self.buffer.len())
            .finish_non_exhaustive()
    }
}
