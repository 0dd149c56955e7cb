//! Bytes waiting for a socket.

use std::{collections::VecDeque, fmt, io::IoSlice, mem};

use bytes::{Buf, Bytes};

use crate::{Encode, EncodeError, Payload, layout, text};

/// A payload chunk of at least this many bytes is queued as it is; a smaller one is copied behind its
/// header.
///
/// Below it a copy costs less than one more slice in the vectored write.
pub const MERGE_LIMIT: usize = 8 * 1024;

/// A merge buffer this full takes no further frame, in bytes: so buffers stay small enough to be kept for
/// reuse and are freed one by one while a backlog drains.
const MERGE_BUFFER: usize = 32 * 1024;

/// A used merge buffer larger than this is freed instead of kept, in bytes: what a buffer filled up to
/// [`MERGE_BUFFER`] grows to with the largest merged payload.
const MAX_SPARE: usize = 64 * 1024;

/// At most this many used merge buffers are kept: one per frame of a full pipeline of large appends.
const MAX_SPARES: usize = 8;

/// Encoded frames on their way to a socket, in order.
///
/// Headers and small payloads are merged into buffers that are used again once they have been written;
/// large payloads ride as they are, shared with the message they came from. It is a [`Buf`]: hand
/// [`Buf::chunks_vectored`] to a vectored write and [`Buf::advance`] by what the socket took.
///
/// **Bound**: none of its own. Whoever pushes decides by [`FrameQueue::len`] when to stop.
///
/// ```
/// use bytes::Buf;
/// use pravega_wire_protocol::{FrameQueue, Hello, KeepAlive, Request};
///
/// let mut queue = FrameQueue::new();
/// queue.push(&Request::from(Hello::current()))?;
/// queue.push(&KeepAlive)?;
/// assert_eq!(queue.len(), 16 + 8);
/// queue.advance(16);
/// assert_eq!(queue.chunk(), [0, 0, 0, 100, 0, 0, 0, 0]);
/// # Ok::<(), pravega_wire_protocol::EncodeError>(())
/// ```
#[derive(Default)]
pub struct FrameQueue {
    /// What comes before `open`.
    parts: VecDeque<Part>,
    /// The merge buffer that new bytes go to.
    open: Merged,
    /// Bytes in `parts`.
    parts_len: usize,
    /// Empty buffers for later use.
    spares: Vec<Vec<u8>>,
}

enum Part {
    Merged(Merged),
    Payload(Bytes),
}

#[derive(Default)]
struct Merged {
    bytes: Vec<u8>,
    /// How many of them have been written already.
    taken: usize,
}

impl FrameQueue {
    /// An empty queue. It allocates with the first push.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a message as one frame.
    ///
    /// # Errors
    /// [`EncodeError`] when no peer would accept the message; then nothing was appended.
    pub fn push<M: Encode + ?Sized>(&mut self, message: &M) -> Result<(), EncodeError> {
        message.encode(self)
    }

    /// How many bytes wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts_len.saturating_add(self.open.chunk().len())
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves everything that waits in `other` to the end of this queue, without copying. Used buffers go
    /// the other way, so that a queue that is only filled and one that is only drained feed each other.
    pub fn append(&mut self, other: &mut Self) {
        if !other.is_empty() {
            self.close_part();
            self.parts_len = self
                .parts_len
                .saturating_add(mem::take(&mut other.parts_len));
            self.parts.append(&mut other.parts);
            mem::swap(&mut self.open, &mut other.open);
        }
        if other.spares.is_empty() {
            mem::swap(&mut self.spares, &mut other.spares);
        }
    }

    /// Takes everything that waits and leaves this queue empty, with its used buffers.
    #[must_use]
    pub fn split(&mut self) -> Self {
        let mut taken = Self::new();
        mem::swap(self, &mut taken);
        mem::swap(&mut self.spares, &mut taken.spares);
        taken
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        self.advance(usize::MAX);
    }

    /// Begins a frame whose payload of `length` bytes the caller puts next.
    pub(crate) fn put_header(
        &mut self,
        message: &'static str,
        code: i32,
        length: usize,
    ) -> Result<(), EncodeError> {
        let length = layout::checked_length(message, length)?;
        if self.open.bytes.len() >= MERGE_BUFFER {
            self.close_part();
        }
        self.put_slice(&code.to_be_bytes());
        self.put_slice(&length.to_be_bytes());
        Ok(())
    }

    pub(crate) fn put_slice(&mut self, bytes: &[u8]) {
        self.open.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn put_zeros(&mut self, count: usize) {
        let end = self.open.bytes.len().saturating_add(count);
        self.open.bytes.resize(end, 0);
    }

    /// A four-byte length. The frame's own length was checked before, so this one fits.
    pub(crate) fn put_length(&mut self, length: usize) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.put_slice(&length.to_be_bytes());
    }

    /// A string that is known to fit its two-byte length.
    pub(crate) fn put_text(&mut self, text: &str) {
        let length = u16::try_from(text::encoded_len(text)).unwrap_or(text::MAX_TEXT);
        self.put_slice(&length.to_be_bytes());
        text::encode(text, &mut self.open.bytes);
    }

    pub(crate) fn put_payload(&mut self, data: &Payload) {
        for chunk in data.chunks() {
            if chunk.len() < MERGE_LIMIT {
                self.put_slice(chunk);
            } else {
                self.close_part();
                self.parts_len = self.parts_len.saturating_add(chunk.len());
                self.parts.push_back(Part::Payload(chunk.clone()));
            }
        }
    }

    /// Moves the open buffer behind the other parts and opens a used one.
    fn close_part(&mut self) {
        if self.open.chunk().is_empty() {
            self.open.restart();
            return;
        }
        let fresh = Merged {
            bytes: self.spares.pop().unwrap_or_default(),
            taken: 0,
        };
        let part = mem::replace(&mut self.open, fresh);
        self.parts_len = self.parts_len.saturating_add(part.chunk().len());
        self.parts.push_back(Part::Merged(part));
    }

    /// Keeps the buffer of a written part, within limits.
    fn recycle(&mut self, part: Part) {
        if let Part::Merged(Merged { mut bytes, .. }) = part
            && bytes.capacity() <= MAX_SPARE
            && self.spares.len() < MAX_SPARES
        {
            bytes.clear();
            self.spares.push(bytes);
        }
    }
}

impl Buf for FrameQueue {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.parts
            .front()
            .map_or_else(|| self.open.chunk(), Part::chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let open = Some(self.open.chunk()).filter(|chunk| !chunk.is_empty());
        let chunks = self.parts.iter().map(Part::chunk).chain(open);
        let mut filled: usize = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = IoSlice::new(chunk);
            filled = filled.saturating_add(1);
        }
        filled
    }

    /// Forgets the first `count` bytes, or all when there are fewer.
    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.parts.front_mut() {
            let chunk = front.chunk().len();
            if count < chunk {
                front.advance(count);
                self.parts_len = self.parts_len.saturating_sub(count);
                return;
            }
            count = count.saturating_sub(chunk);
            self.parts_len = self.parts_len.saturating_sub(chunk);
            if let Some(part) = self.parts.pop_front() {
                self.recycle(part);
            }
        }
        self.open.advance(count);
    }
}

impl fmt::Debug for FrameQueue {
    /// Lengths only: the bytes are user data and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameQueue")
            .field("bytes", &self.len())
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

impl Part {
    fn chunk(&self) -> &[u8] {
        match self {
            Self::Merged(merged) => merged.chunk(),
            Self::Payload(bytes) => bytes,
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Merged(merged) => merged.advance(count),
            Self::Payload(bytes) => bytes.advance(count.min(bytes.len())),
        }
    }
}

impl Merged {
    fn chunk(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.bytes.len());
        if self.taken == self.bytes.len() {
            self.restart();
        }
    }

    /// Starts over at the front of the buffer, which is given back when it has grown beyond use.
    fn restart(&mut self) {
        self.taken = 0;
        self.bytes.clear();
        if self.bytes.capacity() > MAX_SPARE {
            self.bytes = Vec::new();
        }
    }
}
