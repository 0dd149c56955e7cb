//! Bytes from the peer, cut into requests, with memory asked for before it is taken.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use pravega_wire_protocol::{
    DecodeError, FrameDecoder, FrameLimits, HEADER_BYTES, MAX_CONTROL_PAYLOAD, Request,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::AcquireError,
};
use tokio_util::io::poll_read_buf;

use crate::append_memory::{APPEND_OVERHEAD, AppendMemory, Share};

/// Room for small messages, bytes. Messages beyond it need a share of the memory for appends.
pub(super) const READ_BUFFER: usize = 64 * 1024;

/// Bytes that are thrown away at a time.
const RUBBISH: usize = 8 * 1024;

/// The receive buffer of one connection.
pub(super) struct Inbox {
    buffer: BytesMut,
    decoder: FrameDecoder,
    memory: AppendMemory,
    /// The share held for what is being received, or for an open append block.
    share: Option<Share>,
    waiting: Option<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<Share, AcquireError>> + Send>>;

impl Inbox {
    /// An empty inbox that shares `memory` with all others.
    pub(super) fn new(memory: AppendMemory) -> Self {
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
    pub(super) fn take_share(&mut self) -> Option<Share> {
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
            // Not by `reserve`, which takes the memory of a large message again as soon as that is stored: its share
            // has been given back.
            let mut small = BytesMut::with_capacity(self.buffer.len() + READ_BUFFER);
            small.extend_from_slice(&self.buffer);
            self.buffer = small;
        }
        poll_read_buf(Pin::new(socket), cx, &mut self.buffer)
    }

    /// Throws away what the peer still sends; ready at the end of the connection.
    pub(super) fn poll_discard<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        // The memory goes with its share.
        self.buffer = BytesMut::new();
        self.share = None;
        self.waiting = None;
        loop {
            let mut rubbish = [MaybeUninit::uninit(); RUBBISH];
            let mut rubbish = ReadBuf::uninit(&mut rubbish);
            match ready!(Pin::new(&mut *socket).poll_read(cx, &mut rubbish)) {
                Ok(()) if !rubbish.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }

    /// Gets a share of memory for a message that has been announced, before any of it is received.
    fn poll_share(&mut self, missing: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let held = self.share.as_ref().map_or(0, Share::bytes);
        let announced = missing.saturating_add(self.buffer.len());
        if held >= announced && self.waiting.is_none() {
            return Poll::Ready(Ok(()));
        }
        let waiting = self.waiting.get_or_insert_with(|| {
            // With all that an append of it will be charged: who has received one waits no more.
            let needed = announced.saturating_add(APPEND_OVERHEAD);
            Box::pin(self.memory.add(self.share.take(), needed))
        });
        let share = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        self.share = Some(share.map_err(io::Error::other)?);
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use bytes::Bytes;
    use pravega_client_shared::WriterId;
    use pravega_wire_protocol::AppendBlockEnd;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const LARGE: usize = 4 << 20;

    /// A large append, whose bytes are `LARGE`.
    fn append() -> Bytes {
        let append = AppendBlockEnd {
            writer_id: WriterId::from_wire(1),
            size_of_whole_events: 0,
            data: Bytes::from(vec![7; LARGE]).into(),
            num_events: 1,
            last_event_number: 1,
            request_id: 1,
        };
        Request::from(append).encode_to_bytes().unwrap()
    }

    fn inbox() -> (Inbox, DuplexStream, DuplexStream) {
        let (near, far) = duplex(2 * LARGE);
        let mut inbox = Inbox::new(AppendMemory::new(2 * LARGE));
        inbox.greeted();
        (inbox, near, far)
    }

    async fn read(inbox: &mut Inbox, near: &mut DuplexStream) -> usize {
        poll_fn(|cx| inbox.poll_read(near, cx)).await.unwrap()
    }

    #[tokio::test]
    async fn the_memory_of_a_large_message_is_not_kept_for_the_next() {
        let (mut inbox, mut near, mut far) = inbox();
        far.write_all(&append()).await.unwrap();
        let request = loop {
            read(&mut inbox, &mut near).await;
            if let Some(request) = inbox.next().unwrap() {
                break request;
            }
        };
        drop((request, inbox.take_share()));
        far.write_all(b"123").await.unwrap();
        read(&mut inbox, &mut near).await;
        assert!(inbox.buffer.capacity() < 2 * READ_BUFFER);
        assert_eq!(&inbox.buffer[..], b"123");
    }

    /// Found by the fuzz target `server_conn`: announce, break the rules, announce again on another connection.
    #[tokio::test]
    async fn nothing_announced_is_kept_while_a_connection_closes() {
        let (mut inbox, mut near, mut far) = inbox();
        far.write_all(&append()[..100]).await.unwrap();
        while inbox.share.is_none() {
            read(&mut inbox, &mut near).await;
            assert!(inbox.next().unwrap().is_none());
            far.write_all(b"1").await.unwrap();
        }
        assert!(inbox.buffer.capacity() > LARGE);
        far.write_all(&[0; 100_000]).await.unwrap();
        drop(far);
        poll_fn(|cx| inbox.poll_discard(&mut near, cx)).await;
        assert_eq!(inbox.memory.held(), 0);
        assert_eq!(inbox.buffer.capacity(), 0);
    }
}
