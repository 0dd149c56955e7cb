//! A writer's session under any calls, replies, losses and times.
//!
//! The peer may say anything; what the session says and sends is held against a plain [`Account`] of it. Oracles:
//!
//! - no panic;
//! - `durable <= sent <= accepted`, none of which goes back; what is accepted and not durable fits the window;
//! - blocks bear the bytes that were accepted, in order, none left out; numbers grow by one, and a number is
//!   never used for other bytes; exclusive blocks say where they belong, and go out one at a time;
//! - only a reply makes bytes durable, and no more of them than it names;
//! - a fate that was told stays; events come in the order in which a driver acts on them;
//! - a session with something to do waits for something: a connection, a reply or a time;
//! - when the peer becomes honest, everything is decided.

use std::{sync::Arc, time::Duration, time::Instant};

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendEvent, AppendOptions, AppendSession, AttachFailure, AttachFailureKind, Disconnect,
    WriteMode,
};
use pravega_wire_protocol::{
    AppendSetup, AuthTokenCheckFailed, ConditionalCheckFailed, DataAppended, ErrorMessage,
    InvalidEventNumber, KeepAlive, NO_EVENT_NUMBER, NoSuchSegment, OperationUnsupported, Reply,
    Request, SegmentIsSealed, SegmentIsTruncated, SegmentSealed, Unknown, WrongHost,
};

use crate::{
    account::{Account, byte_at},
    tape::Tape,
};

const SEGMENT: &str = "scope/stream/0.#epoch.0";
const WRITER: u128 = 0x1234;
/// Exchanges with an honest peer in which everything must be decided: a session gives up after fewer.
const ROUNDS: usize = 400;

/// A session, the one who drives it, and the peer.
#[derive(Debug)]
pub struct Writer<'a> {
    tape: Tape<'a>,
    session: AppendSession,
    account: Account,
    now: Instant,
    flows: u64,
    /// A connection is asked for.
    is_wanted: bool,
    /// A flow is open.
    has_flow: bool,
    /// The id of the last setup, which replies bear.
    request_id: i64,
}

impl<'a> Writer<'a> {
    /// A session whose options the tape decides.
    pub fn new(mut tape: Tape<'a>) -> Self {
        let options = AppendOptions::default()
            .with_mode(*tape.pick(&[WriteMode::Exclusive, WriteMode::Shared]))
            .with_max_unacked_bytes(*tape.pick(&[2_000, 1, 300, 600, 65_536]))
            .with_max_block_bytes(*tape.pick(&[64, 1, 7, 1_000, 40_000]))
            .with_pipeline_block_bytes(*tape.pick(&[16, 1, 1_000]))
            .with_linger(Duration::from_millis(*tape.pick(&[0, 0, 5])))
            .with_max_setup_failures(*tape.pick(&[5, 1, 2]));
        let writer_id = WriterId::new(WRITER).unwrap();
        Self {
            tape,
            session: AppendSession::new(writer_id, SEGMENT.into(), options),
            account: Account::default(),
            now: now(),
            flows: 0,
            is_wanted: false,
            has_flow: false,
            request_id: 0,
        }
    }

    /// True when the tape is.
    pub fn is_over(&self) -> bool {
        self.tape.is_over()
    }

    /// One decision of the tape, and the checks after it.
    pub fn step(&mut self) {
        let mut acknowledged = None;
        match self.tape.below(16) {
            0..=2 => self.submit(),
            3 => self.session.flush(self.now),
            4 => self.place(),
            5 => self.attach(),
            6 => self.lose(),
            7 => self.pass_time(),
            8 => self
                .session
                .note_tail(self.tape.number(self.offset()).unsigned_abs()),
            9 if self.tape.one_in(8) => self.session.note_sealed(self.now),
            9 => self.session.attach(self.now),
            _ => acknowledged = self.reply(),
        }
        self.settle(acknowledged);
    }

    /// The peer becomes honest, and the driver does what it is asked: then everything is decided.
    pub fn finish(&mut self) {
        self.session.flush(self.now);
        self.settle(None);
        for _ in 0..ROUNDS {
            if self.session.failure().is_some() || self.session.unacked_bytes() == 0 {
                return;
            }
            let acknowledged = self.honest();
            self.settle(acknowledged);
        }
        panic!("nothing is decided: {:?}", self.session);
    }

    fn submit(&mut self) {
        let most = self.session.max_submission();
        let length = match self.tape.byte() {
            length @ 0..=199 => usize::from(length % 32),
            length @ 200..=239 => most.saturating_sub(usize::from(length - 200)),
            240..=247 => 9_000.min(most),
            _ => most + 1,
        };
        let first = self.session.accepted();
        let data: Vec<u8> = (first..).take(length).map(byte_at).collect();
        let submitted = if self.tape.one_in(2) {
            self.session.submit_bytes(self.now, Bytes::from(data))
        } else {
            self.session.submit(self.now, &data)
        };
        if let Ok(range) = submitted {
            self.account.accepted(range);
        }
    }

    /// Says where the next byte belongs.
    fn place(&mut self) {
        let offset = self.tape.number(self.offset()).unsigned_abs();
        if self.tape.one_in(2) {
            self.session.start_at(offset).ok();
        } else if let Ok(resynced) = self.session.resync(offset) {
            assert!(self.session.failure().is_none());
            self.account.gave_up(&resynced.discarded);
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
            let token = *self.tape.pick(&["", "token"]);
            self.attached(token);
        }
    }

    fn attached(&mut self, token: &str) {
        self.flows += 1;
        let flow = FlowId::new(self.flows).unwrap();
        (self.is_wanted, self.has_flow) = (false, true);
        let token = DelegationToken::new(token);
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

    /// Any reply; the number it acknowledges, if it does.
    fn reply(&mut self) -> Option<i64> {
        let reply = self.any_reply();
        let acknowledged = match &reply {
            Reply::AppendSetup(setup) => Some(setup.last_event_number),
            Reply::DataAppended(ack) => Some(ack.event_number),
            _ => None,
        };
        if self.session.handle_reply(self.now, reply).is_err() {
            self.has_flow = false;
        }
        acknowledged
    }

    fn any_reply(&mut self) -> Reply {
        let tape = &mut self.tape;
        let kind = tape.below(16);
        let request_id = match tape.byte() {
            0..=239 => self.request_id,
            step => self.request_id.wrapping_add(i64::from(step) - 247),
        };
        let writer_id = WriterId::from_wire(if tape.one_in(32) { 9 } else { WRITER });
        let segment: Arc<str> = if tape.one_in(32) { "other" } else { SEGMENT }.into();
        let newest = self
            .account
            .blocks
            .last_key_value()
            .map_or(0, |(number, _)| *number);
        let offset = i64::try_from(self.session.position()).unwrap_or(i64::MAX);
        let number = tape.number(newest);
        let server_stack_trace = String::new();
        match kind {
            0..=2 => {
                let last_event_number = number;
                AppendSetup {
                    request_id,
                    segment,
                    writer_id,
                    last_event_number,
                }
                .into()
            }
            3..=7 => self.ack(request_id, writer_id, number).into(),
            8 | 9 => ConditionalCheckFailed {
                writer_id,
                event_number: number,
                request_id,
            }
            .into(),
            10 => {
                let event_number = number;
                InvalidEventNumber {
                    writer_id,
                    request_id,
                    server_stack_trace,
                    event_number,
                }
                .into()
            }
            11 => SegmentIsSealed {
                request_id,
                segment,
                server_stack_trace,
                offset,
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
        match self.tape.below(6) {
            0 => KeepAlive.into(),
            1 => SegmentSealed {
                request_id,
                segment,
            }
            .into(),
            2 => {
                let operation_name = String::new();
                OperationUnsupported {
                    request_id,
                    operation_name,
                    server_stack_trace,
                }
                .into()
            }
            3 => NoSuchSegment {
                request_id,
                segment,
                server_stack_trace,
                offset: 0,
            }
            .into(),
            4 => {
                let (start_offset, offset) = (5, 0);
                SegmentIsTruncated {
                    request_id,
                    segment,
                    start_offset,
                    server_stack_trace,
                    offset,
                }
                .into()
            }
            _ => Reply::Unknown(Unknown {
                code: 4_711,
                body: Bytes::new(),
            }),
        }
    }

    /// An ack that is right in part.
    fn ack(&mut self, request_id: i64, writer_id: WriterId, number: i64) -> DataAppended {
        let stored = self.account.stored();
        let previous = if stored == 0 { NO_EVENT_NUMBER } else { stored };
        let end = self
            .account
            .blocks
            .get(&number)
            .map_or(0, |range| range.end);
        DataAppended {
            writer_id,
            event_number: number,
            previous_event_number: if self.tape.one_in(4) {
                self.tape.number(stored)
            } else {
                previous
            },
            request_id,
            current_segment_write_offset: match self.tape.below(8) {
                0 => self.tape.number(self.offset()),
                1 => -1,
                _ => self.offset_of(end),
            },
        }
    }

    /// Where the byte numbered `count` lies, when nobody else writes.
    fn offset_of(&self, count: u64) -> i64 {
        let behind = count.saturating_sub(self.session.durable());
        i64::try_from(self.session.durable_offset().saturating_add(behind)).unwrap_or(i64::MAX)
    }

    fn offset(&self) -> i64 {
        i64::try_from(self.session.position()).unwrap_or(i64::MAX)
    }

    /// What an honest driver and peer do next.
    fn honest(&mut self) -> Option<i64> {
        if self.is_wanted {
            self.attached("token");
            return None;
        }
        if !self.has_flow {
            let deadline = self.session.poll_timeout().expect("something to wait for");
            self.now = self.now.max(deadline);
            self.session.handle_timeout(self.now);
            return None;
        }
        let writer_id = WriterId::from_wire(WRITER);
        let request_id = self.request_id;
        let stored = self.account.stored();
        let previous = if stored == 0 { NO_EVENT_NUMBER } else { stored };
        let (number, reply) = if self.session.is_attached() {
            let Some((number, range)) = self.account.in_flight().next() else {
                let deadline = self.session.poll_timeout().expect("bytes that linger");
                self.now = self.now.max(deadline);
                self.session.handle_timeout(self.now);
                return None;
            };
            let ack = DataAppended {
                writer_id,
                event_number: number,
                previous_event_number: previous,
                request_id,
                current_segment_write_offset: self.offset_of(range.end),
            };
            (number, Reply::from(ack))
        } else {
            let setup = AppendSetup {
                request_id,
                segment: SEGMENT.into(),
                writer_id,
                last_event_number: previous,
            };
            (stored, setup.into())
        };
        if self.session.handle_reply(self.now, reply).is_err() {
            self.has_flow = false;
        }
        Some(number)
    }

    /// Drains the session as a driver does, and compares.
    fn settle(&mut self, acknowledged: Option<i64>) {
        self.events();
        while let Some(request) = self.session.poll_transmit() {
            self.request(request);
        }
        self.account.settle(&self.session, acknowledged);
        if self.session.failure().is_none() && self.session.unacked_bytes() > 0 {
            let is_answered =
                self.session.is_attached() && self.account.in_flight().next().is_none();
            let waits_for_peer = self.has_flow && !is_answered;
            let waits = self.is_wanted || waits_for_peer || self.session.poll_timeout().is_some();
            assert!(waits, "it waits for nothing: {:?}", self.session);
        }
    }

    fn events(&mut self) {
        let mut last = None;
        while let Some(event) = self.session.poll_event() {
            let rank = match &event {
                AppendEvent::Detach { .. } => 0,
                AppendEvent::Attached => 1,
                AppendEvent::Acked { .. } => 2,
                AppendEvent::Foreign { .. } => 3,
                AppendEvent::Failed(_) => 4,
                AppendEvent::Drained => 5,
                _ => 6,
            };
            assert!(last < Some(rank), "{event:?} comes too late");
            last = Some(rank);
            match event {
                AppendEvent::Detach { .. } => self.has_flow = false,
                AppendEvent::Attached => assert!(self.session.is_attached() && self.has_flow),
                AppendEvent::Acked { durable } => assert_eq!(durable, self.session.durable()),
                AppendEvent::Failed(_) => assert!(self.session.failure().is_some()),
                AppendEvent::Drained => assert_eq!(self.session.unacked_bytes(), 0),
                AppendEvent::NeedsAttachment { .. } => {
                    assert!(!self.is_wanted, "two attempts at once");
                    assert!(!self.has_flow, "it has a connection");
                    self.is_wanted = true;
                }
                _ => assert_eq!(self.session.options().mode, WriteMode::Shared),
            }
        }
    }

    fn request(&mut self, request: Request) {
        assert!(self.has_flow && self.session.failure().is_none());
        match request {
            Request::SetupAppend(setup) => {
                assert_eq!(
                    (setup.writer_id.as_u128(), &*setup.segment),
                    (WRITER, SEGMENT)
                );
                self.request_id = setup.request_id;
                self.account.set_up();
            }
            Request::ConditionalBlockEnd(block) => {
                assert_eq!(self.session.options().mode, WriteMode::Exclusive);
                assert_eq!(block.request_id, self.request_id);
                self.account.sent(block.event_number, &block.data);
                let start = self.account.blocks[&block.event_number].start;
                assert_eq!(block.expected_offset, self.offset_of(start));
            }
            Request::AppendBlockEnd(block) => {
                assert_eq!(self.session.options().mode, WriteMode::Shared);
                assert_eq!((block.request_id, block.num_events), (self.request_id, 1));
                self.account.sent(block.last_event_number, &block.data);
            }
            other => panic!("a writer sends no {}", other.name()),
        }
    }
}

/// A moment to count from.
pub(crate) fn now() -> Instant {
    Instant::now()
}
