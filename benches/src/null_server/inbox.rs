//! Requests off a socket, large appends without their payload.

use std::io;

use bytes::{Buf as _, BufMut as _, BytesMut};
use pravega_wire_protocol::{
    Frame, FrameDecoder, FrameLimits, HEADER_BYTES, Request, message_type as code,
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

/// Bytes taken off the socket at a time: they stay in the cache of the processor.
const BUFFER: usize = 256 * 1024;
/// The payload of an append is dropped while it arrives when the frame is larger than this, in bytes.
const SKIM_FROM: usize = 32 * 1024;

/// A request, and how much data came with it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) request: Request,
    /// Payload bytes that are in `request` no more.
    pub(super) dropped: usize,
}

/// The receive buffer of a connection.
pub(super) struct Inbox {
    buffer: BytesMut,
    decoder: FrameDecoder,
    skimming: Option<Skim>,
}

/// A large append whose payload is being dropped: what is left is decoded as an append of nothing.
struct Skim {
    code: i32,
    /// The fields in front of the payload, whose length is set to 0.
    body: BytesMut,
    payload: usize,
    /// Bytes of the payload still to come.
    missing: usize,
    /// Bytes behind the payload.
    behind: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            buffer: BytesMut::with_capacity(BUFFER),
            decoder: FrameDecoder::new(FrameLimits::SERVER),
            skimming: None,
        }
    }

    /// Takes what the socket has, waiting until there is something. False at its end. It can be dropped and repeated.
    pub(super) async fn fill(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
        // All that was decoded is dropped by now, so this begins at the front of the same buffer again.
        let room = BUFFER.saturating_sub(self.buffer.len()).max(HEADER_BYTES);
        self.buffer.reserve(room);
        let mut room = (&mut self.buffer).limit(room);
        Ok(socket.read_buf(&mut room).await? > 0)
    }

    /// The next request, if all of it is there.
    pub(super) fn next(&mut self) -> io::Result<Option<Received>> {
        if self.skimming.is_none() {
            self.skimming = begin(&mut self.buffer);
        }
        if let Some(skim) = &mut self.skimming {
            let Some(frame) = skim.go_on(&mut self.buffer) else {
                return Ok(None);
            };
            let dropped = skim.payload;
            self.skimming = None;
            return decode(frame, dropped).map(Some);
        }
        let frame = self.decoder.decode_frame(&mut self.buffer);
        let frame = frame.map_err(io::Error::other)?;
        frame.map(|frame| decode(frame, 0)).transpose()
    }
}

fn decode(frame: Frame, dropped: usize) -> io::Result<Received> {
    let request = Request::decode(frame).map_err(io::Error::other)?;
    Ok(Received { request, dropped })
}

/// Bytes in front of the payload, its length included.
fn front_of(code: i32) -> Option<usize> {
    match code {
        code::APPEND_BLOCK_END => Some(16 + 4 + 4),
        code::CONDITIONAL_BLOCK_END => Some(16 + 8 + 8 + 4),
        _ => None,
    }
}

/// Takes the front of a large append off the buffer.
fn begin(buffer: &mut BytesMut) -> Option<Skim> {
    let mut header = &buffer[..];
    let code = header.try_get_i32().ok()?;
    let length = usize::try_from(header.try_get_i32().ok()?).ok()?;
    let front = front_of(code)?;
    if length <= SKIM_FROM || buffer.len() < HEADER_BYTES + front {
        return None;
    }
    buffer.advance(HEADER_BYTES);
    let fields = front.checked_sub(4)?;
    let mut body = BytesMut::with_capacity(front + HEADER_BYTES * 4);
    body.put_slice(buffer.get(..fields)?);
    body.put_i32(0);
    buffer.advance(fields);
    let payload = usize::try_from(buffer.get_i32()).ok()?;
    Some(Skim {
        code,
        body,
        payload,
        missing: payload,
        behind: length.saturating_sub(front).saturating_sub(payload),
    })
}

impl Skim {
    /// Drops what has arrived of the payload; the frame without it, once the rest is there.
    fn go_on(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        let arrived = self.missing.min(buffer.len());
        buffer.advance(arrived);
        self.missing -= arrived;
        if self.missing > 0 || buffer.len() < self.behind {
            return None;
        }
        self.body.put(buffer.split_to(self.behind));
        Some(Frame {
            code: self.code,
            body: self.body.split().freeze(),
        })
    }
}
