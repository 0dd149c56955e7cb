//! The way out: a queue that callers encode into, and a socket that whoever is there writes to.
//!
//! ```text
//!  caller A ── enqueue ──┐                       ┌── pump: try the lock, write everybody's frames
//!  caller B ── enqueue ──┼──► FrameQueue ────────┤   until the queue is empty or the socket is full
//!  caller C ── enqueue ──┘    (short lock)       └── lock taken: leave a mark and go; whoever has it
//!                                                    looks for marks after unlocking
//! ```
//!
//! The socket is always polled with the waker of the connection's task. What it does not take at once is
//! therefore written by that task as soon as there is room, and a caller never waits. Callers hand over
//! whole frames, so one that is dropped leaves no half frame on the wire.

#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    io::IoSlice,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use bytes::Buf;
use pravega_wire_protocol::{EncodeError, FrameQueue, Request};
use tokio::io::AsyncWrite;

use crate::{
    dial::BoxedWriter,
    limits::{WRITE_SLICES, WRITE_TURN_BYTES},
};

/// The sending half of one connection.
///
/// **Bound** of the queue: what the flows' windows and [`MAX_CALLS_PER_CONNECTION`] requests add up to.
/// Nothing here adds to it but a keep-alive or two.
///
/// [`MAX_CALLS_PER_CONNECTION`]: crate::limits::MAX_CALLS_PER_CONNECTION
pub(crate) struct Outbound {
    /// Frames that nobody has taken to the socket yet. Held for the length of an encoding.
    queue: Mutex<FrameQueue>,
    /// Something waits to be written. Only changed with the queue locked: set by whoever puts something in, cleared
    /// by whoever finds it empty and has written what he took before. So most looks cost one load.
    has_work: AtomicBool,
    /// Held while writing. Whoever wants to write only tries for it.
    half: Mutex<WriteHalf>,
    /// The mark of somebody who found the lock taken. It is only ever swapped: then a mark that the holder of
    /// the lock does not see after unlocking was made by somebody who finds the lock free at the second try.
    /// Whoever takes a mark away tries for the lock like everybody, and leaves his own if it is taken again.
    wanted: AtomicBool,
    /// The waker of the connection's task, once it has run. It is spawned, so it has one waker for life.
    waker: OnceLock<Waker>,
    failure: OnceLock<Arc<io::Error>>,
    /// How often a full socket has taken bytes again.
    drained: AtomicU64,
    written: AtomicU64,
}

struct WriteHalf {
    /// None when the connection is closed.
    writer: Option<BoxedWriter>,
    /// Frames taken from the queue, the first perhaps written in part.
    taken: FrameQueue,
    /// The socket was full, and will wake the connection's task.
    is_full: bool,
    needs_flush: bool,
}

/// How a turn of writing ended.
enum Turn {
    /// Everything was written.
    Empty,
    /// The socket is full; it will wake the connection's task.
    Full,
    /// Somebody else's turn, though there is more.
    Over,
    /// The socket is gone.
    Dead,
}

impl Outbound {
    pub(crate) fn new(writer: BoxedWriter) -> Self {
        Self {
            queue: Mutex::new(FrameQueue::new()),
            has_work: AtomicBool::new(false),
            half: Mutex::new(WriteHalf {
                writer: Some(writer),
                taken: FrameQueue::new(),
                is_full: false,
                needs_flush: false,
            }),
            wanted: AtomicBool::new(false),
            waker: OnceLock::new(),
            failure: OnceLock::new(),
            drained: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    /// Encodes a request into the queue. Nothing is written before somebody pumps.
    pub(crate) fn push(&self, request: &Request) -> Result<(), EncodeError> {
        let mut queue = lock(&self.queue);
        queue.push(request)?;
        self.has_work.store(true, Ordering::Release);
        Ok(())
    }

    /// Bytes that wait in the queue.
    pub(crate) fn queued(&self) -> usize {
        lock(&self.queue).len()
    }

    /// Bytes that the socket has taken.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How often a full socket has taken bytes again: each time the peer's side must have moved.
    pub(crate) fn drained(&self) -> u64 {
        self.drained.load(Ordering::Relaxed)
    }

    /// Why writing failed, if it did.
    pub(crate) fn failure(&self) -> Option<Arc<io::Error>> {
        self.failure.get().cloned()
    }

    /// Remembers how to wake the connection's task. From here on callers write themselves.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    /// Makes the connection's task look around.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Writes for everybody, for one turn, without waiting.
    pub(crate) fn pump(&self) {
        if !self.has_work.load(Ordering::Acquire) {
            return;
        }
        let Some(waker) = self.waker.get() else {
            // The connection's task has not run yet; its first act will be to pump.
            return;
        };
        let mut left = WRITE_TURN_BYTES;
        loop {
            let Some(mut half) = self.lock_or_mark() else {
                return;
            };
            let turn = self.write_turn(&mut half, &mut Context::from_waker(waker), &mut left);
            drop(half);
            match turn {
                // Also after a full socket: its wake-up may have come while the lock was held, and the
                // connection's task have found it taken.
                Turn::Empty | Turn::Full if self.wanted.swap(false, Ordering::AcqRel) => {}
                Turn::Empty | Turn::Full => return,
                Turn::Over | Turn::Dead => {
                    waker.wake_by_ref();
                    return;
                }
            }
        }
    }

    /// Takes the lock, or leaves a mark for whoever has it.
    fn lock_or_mark(&self) -> Option<MutexGuard<'_, WriteHalf>> {
        try_lock(&self.half).or_else(|| {
            self.wanted.swap(true, Ordering::AcqRel);
            // Whoever had it may have looked for marks already.
            try_lock(&self.half)
        })
    }

    fn write_turn(&self, half: &mut WriteHalf, cx: &mut Context<'_>, left: &mut usize) -> Turn {
        while self.take(half) {
            while !half.is_done() {
                if *left == 0 && !half.taken.is_empty() {
                    return Turn::Over;
                }
                match half.poll_step(cx) {
                    Poll::Pending => {
                        half.is_full = true;
                        return Turn::Full;
                    }
                    Poll::Ready(Ok(count)) => {
                        *left = left.saturating_sub(count);
                        self.note_written(half, count);
                    }
                    Poll::Ready(Err(error)) => return self.fail(half, error),
                }
            }
        }
        Turn::Empty
    }

    /// Takes what is in the queue. False when nothing is left to do.
    fn take(&self, half: &mut WriteHalf) -> bool {
        let mut queue = lock(&self.queue);
        half.taken.append(&mut queue);
        let is_done = half.is_done();
        if is_done {
            self.has_work.store(false, Ordering::Release);
        }
        !is_done
    }

    fn note_written(&self, half: &mut WriteHalf, count: usize) {
        if mem::take(&mut half.is_full) {
            self.drained.fetch_add(1, Ordering::Relaxed);
        }
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.written.fetch_add(count, Ordering::Relaxed);
    }

    /// Keeps the first error for the connection's task, which closes the connection when it has read what
    /// the peer may have said before.
    fn fail(&self, half: &mut WriteHalf, error: io::Error) -> Turn {
        self.failure.get_or_init(|| Arc::new(error));
        half.end();
        Turn::Dead
    }

    /// Gives back the memory that is kept for traffic, if nothing waits. To be followed by a
    /// [`pump`](Self::pump), for whoever found the lock taken meanwhile.
    pub(crate) fn shrink(&self) {
        let mut queue = lock(&self.queue);
        if queue.is_empty() {
            *queue = FrameQueue::new();
        }
        drop(queue);
        if let Some(mut half) = try_lock(&self.half).filter(|half| half.taken.is_empty()) {
            half.taken = FrameQueue::new();
        }
    }

    /// Ends writing: what has not been written is dropped, and the socket is closed as far as it goes
    /// without waiting.
    pub(crate) fn close(&self) {
        lock(&self.queue).clear();
        // The only wait for this lock: once in a connection's life, for the rest of somebody's turn.
        let mut half = lock(&self.half);
        if let Some(mut writer) = half.end() {
            // Politeness to the peer, and to TLS; it may well be gone already.
            let farewell =
                Pin::new(&mut writer).poll_shutdown(&mut Context::from_waker(Waker::noop()));
            tracing::trace!(name: "connection.shut_down", ?farewell, "socket shut down");
        }
    }
}

impl WriteHalf {
    /// Everything that was taken is with the system.
    fn is_done(&self) -> bool {
        self.taken.is_empty() && !self.needs_flush
    }

    /// Writes nothing any more. Returns the socket, if it was there.
    fn end(&mut self) -> Option<BoxedWriter> {
        self.taken.clear();
        self.needs_flush = false;
        self.writer.take()
    }

    /// Writes; flushes when all is written. Returns how many bytes the socket took.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self.taken.is_empty() {
            true => self.poll_flush(cx).map_ok(|()| 0),
            false => self.poll_write(cx),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(writer) = &mut self.writer else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let writer = Pin::new(writer);
        let first = self.taken.chunk();
        // One piece, as requests without much payload are, takes the system less time as it is than as a list of one.
        let written = match first.len() == self.taken.len() {
            true => writer.poll_write(cx, first)?,
            false => write_vectored(writer, cx, &self.taken)?,
        };
        written.map(|count| match count {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => {
                self.taken.advance(count);
                self.needs_flush = true;
                Ok(count)
            }
        })
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(writer) = &mut self.writer {
            ready!(Pin::new(writer).poll_flush(cx))?;
        }
        self.needs_flush = false;
        Poll::Ready(Ok(()))
    }
}

fn write_vectored(
    writer: Pin<&mut BoxedWriter>,
    cx: &mut Context<'_>,
    frames: &FrameQueue,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
    let filled = frames.chunks_vectored(&mut slices);
    writer.poll_write_vectored(cx, slices.get(..filled).unwrap_or_default())
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("queued", &self.queued())
            .field("written", &self.written())
            .finish_non_exhaustive()
    }
}

/// Locks; a panic elsewhere does not make the data unusable, because every change leaves it whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
