//! A reader's session under any calls, replies, losses and times.
//!
//! The peer may say anything, but the bytes that it gives follow from the offset that it names, so a byte in the
//! wrong place shows. Oracles:
//!
//! - no panic;
//! - what is read is what lies at the position, in order; nothing is left out but what a peer said was truncated,
//!   and then only by a reader that may skip; nothing behind the limit is asked for or read;
//! - what is held and asked for stays within the options; ranges asked for never overlap;
//! - the end is where the segment is known to end;
//! - a consumer that is told to wait waits for something: a connection, a reply or a time;
//! - when the peer becomes honest, the consumer gets something.

use std::{sync::Arc, time::Duration, time::Instant};

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, FlowId};
use pravega_segment_session::{
    AttachFailure, AttachFailureKind, Disconnect, MAX_OFFSET, OnTruncation, ReadEvent, ReadOptions,
    ReadSession, ReadStep, SegmentFacts,
};
use pravega_wire_protocol::{
    AuthTokenCheckFailed, ErrorMessage, KeepAlive, NoSuchSegment, OperationUnsupported, Payload,
    Reply, Request, SegmentIsSealed, SegmentIsTruncated, SegmentRead, StreamSegmentInfo, Unknown,
    WrongHost,
};

use crate::{tape::Tape, writer::now};

const SEGMENT: &str = "scope/stream/0.#epoch.0";
/// Exchanges with an honest peer in which a consumer must get something: a session gives up after fewer.
const ROUNDS: usize = 400;

/// The byte at `offset` of every segment here.
fn byte_at(offset: u64) -> u8 {
    (offset ^ (offset >> 8).wrapping_mul(37)).to_le_bytes()[0]
}

/// A session, the one who drives it, and the peer.
#[derive(Debug)]
pub struct Reader<'a> {
    tape: Tape<'a>,
    session: ReadSession,
    options: ReadOptions,
    now: Instant,
    flows: u64,
    /// A connection is asked for.
    is_wanted: bool,
    /// A flow is open.
    has_flow: bool,
    /// The consumer was told to wait, and not yet that there is something.
    waits: bool,
    /// Requests on the present connection that were not answered, the newest ones.
    asked: Vec<Request>,
}

impl<'a> Reader<'a> {
    /// A session whose options the tape decides.
    pub fn new(mut tape: Tape<'a>) -> Self {
        let offset = tape.number(0).unsigned_abs();
        let until = *tape.pick(&[None, Some(0), Some(40), Some(3_000), Some(u64::MAX)]);
        let options = ReadOptions::default()
            .with_offset(if tape.one_in(2) { offset } else { 0 })
            .with_until(until)
            .with_max_read_ahead_bytes(*tape.pick(&[4_000, 0, 64, 20_000]))
            .with_request_bytes(*tape.pick(&[1_000, 0, 8, 50]))
            .with_keep_behind_bytes(*tape.pick(&[1_000, 0, 10]))
            .with_on_truncation(*tape.pick(&[OnTruncation::Error, OnTruncation::SkipToHead]));
        Self {
            tape,
            session: ReadSession::new(SEGMENT.into(), &options),
            options,
            now: now(),
            flows: 0,
            is_wanted: false,
            has_flow: false,
            waits: false,
            asked: Vec::new(),
        }
    }

    /// True when the tape is.
    pub fn is_over(&self) -> bool {
        self.tape.is_over()
    }

    /// One decision of the tape, and the checks after it.
    pub fn step(&mut self) {
        match self.tape.below(16) {
            0 | 1 => {
                self.read();
            }
            2 => self.consume(),
            3 => {
                let offset = self.tape.number(self.position()).unsigned_abs();
                // Who seeks asks again.
                self.waits &= self.session.seek(offset).is_err();
            }
            4 => self.learn(),
            5 => self.attach(),
            6 => self.lose(),
            7 => self.pass_time(),
            _ => self.reply(),
        }
        self.settle();
    }

    /// The peer becomes honest, and the driver does what it is asked: the consumer gets bytes, or an end.
    pub fn finish(&mut self) {
        for _ in 0..ROUNDS {
            // Behind the largest offset there is no byte to come.
            if self.session.position() >= MAX_OFFSET || (!self.waits && self.read()) {
                return;
            }
            self.settle();
            self.honest();
            self.settle();
        }
        panic!("the consumer gets nothing: {:?}", self.session);
    }

    /// Takes bytes; false when there are none yet.
    fn read(&mut self) -> bool {
        let before = self.session.position();
        let most = 1 + 16 * usize::from(self.tape.byte());
        self.waits = false;
        match self.session.poll_chunk(most) {
            ReadStep::Chunk(bytes) => {
                assert!(!bytes.is_empty() && bytes.len() <= most);
                self.took(before, &bytes);
            }
            ReadStep::EndOfSegment => {
                assert_eq!(self.session.sealed_length(), Some(self.session.position()));
            }
            ReadStep::Limit => {
                // A limit behind all offsets is one behind the last.
                let until = self.options.until.unwrap().min(MAX_OFFSET + 1);
                assert!(self.session.position() >= until);
            }
            ReadStep::Pending => {
                self.waits = true;
                return false;
            }
            _ => {}
        }
        true
    }

    fn took(&self, before: u64, bytes: &[u8]) {
        let end = self.session.position();
        let start = end - u64::try_from(bytes.len()).unwrap();
        let skips = self.options.on_truncation == OnTruncation::SkipToHead;
        assert!(
            start == before || (skips && start > before),
            "a hole at {before}"
        );
        for (offset, byte) in (start..).zip(bytes) {
            assert_eq!(*byte, byte_at(offset), "the byte at {offset}");
        }
        assert!(self.options.until.is_none_or(|until| end <= until));
    }

    fn consume(&mut self) {
        let before = self.session.position();
        let peeked = self.session.peek().unwrap_or_default();
        for (offset, byte) in (before..).zip(peeked) {
            assert_eq!(*byte, byte_at(offset), "the byte at {offset}");
        }
        let most = self.tape.byte();
        let available = self.session.available();
        self.session.consume(usize::from(most));
        let most = u64::from(most).min(available);
        assert_eq!(self.session.position(), before + most);
    }

    fn learn(&mut self) {
        let tail = self.tape.number(self.position()).unsigned_abs();
        if self.tape.one_in(2) {
            let head = tail.saturating_sub(self.tape.byte().into());
            let sealed = self.tape.one_in(4);
            self.session
                .handle_info(SegmentFacts { head, tail, sealed });
        } else {
            self.session.note_tail(tail);
        }
    }

    /// Answers an attempt to attach, asked for or not.
    fn attach(&mut self) {
        if self.tape.one_in(4) {
            let kind = *self.tape.pick(&[
                AttachFailureKind::Unreachable,
                AttachFailureKind::Unreachable,
                AttachFailureKind::Unreachable,
                AttachFailureKind::NoSuchSegment,
                AttachFailureKind::Unauthorized,
                AttachFailureKind::Rejected,
            ]);
            self.is_wanted = false;
            let failure = AttachFailure::new(kind);
            self.session.handle_attach_failed(self.now, &failure);
        } else if self.is_wanted || self.tape.one_in(8) {
            self.attached();
        }
    }

    fn attached(&mut self) {
        self.flows += 1;
        let flow = FlowId::new(self.flows).unwrap();
        (self.is_wanted, self.has_flow) = (false, true);
        self.asked.clear();
        let token = DelegationToken::new(*self.tape.pick(&["", "token"]));
        self.session.handle_attached(self.now, flow, token);
    }

    fn lose(&mut self) {
        let why = *self.tape.pick(&[
            Disconnect::Lost,
            Disconnect::Silent,
            Disconnect::Violation,
            Disconnect::Released,
        ]);
        self.has_flow = false;
        self.session.handle_disconnected(self.now, why);
    }

    fn pass_time(&mut self) {
        let deadline = self.session.poll_timeout();
        match deadline.filter(|_| !self.tape.one_in(3)) {
            Some(deadline) => self.now = self.now.max(deadline),
            None => self.now += Duration::from_millis(self.tape.byte().into()),
        }
        self.session.handle_timeout(self.now);
        let again = self.session.poll_timeout();
        assert!(
            again.is_none_or(|at| at > self.now),
            "a time that never comes"
        );
    }

    fn reply(&mut self) {
        let reply = self.any_reply();
        self.deliver(reply);
    }

    fn deliver(&mut self, reply: Reply) {
        let id = reply.request_id();
        self.asked.retain(|request| request.request_id() != id);
        if self.session.handle_reply(self.now, reply).is_err() {
            self.has_flow = false;
        }
    }

    fn any_reply(&mut self) -> Reply {
        let position = self.position();
        let tape = &mut self.tape;
        let asked = match self.asked.len() {
            0 => None,
            count => Some(&self.asked[tape.below(count.min(256))]),
        };
        let (id, offset, length) = match asked {
            Some(Request::ReadSegment(read)) => {
                (read.request_id, read.offset, read.suggested_length)
            }
            Some(other) => (other.request_id().unwrap_or(0), position, 100),
            None => (position, position, 100),
        };
        let request_id = if tape.one_in(16) { tape.number(id) } else { id };
        let offset = if tape.one_in(16) {
            tape.number(offset)
        } else {
            offset
        };
        let segment: Arc<str> = if tape.one_in(64) { "other" } else { SEGMENT }.into();
        let server_stack_trace = String::new();
        let data = match tape.below(8) {
            0 => Payload::new(),
            1 => bytes_at(offset, usize::from(tape.byte())),
            2 => bytes_at(offset, usize::try_from(length).unwrap_or(0) + 7),
            _ => bytes_at(offset, usize::try_from(length).unwrap_or(0)),
        };
        match tape.below(16) {
            0..=6 => SegmentRead {
                segment,
                offset,
                at_tail: tape.one_in(2),
                end_of_segment: tape.one_in(8),
                data,
                request_id,
            }
            .into(),
            7 | 8 => SegmentIsTruncated {
                request_id,
                segment,
                start_offset: tape.number(offset),
                server_stack_trace,
                offset,
            }
            .into(),
            9 => SegmentIsSealed {
                request_id,
                segment,
                server_stack_trace,
                offset,
            }
            .into(),
            10 | 11 => StreamSegmentInfo {
                request_id,
                segment,
                exists: !tape.one_in(32),
                is_sealed: tape.one_in(4),
                is_deleted: tape.one_in(32),
                last_modified: 0,
                write_offset: tape.number(position),
                start_offset: tape.number(0),
            }
            .into(),
            12 => {
                let error_code = i32::from(tape.byte()) - 2;
                AuthTokenCheckFailed {
                    request_id,
                    server_stack_trace,
                    error_code,
                }
                .into()
            }
            13 => {
                let correct_host = String::new();
                WrongHost {
                    request_id,
                    segment,
                    correct_host,
                    server_stack_trace,
                }
                .into()
            }
            14 => {
                let message = "no".repeat(300);
                ErrorMessage {
                    request_id,
                    segment,
                    message,
                    error_code: 0,
                }
                .into()
            }
            _ => self.odd_reply(request_id, segment),
        }
    }

    fn odd_reply(&mut self, request_id: i64, segment: Arc<str>) -> Reply {
        let server_stack_trace = String::new();
        match self.tape.below(4) {
            0 => KeepAlive.into(),
            1 => {
                let operation_name = String::new();
                OperationUnsupported {
                    request_id,
                    operation_name,
                    server_stack_trace,
                }
                .into()
            }
            2 => NoSuchSegment {
                request_id,
                segment,
                server_stack_trace,
                offset: 0,
            }
            .into(),
            _ => Reply::Unknown(Unknown {
                code: 4_711,
                body: Bytes::new(),
            }),
        }
    }

    fn position(&self) -> i64 {
        i64::try_from(self.session.position()).unwrap_or(i64::MAX)
    }

    /// What an honest driver and peer do next. The peer's segment is as long as it was ever said to be, and
    /// longer than the position, if it is not sealed.
    fn honest(&mut self) {
        if self.is_wanted {
            return self.attached();
        }
        if let (Some(deadline), true) = (self.session.poll_timeout(), self.asked.is_empty()) {
            self.now = self.now.max(deadline);
            return self.session.handle_timeout(self.now);
        }
        let Some(request) = self.asked.first().cloned() else {
            return;
        };
        let head = self.session.known_head();
        let known = self.session.known_tail().unwrap_or(0);
        let tail = match self.session.sealed_length() {
            Some(length) => length,
            None => known.max(self.session.position().saturating_add(1)),
        };
        let [head, tail] = [head, tail].map(|offset| i64::try_from(offset).unwrap_or(i64::MAX));
        let is_sealed = self.session.sealed_length().is_some();
        let segment: Arc<str> = SEGMENT.into();
        self.deliver(match request {
            Request::ReadSegment(read) if read.offset < head => SegmentIsTruncated {
                request_id: read.request_id,
                segment,
                start_offset: head,
                server_stack_trace: String::new(),
                offset: read.offset,
            }
            .into(),
            Request::ReadSegment(read) => {
                let there = usize::try_from(tail.saturating_sub(read.offset)).unwrap_or(0);
                let length = usize::try_from(read.suggested_length)
                    .unwrap_or(0)
                    .min(there);
                SegmentRead {
                    segment,
                    offset: read.offset,
                    at_tail: !is_sealed && length == there,
                    end_of_segment: is_sealed && length == there,
                    data: bytes_at(read.offset, length),
                    request_id: read.request_id,
                }
                .into()
            }
            other => StreamSegmentInfo {
                request_id: other.request_id().unwrap_or(0),
                segment,
                exists: true,
                is_sealed,
                is_deleted: false,
                last_modified: 0,
                write_offset: tail,
                start_offset: head,
            }
            .into(),
        });
    }

    /// Drains the session as a driver does, and compares.
    fn settle(&mut self) {
        self.events();
        while let Some(request) = self.session.poll_transmit() {
            assert!(self.has_flow && self.session.failure().is_none());
            if let Request::ReadSegment(read) = &request {
                assert!(read.offset >= 0 && read.suggested_length > 0);
            }
            self.asked.push(request);
        }
        let dropped = self.asked.len().saturating_sub(200);
        self.asked.drain(..dropped);
        self.bounds();
        if !self.has_flow {
            self.asked.clear();
        }
        let comes =
            self.is_wanted || !self.asked.is_empty() || self.session.poll_timeout().is_some();
        assert!(
            !self.waits || comes || self.session.position() >= MAX_OFFSET,
            "it waits for nothing: {:?}",
            self.session
        );
    }

    fn bounds(&self) {
        let mut ranges: Vec<_> = self.session.outstanding().collect();
        ranges.sort_by_key(|range| range.start);
        for pair in ranges.windows(2) {
            assert!(pair[0].end <= pair[1].start, "{ranges:?}");
        }
        for range in &ranges {
            assert!(range.start < range.end);
            assert!(self.options.until.is_none_or(|until| range.end <= until));
        }
        let asked: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let ahead = self
            .options
            .max_read_ahead_bytes
            .max(self.options.request_bytes.max(8));
        let most = u64::try_from(ahead + self.options.keep_behind_bytes).unwrap();
        let held = self.session.held_bytes();
        assert!(asked + held <= most, "{asked} asked for and {held} held");
    }

    fn events(&mut self) {
        let mut is_first = true;
        while let Some(event) = self.session.poll_event() {
            match event {
                ReadEvent::Detach => {
                    assert!(is_first, "letting go comes first");
                    self.has_flow = false;
                }
                ReadEvent::Truncated { requested, head } => {
                    assert!(requested < head);
                    assert_eq!(self.options.on_truncation, OnTruncation::SkipToHead);
                }
                ReadEvent::EndOfSegment { length } => {
                    assert_eq!(self.session.sealed_length(), Some(length));
                }
                ReadEvent::Failed(_) => assert!(self.session.failure().is_some()),
                ReadEvent::NeedsAttachment { .. } => {
                    assert!(!self.is_wanted, "two attempts at once");
                    assert!(!self.has_flow, "it has a connection");
                    self.is_wanted = true;
                    assert!(self.session.poll_event().is_none(), "attaching comes last");
                }
                _ => self.waits = false,
            }
            is_first = false;
        }
    }
}

/// The right bytes for `offset`, or none for an offset that no segment has.
fn bytes_at(offset: i64, length: usize) -> Payload {
    let Ok(offset) = u64::try_from(offset) else {
        return Payload::new();
    };
    let bytes: Vec<u8> = (offset..).take(length).map(byte_at).collect();
    bytes.into()
}
