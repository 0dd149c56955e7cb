//! The way in: a read buffer that grows with the traffic, and frames cut off it without a copy.
//!
//! | what is known | room made before the next read |
//! | --- | --- |
//! | nothing, little traffic | 4 KiB |
//! | nothing, reads fill the buffer | doubled, up to 256 KiB |
//! | a header announced a frame | what is missing of it, if that is more |
//!
//! A frame that is larger than the buffer gets memory of its own, and only after its header passed the limits:
//! large frames are read replies, no longer than the longest read that was asked for. Payloads are slices of
//! that memory, which serves another frame when they are gone. A connection that has gone quiet gives
//! everything back.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, BytesMut};
use pravega_client_shared::planted::{self, Bug};
use pravega_wire_protocol::{DecodeError, Frame, FrameDecoder, FrameLimits, MAX_CONTROL_PAYLOAD};
use tokio::time::{Duration, Instant};
use tokio_util::io::poll_read_buf;

use crate::{
    dial::BoxedReader,
    limits::{FRAME_BYTES_PER_SECOND, FRAME_DEADLINE, LARGE_READ_BUFFER, SMALL_READ_BUFFER},
    spares::Spares,
};

/// The receiving half of one connection.
pub(crate) struct Inbound {
    reader: BoxedReader,
    buffer: BytesMut,
    /// What the buffer's memory has room for in all.
    capacity: usize,
    spares: Spares,
    decoder: FrameDecoder,
    /// Room made for a read of unknown length, in bytes.
    room: usize,
    /// The last read took all of the room.
    filled_room: bool,
    /// Since when the frame at the front of the buffer is incomplete, and how long it may be.
    unfinished: Option<(Instant, Duration)>,
}

impl Inbound {
    /// Takes over a socket, and what was read off it behind the peer's hello.
    pub(crate) fn new(reader: BoxedReader, already_read: BytesMut) -> Self {
        Self {
            reader,
            buffer: already_read,
            capacity: 0,
            spares: Spares::default(),
            decoder: FrameDecoder::new(limits(0)),
            room: SMALL_READ_BUFFER,
            filled_room: false,
            unfinished: None,
        }
    }

    /// Lets read replies pass that are as long as the longest read asked for.
    pub(crate) fn expect_reads_of(&mut self, bytes: u32) {
        let limits = limits(bytes);
        if limits != self.decoder.limits() {
            self.decoder.set_limits(limits);
        }
    }

    /// Reads once; 0 is the end.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let missing = self.decoder.missing(&self.buffer);
        let is_large = missing > self.room;
        if mem::take(&mut self.filled_room) && !is_large {
            self.room = self.room.saturating_mul(2).min(LARGE_READ_BUFFER);
        }
        // A large frame is read up to its end and not further, so that little of the next one has to be
        // moved to the memory of its own.
        let most = if is_large { missing } else { self.room };
        self.make_room(missing, most);
        let mut spare = (&mut self.buffer).limit(most);
        let count = ready!(poll_read_buf(Pin::new(&mut self.reader), cx, &mut spare))?;
        self.filled_room = !is_large && count >= self.room;
        Poll::Ready(Ok(count))
    }

    /// Cuts the next frame off what was read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        self.decoder.decode_frame(&mut self.buffer)
    }

    /// True when the peer has begun a frame and not ended it.
    pub(crate) fn is_inside_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// To be called when all whole frames have been cut off: starts and stops the clock of the rest.
    /// `progressed` says that at least one was.
    pub(crate) fn time_rest(&mut self, progressed: bool, now: Instant) {
        if self.buffer.is_empty() {
            self.unfinished = None;
            return;
        }
        let since = match self.unfinished {
            Some((since, _)) if !progressed => since,
            Some(_) | None => now,
        };
        self.unfinished = Some((since, self.allowance()));
    }

    /// When the unfinished frame must be complete, and the time it has in all.
    pub(crate) fn deadline(&self) -> Option<(Instant, Duration)> {
        self.unfinished
            .filter(|_| !planted::is_on(Bug::NoFrameDeadline))
            .map(|(since, allowed)| (since + allowed, allowed))
    }

    /// Gives the buffer back when nothing is in it: nobody spoke for a while.
    pub(crate) fn shrink(&mut self) {
        self.room = SMALL_READ_BUFFER;
        self.spares.clear();
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
            self.capacity = 0;
        }
    }

    /// The time for the frame at the front of the buffer.
    fn allowance(&self) -> Duration {
        let announced = self.buffer.len() + self.decoder.missing(&self.buffer);
        let seconds = u64::try_from(announced / FRAME_BYTES_PER_SECOND).unwrap_or(u64::MAX);
        FRAME_DEADLINE.saturating_add(Duration::from_secs(seconds))
    }

    /// Makes sure that what is `missing` fits, by preference in memory that is there already.
    fn make_room(&mut self, missing: usize, most: usize) {
        let is_common = self.capacity <= LARGE_READ_BUFFER;
        // The last bytes of a large frame fill its memory: room for more would mean to move it.
        let least = match is_common || self.buffer.is_empty() {
            true => missing.max(SMALL_READ_BUFFER.min(most)),
            false => missing,
        };
        let spare = self.buffer.capacity() - self.buffer.len();
        // Memory of a large frame is not for what comes behind it: a small frame would keep all of it busy.
        if spare >= least || (is_common && self.buffer.try_reclaim(most)) {
            return;
        }
        // `reserve` would round up to twice the old capacity; a large frame gets its own length.
        let wanted = self.buffer.len() + most;
        let kept = self.spares.take(wanted);
        let fresh = || (BytesMut::with_capacity(wanted), wanted);
        let (mut larger, capacity) = kept.unwrap_or_else(fresh);
        larger.extend_from_slice(&self.buffer);
        let smaller = mem::replace(&mut self.buffer, larger);
        self.spares.keep(smaller, self.capacity);
        self.capacity = capacity;
    }
}

/// The limits for a connection on which no longer read than this was asked for. A store may add a few
/// bytes to a read, and the segment's name comes with it.
fn limits(longest_read: u32) -> FrameLimits {
    let client = FrameLimits::CLIENT;
    FrameLimits {
        max_bulk_payload: longest_read
            .saturating_add(MAX_CONTROL_PAYLOAD)
            .min(client.max_bulk_payload),
        ..client
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use bytes::Bytes;
    use pravega_wire_protocol::{Reply, SegmentRead};
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const KIB: usize = 1024;

    fn pair(pipe: usize) -> (Inbound, DuplexStream) {
        let (near, far) = duplex(pipe);
        (Inbound::new(Box::new(near), BytesMut::new()), far)
    }

    fn read_reply(len: usize) -> Bytes {
        let reply = Reply::from(SegmentRead {
            segment: "s/t/0.#epoch.0".into(),
            offset: 0,
            at_tail: false,
            end_of_segment: false,
            data: vec![7; len].into(),
            request_id: -1,
        });
        reply.encode_to_bytes().unwrap()
    }

    /// Reads until a frame is whole, and says how often it was read.
    async fn next(inbound: &mut Inbound) -> (Frame, usize) {
        let mut reads = 0;
        loop {
            if let Some(frame) = inbound.next_frame().unwrap() {
                return (frame, reads);
            }
            assert!(poll_fn(|cx| inbound.poll_fill(cx)).await.unwrap() > 0);
            reads += 1;
        }
    }

    #[tokio::test]
    async fn small_frames_share_a_small_buffer_that_is_used_again() {
        let (mut inbound, mut far) = pair(64 * KIB);
        for _ in 0..1_000 {
            far.write_all(&read_reply(50)).await.unwrap();
            let (frame, reads) = next(&mut inbound).await;
            assert_eq!(reads, 1);
            drop(frame);
            assert!(inbound.buffer.capacity() <= SMALL_READ_BUFFER);
        }
    }

    #[tokio::test]
    async fn the_buffer_grows_with_the_traffic_and_is_given_back() {
        let (mut inbound, mut far) = pair(1024 * KIB);
        let many = read_reply(1_000).repeat(900);
        far.write_all(&many).await.unwrap();
        let mut reads = 0;
        for _ in 0..900 {
            reads += next(&mut inbound).await.1;
        }
        assert!(reads < 20, "{reads} reads");
        assert_eq!(inbound.room, LARGE_READ_BUFFER);
        inbound.shrink();
        assert_eq!(
            (inbound.room, inbound.buffer.capacity()),
            (SMALL_READ_BUFFER, 0)
        );
    }

    #[tokio::test]
    async fn a_large_frame_gets_memory_of_its_own_length() {
        let (mut inbound, mut far) = pair(8 * 1024 * KIB);
        let length = 1024 * KIB;
        inbound.expect_reads_of(u32::try_from(length).unwrap());
        let mut kept = Vec::new();
        for _ in 0..5 {
            far.write_all(&read_reply(length)).await.unwrap();
            let (frame, reads) = next(&mut inbound).await;
            assert!(reads <= 3, "{reads} reads");
            assert!(frame.body.len() > length);
            assert!(inbound.buffer.capacity() <= SMALL_READ_BUFFER);
            kept.push(frame);
        }
        assert_eq!(inbound.room, SMALL_READ_BUFFER);
    }

    #[tokio::test]
    async fn the_memory_of_a_large_frame_serves_the_next_when_nobody_holds_it() {
        let (mut inbound, mut far) = pair(8 * 1024 * KIB);
        let length = 1024 * KIB;
        inbound.expect_reads_of(u32::try_from(length).unwrap());
        let mut places = std::collections::BTreeSet::new();
        for _ in 0..5 {
            far.write_all(&read_reply(length)).await.unwrap();
            let (frame, _) = next(&mut inbound).await;
            places.insert(frame.body.as_ptr());
        }
        // The first ones are still in use when the next ones are asked for.
        assert!(places.len() <= 2, "{} places", places.len());
        inbound.shrink();
        assert!(inbound.spares.take(length).is_none(), "given back");
    }

    #[tokio::test]
    async fn a_large_frame_stays_where_it_is_however_little_of_it_is_missing() {
        let length = 1024 * KIB;
        let whole = read_reply(length);
        for missing in [1, 100, SMALL_READ_BUFFER, SMALL_READ_BUFFER + 1] {
            let (mut inbound, mut far) = pair(8 * 1024 * KIB);
            inbound.expect_reads_of(u32::try_from(length).unwrap());
            let (front, rest) = whole.split_at(whole.len() - missing);
            far.write_all(front).await.unwrap();
            let mut received = 0;
            while received < front.len() {
                assert!(inbound.next_frame().unwrap().is_none());
                received += poll_fn(|cx| inbound.poll_fill(cx)).await.unwrap();
            }
            let place = inbound.buffer.as_ptr();
            far.write_all(rest).await.unwrap();
            let (frame, reads) = next(&mut inbound).await;
            assert_eq!(reads, 1);
            assert_eq!(frame.body.as_ptr(), place.wrapping_add(8), "{missing}");
        }
    }

    #[tokio::test]
    async fn a_shrunk_buffer_keeps_the_beginning_of_a_frame() {
        let (mut inbound, mut far) = pair(64 * KIB);
        let frame = read_reply(100);
        let (front, back) = frame.split_at(20);
        far.write_all(front).await.unwrap();
        assert_eq!(poll_fn(|cx| inbound.poll_fill(cx)).await.unwrap(), 20);
        inbound.shrink();
        assert!(inbound.is_inside_frame());
        far.write_all(back).await.unwrap();
        assert_eq!(next(&mut inbound).await.0.body.len(), frame.len() - 8);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_a_frame_runs_from_its_first_byte_and_adds_its_length() {
        let (mut inbound, mut far) = pair(64 * KIB);
        inbound.expect_reads_of(1024 * 1024);
        let start = Instant::now();
        let frame = read_reply(640 * KIB);
        far.write_all(frame.get(..4).unwrap()).await.unwrap();
        poll_fn(|cx| inbound.poll_fill(cx)).await.unwrap();
        inbound.time_rest(false, start);
        assert_eq!(
            inbound.deadline(),
            Some((start + FRAME_DEADLINE, FRAME_DEADLINE))
        );
        far.write_all(frame.get(4..8).unwrap()).await.unwrap();
        poll_fn(|cx| inbound.poll_fill(cx)).await.unwrap();
        inbound.time_rest(false, start + Duration::from_secs(3));
        let allowed = FRAME_DEADLINE + Duration::from_secs(10);
        assert_eq!(inbound.deadline(), Some((start + allowed, allowed)));
    }
}
