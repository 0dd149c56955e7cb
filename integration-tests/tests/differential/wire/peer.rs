//! A connection that says anything, right or wrong.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use pravega_wire_protocol::{
    Frame, FrameDecoder, FrameLimits, HEADER_BYTES, MAX_RECEIVED_PAYLOAD, Reply,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take. A real store under pressure takes up to 25 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// What comes from a server.
#[derive(Debug)]
pub(super) enum Heard {
    /// A reply; `exact` when encoding it again gives the same bytes, so with all its optional fields.
    Reply { reply: Box<Reply>, exact: bool },
    /// A frame that is no reply.
    Garbage(String),
    /// The end of the connection.
    Closed,
    /// Nothing, for as long as we are willing to wait.
    Silence,
}

/// One connection to a segment store.
#[derive(Debug)]
pub(super) struct Peer {
    socket: TcpStream,
    received: BytesMut,
    decoder: FrameDecoder,
    is_closed: bool,
}

impl Peer {
    /// Connects.
    pub(super) async fn connect(store: &str) -> Self {
        let socket = TcpStream::connect(store).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            received: BytesMut::new(),
            decoder: FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD)),
            is_closed: false,
        }
    }

    /// True when the server has closed the connection and everything before that was heard.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Sends bytes. That the server has closed meanwhile shows in what is heard next.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let sent = timeout(PATIENCE, self.socket.write_all(bytes)).await;
        // A reset is heard as the end.
        drop(sent.expect("the server takes what is sent"));
    }

    /// Says that nothing more will come.
    pub(super) async fn end(&mut self) {
        drop(self.socket.shutdown().await);
    }

    /// The next thing that the server says.
    pub(super) async fn hear(&mut self) -> Heard {
        if self.is_closed {
            return Heard::Closed;
        }
        let heard = timeout(PATIENCE, self.next()).await;
        let heard = heard.unwrap_or(Heard::Silence);
        self.is_closed |= matches!(heard, Heard::Closed);
        heard
    }

    async fn next(&mut self) -> Heard {
        loop {
            match self.decoder.decode_frame(&mut self.received) {
                Ok(Some(frame)) => return decode(frame),
                Ok(None) => {}
                Err(error) => return Heard::Garbage(error.to_string()),
            }
            match self.socket.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return Heard::Closed,
                Ok(_) => {}
            }
        }
    }
}

fn decode(frame: Frame) -> Heard {
    let original = encode(frame.code, frame.body.clone());
    match Reply::decode(frame) {
        Ok(reply) => {
            let exact = reply.encode_to_bytes().is_ok_and(|again| again == original);
            let reply = Box::new(reply);
            Heard::Reply { reply, exact }
        }
        Err(error) => Heard::Garbage(error.to_string()),
    }
}

/// A frame of any type with any payload.
pub(super) fn encode(code: i32, body: impl Buf) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEADER_BYTES + body.remaining());
    frame.put_i32(code);
    frame.put_i32(i32::try_from(body.remaining()).unwrap());
    frame.put(body);
    frame.freeze()
}
