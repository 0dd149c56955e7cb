//! The limit: a bare loop on a bare socket, with the same frames, and a small answer for each.

use std::{io, time::Duration};

use bytes::{Buf as _, Bytes};
use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendBlockEnd, DataAppended, Encode, FrameQueue, MAX_READ_BYTES, ReadSegment, SegmentRead,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

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

/// Bytes of an append behind its payload.
const BEHIND: usize = 20;

/// What our calls have by default.
const DEADLINE: Duration = Duration::from_secs(60);

/// A loop on a socket.
struct Raw {
    socket: TcpStream,
    /// What is sent, in one piece.
    request: Bytes,
    /// Bytes of it that count.
    payload: usize,
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
            let raw = Raw::new(socket, BLOCK, WINDOW / BLOCK).await?;
            job.measure(&mut Coalescing::new(raw, job.size)).await
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

/// Does a job of one call at a time, each with a deadline, as every call of a client has.
///
/// # Errors
/// When the connection breaks.
pub async fn run_timed(job: &Job) -> Outcome<()> {
    let socket = TcpStream::connect(&job.address).await?;
    socket.set_nodelay(true)?;
    let raw = Raw::new(socket, job.size, 1).await?;
    job.measure(&mut Timed(raw)).await
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
        let (request, reply) = (frame(&append)?, frame(&ack)?.len());
        Self::greet(socket, request, size, reply, window).await
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
        Self::greet(socket, ask, 0, reply, READ_AHEAD / REPLY).await
    }

    async fn greet(
        mut socket: TcpStream,
        request: Bytes,
        payload: usize,
        reply: usize,
        window: usize,
    ) -> Outcome<Self> {
        for length in [request.len(), reply] {
            socket.write_u64(u64::try_from(length)?).await?;
        }
        Ok(Self {
            socket,
            request,
            payload,
            reply,
            window,
            unanswered: 0,
            partial: 0,
            buffer: vec![0; BUFFER],
        })
    }

    /// Sends a request, this one or the usual.
    async fn send(&mut self, request: Option<&[u8]>) -> io::Result<()> {
        let request = request.unwrap_or(&self.request);
        self.socket.write_all(request).await?;
        self.unanswered += 1;
        Ok(())
    }

    /// Takes answers until no more than `most` are missing.
    async fn take_answers(&mut self, most: usize) -> io::Result<()> {
        while self.unanswered > most {
            self.read().await?;
        }
        Ok(())
    }

    /// Waits until there is something, and takes all that is there. A buffer that is not full tells that no more is, so
    /// the socket is not asked a second time.
    async fn read(&mut self) -> io::Result<usize> {
        let read = self.socket.read(&mut self.buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.partial += read;
        self.unanswered -= self.partial / self.reply;
        self.partial %= self.reply;
        Ok(read)
    }
}

impl Contender for Raw {
    async fn call(&mut self) -> Outcome<usize> {
        self.send(None).await?;
        self.take_answers(self.window - 1).await?;
        Ok(self.payload)
    }

    async fn settle(&mut self) -> Outcome<()> {
        self.take_answers(0).await?;
        Ok(())
    }
}

/// Gives up a call that takes too long.
struct Timed(Raw);

impl Contender for Timed {
    async fn call(&mut self) -> Outcome<usize> {
        timeout(DEADLINE, self.0.call()).await?
    }

    async fn settle(&mut self) -> Outcome<()> {
        self.0.settle().await
    }
}

/// Copies small pieces into a block, and sends it when it is full.
struct Coalescing {
    raw: Raw,
    piece: Vec<u8>,
    /// A request as far as it is filled.
    block: Vec<u8>,
    /// Its bytes in front of the payload, and behind it.
    around: [Bytes; 2],
}

impl Coalescing {
    fn new(raw: Raw, size: usize) -> Self {
        let mut before = raw.request.clone();
        let behind = before.split_off(before.len() - BEHIND);
        before.truncate(before.len() - BLOCK);
        let mut block = Vec::with_capacity(raw.request.len());
        block.extend_from_slice(&before);
        Self {
            raw,
            piece: vec![7; size],
            block,
            around: [before, behind],
        }
    }
}

impl Contender for Coalescing {
    async fn call(&mut self) -> Outcome<usize> {
        let [before, behind] = &self.around;
        let room = before.len() + BLOCK - self.block.len();
        let (now, rest) = self.piece.split_at(room.min(self.piece.len()));
        self.block.extend_from_slice(now);
        if now.len() == room {
            self.block.extend_from_slice(behind);
            self.raw.send(Some(&self.block)).await?;
            self.raw.take_answers(self.raw.window - 1).await?;
            self.block.truncate(before.len());
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
        Ok(self.0.read().await?)
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}
