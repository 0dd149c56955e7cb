//! A session driven by hand: the test plays driver, segment store and caller.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendEvent, AppendFailure, AppendFailureKind, AppendOptions, AppendSession, Disconnect,
    ProtocolViolation, SubmitError, WriteMode,
};
use pravega_wire_protocol::{
    AppendSetup, AuthTokenCheckFailed, ConditionalCheckFailed, DataAppended, ErrorMessage,
    InvalidEventNumber, NO_EVENT_NUMBER, NoSuchSegment, Reply, Request, SegmentIsSealed, WrongHost,
};

pub(crate) const SEGMENT: &str = "scope/stream/0.#epoch.0";
pub(crate) const WRITER: u128 = 0x1234;

/// A moment to count from. The sessions read no clock; tests need any first moment.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be made in no other way"
)]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

/// A block as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) number: i64,
    /// The expected offset of a conditional block.
    pub(crate) offset: Option<i64>,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn sent(number: i64, offset: i64, data: &[u8]) -> Sent {
    let data = data.to_vec();
    let offset = Some(offset);
    Sent {
        number,
        offset,
        data,
    }
}

pub(crate) fn sent_plain(number: i64, data: &[u8]) -> Sent {
    let data = data.to_vec();
    let offset = None;
    Sent {
        number,
        offset,
        data,
    }
}

pub(crate) struct Script {
    pub(crate) session: AppendSession,
    pub(crate) now: Instant,
    pub(crate) token: DelegationToken,
    flows: u64,
    request_id: i64,
}

impl Script {
    pub(crate) fn new(options: AppendOptions) -> Self {
        let writer = WriterId::new(WRITER).unwrap();
        Self {
            session: AppendSession::new(writer, SEGMENT.into(), options),
            now: epoch(),
            token: DelegationToken::default(),
            flows: 0,
            request_id: 0,
        }
    }

    pub(crate) fn exclusive() -> Self {
        Self::new(AppendOptions::default())
    }

    pub(crate) fn shared() -> Self {
        Self::new(AppendOptions::default().with_mode(WriteMode::Shared))
    }

    pub(crate) fn submit(&mut self, data: &[u8]) -> Range<u64> {
        self.session.submit(self.now, data).expect("accepted")
    }

    pub(crate) fn refused(&mut self, data: &[u8]) -> AppendFailure {
        match self.session.submit(self.now, data) {
            Err(SubmitError::Failed { failure }) => failure,
            other => panic!("expected a failure, got {other:?}"),
        }
    }

    pub(crate) fn events(&mut self) -> Vec<AppendEvent> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Takes the events, of which the last must ask for a connection with these hints.
    pub(crate) fn needs(&mut self, relocate: bool, renew_token: bool) {
        let events = self.events();
        match events.last() {
            Some(AppendEvent::NeedsAttachment {
                relocate: r,
                renew_token: t,
            }) => {
                assert_eq!((*r, *t), (relocate, renew_token), "{events:?}");
            }
            _ => panic!("no connection is asked for: {events:?}"),
        }
    }

    /// Waits for the pause before the next attempt to pass, and expects the attempt.
    pub(crate) fn needs_later(&mut self, relocate: bool, renew_token: bool) {
        self.wait();
        self.needs(relocate, renew_token);
    }

    /// Moves time to the session's deadline and says how far that was.
    pub(crate) fn wait(&mut self) -> Duration {
        let until = self.session.poll_timeout().expect("a deadline");
        let pause = until.saturating_duration_since(self.now);
        self.now += pause;
        self.session.handle_timeout(self.now);
        pause
    }

    /// Gives the session a connection and expects its setup.
    pub(crate) fn attach(&mut self) {
        self.flows += 1;
        let flow = FlowId::new(self.flows).unwrap();
        self.session
            .handle_attached(self.now, flow, self.token.clone());
        self.expect_setup();
    }

    pub(crate) fn expect_setup(&mut self) {
        match self.session.poll_transmit() {
            Some(Request::SetupAppend(setup)) => {
                assert_eq!(setup.writer_id.as_u128(), WRITER);
                assert_eq!(&*setup.segment, SEGMENT);
                assert_eq!(setup.delegation_token, self.token);
                self.request_id = setup.request_id;
            }
            other => panic!("expected a setup, got {other:?}"),
        }
        assert_eq!(
            self.session.poll_transmit(),
            None,
            "nothing follows a setup unanswered"
        );
    }

    /// Answers the setup. `stored` 0 means that the store knows no such writer.
    pub(crate) fn setup(&mut self, stored: i64) {
        self.reply(self.setup_reply(stored))
            .expect("a right answer");
    }

    /// A connection whose setup acknowledges up to `stored`.
    pub(crate) fn open(&mut self, stored: i64) {
        self.attach();
        self.setup(stored);
    }

    pub(crate) fn reply(&mut self, reply: impl Into<Reply>) -> Result<(), ProtocolViolation> {
        self.session.handle_reply(self.now, reply.into())
    }

    /// For tests that look at nothing else of a request: the id that its reply will carry.
    pub(crate) fn note_request(&mut self, request: &Request) {
        self.request_id = request
            .request_id()
            .expect("every request of a writer has an id");
    }

    /// Everything that goes out now, which must be blocks with the fields that never vary.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        let mut blocks = Vec::new();
        while let Some(request) = self.session.poll_transmit() {
            blocks.push(self.block(request));
        }
        blocks
    }

    fn block(&self, request: Request) -> Sent {
        match request {
            Request::ConditionalBlockEnd(block) => {
                assert_eq!(block.writer_id.as_u128(), WRITER);
                assert_eq!(block.request_id, self.request_id);
                Sent {
                    number: block.event_number,
                    offset: Some(block.expected_offset),
                    data: block.data.into_bytes().to_vec(),
                }
            }
            Request::AppendBlockEnd(block) => {
                assert_eq!(block.writer_id.as_u128(), WRITER);
                assert_eq!(block.request_id, self.request_id);
                assert_eq!(block.num_events, 1);
                assert_eq!(
                    usize::try_from(block.size_of_whole_events).unwrap(),
                    block.data.len()
                );
                Sent {
                    number: block.last_event_number,
                    offset: None,
                    data: block.data.into_bytes().to_vec(),
                }
            }
            other => panic!("expected a block, got {}", other.name()),
        }
    }

    /// An ack for block `number`, the ack before it for `previous` (0: none), the segment `tail` long.
    pub(crate) fn ack(&mut self, number: i64, previous: i64, tail: i64) {
        self.reply(self.ack_reply(number, previous, tail))
            .expect("a right ack");
    }

    pub(crate) fn ack_reply(&self, number: i64, previous: i64, tail: i64) -> DataAppended {
        DataAppended {
            writer_id: WriterId::from_wire(WRITER),
            event_number: number,
            previous_event_number: if previous == 0 {
                NO_EVENT_NUMBER
            } else {
                previous
            },
            request_id: self.request_id,
            current_segment_write_offset: tail,
        }
    }

    pub(crate) fn setup_reply(&self, stored: i64) -> AppendSetup {
        AppendSetup {
            request_id: self.request_id,
            segment: SEGMENT.into(),
            writer_id: WriterId::from_wire(WRITER),
            last_event_number: if stored == 0 { NO_EVENT_NUMBER } else { stored },
        }
    }

    pub(crate) fn condition_failed(&self, number: i64) -> ConditionalCheckFailed {
        ConditionalCheckFailed {
            writer_id: WriterId::from_wire(WRITER),
            event_number: number,
            request_id: self.request_id,
        }
    }

    pub(crate) fn invalid_number(&self, number: i64) -> InvalidEventNumber {
        InvalidEventNumber {
            writer_id: WriterId::from_wire(WRITER),
            request_id: self.request_id,
            server_stack_trace: String::new(),
            event_number: number,
        }
    }

    pub(crate) fn sealed(&self, number: i64) -> SegmentIsSealed {
        SegmentIsSealed {
            request_id: self.request_id,
            segment: SEGMENT.into(),
            server_stack_trace: String::new(),
            offset: number,
        }
    }

    pub(crate) fn no_such_segment(&self) -> NoSuchSegment {
        NoSuchSegment {
            request_id: self.request_id,
            segment: SEGMENT.into(),
            server_stack_trace: String::new(),
            offset: -1,
        }
    }

    pub(crate) fn wrong_host(&self) -> WrongHost {
        WrongHost {
            request_id: self.request_id,
            segment: SEGMENT.into(),
            correct_host: String::new(),
            server_stack_trace: String::new(),
        }
    }

    pub(crate) fn error_message(&self) -> ErrorMessage {
        ErrorMessage {
            request_id: self.request_id,
            segment: SEGMENT.into(),
            message: "no".repeat(1_000),
            error_code: -1,
        }
    }

    pub(crate) fn token_failed(&self, error_code: i32) -> AuthTokenCheckFailed {
        AuthTokenCheckFailed {
            request_id: self.request_id,
            server_stack_trace: String::new(),
            error_code,
        }
    }

    pub(crate) fn lose(&mut self) {
        self.session.handle_disconnected(self.now, Disconnect::Lost);
    }

    /// The session's failure, which every later call must give too.
    pub(crate) fn failure(&mut self) -> AppendFailure {
        let failure = self.session.failure().expect("a failure").clone();
        assert_eq!(self.refused(b"x").kind(), failure.kind());
        assert_eq!(
            self.session.poll_transmit(),
            None,
            "a failed session sends nothing"
        );
        failure
    }

    pub(crate) fn failed_with(&mut self, kind: &AppendFailureKind) -> AppendFailure {
        let failure = self.failure();
        assert_eq!(failure.kind(), kind);
        assert_eq!(failure.segment(), SEGMENT);
        failure
    }
}
