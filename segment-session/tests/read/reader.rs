//! A session driven by hand: the test plays driver, segment store and consumer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, FlowId};
use pravega_segment_session::{
    ProtocolViolation, ReadEvent, ReadFailure, ReadOptions, ReadSession, ReadStep,
};
use pravega_wire_protocol::{
    AuthTokenCheckFailed, ErrorMessage, GetStreamSegmentInfo, NoSuchSegment, Payload, ReadSegment,
    Reply, Request, SegmentIsSealed, SegmentIsTruncated, SegmentRead, StreamSegmentInfo, WrongHost,
};

use crate::content::content;

pub(crate) const SEGMENT: &str = "scope/stream/0.#epoch.0";
pub(crate) const MIB: u64 = 1 << 20;

pub(crate) struct Reader {
    pub(crate) session: ReadSession,
    pub(crate) now: Instant,
    pub(crate) flow: u64,
    /// Requests sent, oldest first. Tests take out what they have looked at.
    pub(crate) sent: Vec<Request>,
    pub(crate) events: Vec<ReadEvent>,
}

impl Reader {
    /// A session that has done nothing yet.
    pub(crate) fn new(options: ReadOptions) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a starting point; time is moved by hand"
        )]
        let now = Instant::now();
        Self {
            session: ReadSession::new(Arc::from(SEGMENT), &options),
            now,
            flow: 0,
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A session whose consumer waits and whose requests are in `sent`.
    pub(crate) fn reading(options: ReadOptions) -> Self {
        let mut reader = Self::new(options);
        reader.expect_pending();
        reader.attach();
        reader
    }

    pub(crate) fn drain(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.events.push(event);
        }
        while let Some(request) = self.session.poll_transmit() {
            self.sent.push(request);
        }
    }

    /// Answers the wish for a connection, which must be there.
    pub(crate) fn attach(&mut self) {
        self.drain();
        let (relocate, renew) = self.wish().expect("no connection is wanted");
        assert!(!relocate && !renew, "{relocate} {renew}");
        self.attach_anyway();
    }

    pub(crate) fn attach_anyway(&mut self) {
        self.flow += 1;
        let flow = FlowId::new(self.flow).unwrap();
        self.session
            .handle_attached(self.now, flow, DelegationToken::new("token"));
        self.drain();
    }

    /// Waits until a connection is wanted, and answers.
    pub(crate) fn reattach(&mut self) -> (bool, bool) {
        self.pass_time();
        let hints = self.wish().expect("no connection is wanted");
        self.attach_anyway();
        hints
    }

    /// The hints of the wish for a connection among the events, taken out.
    pub(crate) fn wish(&mut self) -> Option<(bool, bool)> {
        let wish = |event: &ReadEvent| match event {
            ReadEvent::NeedsAttachment {
                relocate,
                renew_token,
            } => Some((*relocate, *renew_token)),
            _ => None,
        };
        let at = self.events.iter().position(|event| wish(event).is_some())?;
        wish(&self.events.remove(at))
    }

    /// Moves time to the session's next deadline, if it has one. Gives how long that took.
    pub(crate) fn pass_time(&mut self) -> Duration {
        let Some(deadline) = self.session.poll_timeout() else {
            return Duration::ZERO;
        };
        let waited = deadline.saturating_duration_since(self.now);
        self.now += waited;
        self.session.handle_timeout(self.now);
        self.drain();
        waited
    }

    /// The only request sent, which is a read, taken out.
    pub(crate) fn one_read(&mut self) -> ReadSegment {
        let mut reads = self.reads();
        assert_eq!(reads.len(), 1, "{reads:?}");
        reads.remove(0)
    }

    /// All requests sent, which are reads, taken out.
    pub(crate) fn reads(&mut self) -> Vec<ReadSegment> {
        self.sent
            .drain(..)
            .map(|request| match request {
                Request::ReadSegment(read) => read,
                other => panic!("not a read: {other:?}"),
            })
            .collect()
    }

    /// The only question sent, taken out, whatever else was sent.
    pub(crate) fn one_question(&mut self) -> GetStreamSegmentInfo {
        let is_question = |request: &Request| matches!(request, Request::GetStreamSegmentInfo(_));
        let at = self.sent.iter().position(is_question).expect("no question");
        let Request::GetStreamSegmentInfo(question) = self.sent.remove(at) else {
            unreachable!()
        };
        assert!(!self.sent.iter().any(is_question));
        question
    }

    pub(crate) fn deliver(&mut self, reply: impl Into<Reply>) {
        self.session.handle_reply(self.now, reply.into()).unwrap();
        self.drain();
    }

    pub(crate) fn deliver_bad(&mut self, reply: impl Into<Reply>) -> ProtocolViolation {
        let violation = self.session.handle_reply(self.now, reply.into());
        let violation = violation.expect_err("the reply was accepted");
        assert!(!self.session.is_attached());
        self.drain();
        violation
    }

    pub(crate) fn chunk(&mut self, max: usize) -> Bytes {
        let step = self.session.poll_chunk(max);
        self.drain();
        match step {
            ReadStep::Chunk(bytes) => bytes,
            other => panic!("no bytes: {other:?}"),
        }
    }

    /// Takes `len` bytes and checks them.
    pub(crate) fn expect_bytes(&mut self, len: u64) {
        let start = self.session.position();
        let end = start + len;
        while self.session.position() < end {
            let at = self.session.position();
            let bytes = self.chunk(usize::try_from(end - at).unwrap());
            let expected = content(at..at + u64::try_from(bytes.len()).unwrap());
            assert!(bytes == expected, "wrong bytes at {at}");
        }
    }

    pub(crate) fn expect_pending(&mut self) {
        let step = self.session.poll_chunk(usize::MAX);
        assert!(matches!(step, ReadStep::Pending), "{step:?}");
        self.drain();
    }

    pub(crate) fn expect_end(&mut self) {
        let step = self.session.poll_chunk(usize::MAX);
        assert!(matches!(step, ReadStep::EndOfSegment), "{step:?}");
        self.drain();
    }

    pub(crate) fn expect_failure(&mut self) -> ReadFailure {
        let step = self.session.poll_chunk(usize::MAX);
        self.drain();
        match step {
            ReadStep::Failed(failure) => failure,
            other => panic!("no failure: {other:?}"),
        }
    }

    pub(crate) fn seek(&mut self, offset: u64) {
        self.session.seek(offset).unwrap();
        self.drain();
    }

    /// Takes out whether the consumer was woken.
    pub(crate) fn was_woken(&mut self) -> bool {
        let before = self.events.len();
        self.events
            .retain(|event| !matches!(event, ReadEvent::Readable));
        self.events.len() < before
    }
}

pub(crate) fn start_of(read: &ReadSegment) -> u64 {
    u64::try_from(read.offset).unwrap()
}

pub(crate) fn end_of(read: &ReadSegment) -> u64 {
    start_of(read) + u64::try_from(read.suggested_length).unwrap()
}

/// The first `len` bytes of what was asked for.
pub(crate) fn bytes_for(read: &ReadSegment, len: u64) -> SegmentRead {
    let start = start_of(read);
    SegmentRead {
        segment: Arc::clone(&read.segment),
        offset: read.offset,
        at_tail: false,
        end_of_segment: false,
        data: Payload::from(content(start..start + len)),
        request_id: read.request_id,
    }
}

/// Everything that was asked for.
pub(crate) fn all_for(read: &ReadSegment) -> SegmentRead {
    bytes_for(read, end_of(read) - start_of(read))
}

/// The first `len` bytes, up to the tail.
pub(crate) fn tail_for(read: &ReadSegment, len: u64) -> SegmentRead {
    SegmentRead {
        at_tail: true,
        ..bytes_for(read, len)
    }
}

/// The first `len` bytes, up to the end.
pub(crate) fn end_for(read: &ReadSegment, len: u64) -> SegmentRead {
    SegmentRead {
        end_of_segment: true,
        ..bytes_for(read, len)
    }
}

pub(crate) fn sealed(read: &ReadSegment) -> SegmentIsSealed {
    SegmentIsSealed {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        server_stack_trace: String::new(),
        offset: read.offset,
    }
}

pub(crate) fn truncated(read: &ReadSegment, head: i64) -> SegmentIsTruncated {
    SegmentIsTruncated {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        start_offset: head,
        server_stack_trace: String::new(),
        offset: read.offset,
    }
}

pub(crate) fn no_such_segment(read: &ReadSegment) -> NoSuchSegment {
    NoSuchSegment {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        server_stack_trace: String::new(),
        offset: read.offset,
    }
}

pub(crate) fn wrong_host(read: &ReadSegment) -> WrongHost {
    WrongHost {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        correct_host: String::new(),
        server_stack_trace: String::new(),
    }
}

pub(crate) fn token_refused(request_id: i64, error_code: i32) -> AuthTokenCheckFailed {
    AuthTokenCheckFailed {
        request_id,
        server_stack_trace: String::new(),
        error_code,
    }
}

pub(crate) fn error_message(read: &ReadSegment, message: &str) -> ErrorMessage {
    ErrorMessage {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        message: message.to_owned(),
        error_code: 0,
    }
}

pub(crate) fn info(question: &GetStreamSegmentInfo, head: i64, tail: i64) -> StreamSegmentInfo {
    StreamSegmentInfo {
        request_id: question.request_id,
        segment: Arc::clone(&question.segment),
        exists: true,
        is_sealed: false,
        is_deleted: false,
        last_modified: 0,
        write_offset: tail,
        start_offset: head,
    }
}
