//! The store's end of a connection.

use std::{io, sync::Arc};

use bytes::BytesMut;
use pravega_wire_protocol::{
    FrameDecoder, FrameLimits, Hello, KeepAlive, OLDEST_COMPATIBLE_VERSION, Reply, Request,
    WIRE_VERSION,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};

use super::Record;

const HELLO: Hello = Hello {
    high_version: WIRE_VERSION,
    low_version: OLDEST_COMPATIBLE_VERSION,
};

/// The store's end of one connection.
#[derive(Debug)]
pub struct Wire {
    number: usize,
    socket: TcpStream,
    decoder: FrameDecoder,
    received: BytesMut,
    record: Arc<watch::Sender<Record>>,
}

impl Wire {
    pub(super) fn new(
        number: usize,
        socket: TcpStream,
        record: Arc<watch::Sender<Record>>,
    ) -> Self {
        Self {
            number,
            socket,
            decoder: FrameDecoder::new(FrameLimits::SERVER),
            received: BytesMut::new(),
            record,
        }
    }

    /// How many connections there were before this one.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next request. Hellos and keep-alives are answered on the way. None when the client has gone.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no request.
    ///
    /// # Cancel safety
    /// Cancel safe but for the answers to hellos and keep-alives.
    pub async fn next(&mut self) -> io::Result<Option<Request>> {
        while let Some(request) = self.receive().await? {
            match request {
                Request::Hello(_) => self.send(HELLO).await?,
                Request::KeepAlive(_) => self.send(KeepAlive).await?,
                request => return Ok(Some(request)),
            }
        }
        Ok(None)
    }

    /// The next request, whatever it is, and nothing is answered. None when the client has gone.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn receive(&mut self) -> io::Result<Option<Request>> {
        loop {
            let frame = self.decoder.decode_frame(&mut self.received);
            if let Some(frame) = frame.map_err(io::Error::other)? {
                let request = Request::decode(frame).map_err(io::Error::other)?;
                self.note(&request);
                return Ok(Some(request));
            }
            if self.socket.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends one reply.
    ///
    /// # Errors
    /// When the connection breaks.
    ///
    /// # Cancel safety
    /// Part of the reply may have been sent.
    pub async fn send(&mut self, reply: impl Into<Reply>) -> io::Result<()> {
        let frame = reply.into().encode_to_bytes().map_err(io::Error::other)?;
        self.send_bytes(&frame).await
    }

    /// Sends replies one after the other.
    ///
    /// # Errors
    /// When the connection breaks.
    ///
    /// # Cancel safety
    /// Part of them may have been sent.
    pub async fn send_all<R: Into<Reply>>(
        &mut self,
        replies: impl IntoIterator<Item = R>,
    ) -> io::Result<()> {
        for reply in replies {
            self.send(reply).await?;
        }
        Ok(())
    }

    /// Sends bytes as they are: half a frame, or none at all.
    ///
    /// # Errors
    /// When the connection breaks.
    ///
    /// # Cancel safety
    /// Part of them may have been sent.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await
    }

    fn note(&self, request: &Request) {
        self.record.send_modify(|record| match request {
            Request::Hello(_) => {}
            Request::KeepAlive(_) => record.keep_alives += 1,
            request => record.requests.push(request.clone()),
        });
    }
}
