//! The limit: a bare loop on a bare socket, with the same frames, and a small answer for each.

use std::io::{self, IoSlice};

use bytes::Buf as _;
use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendBlockEnd, DataAppended, Encode, FrameQueue, MAX_READ_BYTES, ReadSegment, SegmentRead,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::job::{Contender, Job, Outcome, Work};

/// Small writes are gathered into blocks of this many bytes.
const BLOCK: usize = 1 << 20;
/// Bytes that may be out without an answer: what our writers hold by default.
const WINDOW: usize = 16 << 20;
/// Bytes that are asked for ahead: what our readers do by default.
const READ_AHEAD: usize = 4 << 20;
/// The size of a read reply.
const REPLY: usize = 1 << 20;
/// Bytes taken off the socket at a time.
const BUFFER: usize = 256 * 1024;

/// A loop on a socket.
struct Raw {
    socket: TcpStream,
    /// In front of the payload.
    before: Bytes,
    payload: Bytes,
    /// Behind it.
    behind: Bytes,
    /// Bytes of one answer.
    reply: usize,
    /// The most requests without an answer.
    window: usize,
    unanswered: usize,
    /// Bytes of an answer that has not arrived completely.
    partial: usize,
    buffer: Vec<u8>,
}

/// Does the job.
///
/// # Errors
/// When the connection breaks.
pub async fn run(job: &Job) -> Outcome<()> {
    let socket = TcpStream::connect(&job.address).await?;
    socket.set_nodelay(true)?;
    match job.work {
        Work::Append | Work::Write if job.size < BLOCK => {
            let block = Vec::with_capacity(BLOCK);
            let piece = vec![7; job.size];
            let raw = Raw::new(socket, BLOCK, WINDOW / BLOCK).await?;
            job.measure(&mut Coalescing { raw, piece, block }).await
        }
        Work::Append | Work::Write => {
            let window = (WINDOW / job.size).max(2);
            job.measure(&mut Raw::new(socket, job.size, window).await?)
                .await
        }
        Work::Flush | Work::FlushBytes | Work::Wake => {
            job.measure(&mut Raw::new(socket, job.size, 1).await?).await
        }
        Work::Read | Work::ReadChunk => {
            let raw = Raw::reading(socket).await?;
            job.measure(&mut Reading(raw)).await
        }
        Work::Reread | Work::Crowd | Work::Serve => Err("not with one socket".into()),
    }
}

fn frame(message: &impl Encode) -> Outcome<Bytes> {
    let mut queue = FrameQueue::new();
    queue.push(message)?;
    Ok(queue.copy_to_bytes(queue.len()))
}

impl Raw {
    async fn new(socket: TcpStream, size: usize, window: usize) -> Outcome<Self> {
        let payload = Bytes::from(vec![7; size]);
        let append = AppendBlockEnd {
            writer_id: WriterId::from_wire(1),
            size_of_whole_events: i32::try_from(size)?,
            data: payload.clone().into(),
            num_events: 1,
            last_event_number: 1,
            request_id: -1,
        };
        let ack = DataAppended {
            writer_id: WriterId::from_wire(1),
            event_number: 1,
            previous_event_number: 0,
            request_id: -1,
            current_segment_write_offset: 0,
        };
        let mut before = frame(&append)?;
        let behind = before.split_off(before.len() - 20);
        before.truncate(before.len() - size);
        let reply = frame(&ack)?.len();
        Self::greet(socket, before, payload, behind, reply, window).await
    }

    /// Asks, and gets large answers.
    async fn reading(socket: TcpStream) -> Outcome<Self> {
        let segment: std::sync::Arc<str> = "endless/raw/0.#epoch.0".into();
        let ask = ReadSegment {
            segment: std::sync::Arc::clone(&segment),
            offset: 0,
            suggested_length: i32::try_from(MAX_READ_BYTES)?,
            delegation_token: Default::default(),
            request_id: -1,
        };
        let reply = SegmentRead {
            segment,
            offset: 0,
            at_tail: false,
            end_of_segment: false,
            data: Bytes::from(vec![7; REPLY]).into(),
            request_id: -1,
        };
        let (ask, reply) = (frame(&ask)?, frame(&reply)?.len());
        Self::greet(
            socket,
            ask,
            Bytes::new(),
            Bytes::new(),
            reply,
            READ_AHEAD / REPLY,
        )
        .await
    }

    async fn greet(
        mut socket: TcpStream,
        before: Bytes,
        payload: Bytes,
        behind: Bytes,
        reply: usize,
        window: usize,
    ) -> Outcome<Self> {
        let request = before.len() + payload.len() + behind.len();
        for length in [request, reply] {
            socket.write_u64(u64::try_from(length)?).await?;
        }
        Ok(Self {
            socket,
            before,
            payload,
            behind,
            reply,
            window,
            unanswered: 0,
            partial: 0,
            buffer: vec![0; BUFFER],
        })
    }

    /// Sends a frame with this payload.
    async fn send(&mut self, payload: Option<&[u8]>) -> io::Result<()> {
        let payload = payload.unwrap_or(&self.payload);
        let mut parts = [&self.before[..], payload, &self.behind[..]].map(IoSlice::new);
        let mut left = &mut parts[..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            let written = self.socket.write_vectored(left).await?;
            IoSlice::advance_slices(&mut left, written);
        }
        self.unanswered += 1;
        Ok(())
    }

    /// So many bytes of answers have come.
    fn note(&mut self, read: usize) {
        self.partial += read;
        self.unanswered -= self.partial / self.reply;
        self.partial %= self.reply;
    }

    /// Takes the answers that are there; waits until no more than `most` are missing.
    async fn take_answers(&mut self, most: usize) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            match self.socket.try_read(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    taken += read;
                    self.note(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.unanswered <= most {
                        return Ok(taken);
                    }
                    self.socket.readable().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Contender for Raw {
    async fn call(&mut self) -> Outcome<usize> {
        self.send(None).await?;
        self.take_answers(self.window - 1).await?;
        Ok(self.payload.len())
    }

    async fn settle(&mut self) -> Outcome<()> {
        self.take_answers(0).await?;
        Ok(())
    }
}

/// Copies small pieces into a block, and sends it when it is full.
struct Coalescing {
    raw: Raw,
    piece: Vec<u8>,
    block: Vec<u8>,
}

impl Contender for Coalescing {
    async fn call(&mut self) -> Outcome<usize> {
        let room = BLOCK - self.block.len();
        let (now, rest) = self.piece.split_at(room.min(self.piece.len()));
        self.block.extend_from_slice(now);
        if self.block.len() == BLOCK {
            self.raw.send(Some(&self.block)).await?;
            self.raw.take_answers(self.raw.window - 1).await?;
            self.block.clear();
            self.block.extend_from_slice(rest);
        }
        Ok(self.piece.len())
    }

    /// What is in the block stays there: less than a block.
    async fn settle(&mut self) -> Outcome<()> {
        self.raw.settle().await
    }
}

/// Keeps requests out, and takes what comes.
struct Reading(Raw);

impl Contender for Reading {
    async fn call(&mut self) -> Outcome<usize> {
        while self.0.unanswered < self.0.window {
            self.0.send(None).await?;
        }
        loop {
            match self.0.socket.try_read(&mut self.0.buffer) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(read) => {
                    self.0.note(read);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.0.socket.readable().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}
