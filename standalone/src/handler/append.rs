//! Append sessions of one connection: who may write, which number comes next, and what is acknowledged.
//!
//! A session goes `setting up -> live -> failed`; a new setup starts it over from anywhere. What the real
//! server does with numbers is kept to the letter, also where it is odd: a number equal to the last one is
//! stored again and never acknowledged, and a number of no session closes the connection.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendSetup, ConditionalCheckFailed, DataAppended, ErrorMessage, InvalidEventNumber,
    NoSuchSegment, OperationUnsupported, Payload, Reply, SegmentIsSealed, SetupAppend,
};

use super::{Answer, CloseReason, refusal, segment::failed};
use crate::{
    limits::MAX_APPENDS_IN_FLIGHT,
    store::{
        Append, AppendCheck, AppendError, AppendOutcome, AppendRefusal, AppendTag, Appended,
        Segments, StoreError, WriterLease,
    },
};

/// The writers that were set up on one connection.
#[derive(Debug)]
pub(crate) struct Writers {
    connection: u64,
    limit: usize,
    writers: HashMap<WriterId, Writer>,
    next_session: u64,
    in_flight: usize,
    in_flight_bytes: usize,
}

#[derive(Debug)]
struct Writer {
    session: u64,
    segment: Arc<str>,
    /// Appends on their way to the disk.
    in_flight: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    SettingUp,
    Live {
        lease: WriterLease,
        /// The largest number received since the setup.
        received: i64,
        /// The number that the next append expects to be stored.
        stored: i64,
        acked: i64,
    },
    Failed(Failure),
}

/// Why no append of a session can succeed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Sealed,
    NoSuchSegment,
    ReadOnly,
}

/// The end of a setup.
#[derive(Debug)]
pub(crate) struct SetUp {
    writer: WriterId,
    session: u64,
    segment: Arc<str>,
    request_id: i64,
    outcome: Result<(WriterLease, i64), StoreError>,
}

/// One append as it came, whatever message brought it.
#[derive(Debug, Clone)]
pub(crate) struct IncomingAppend {
    pub(crate) writer: WriterId,
    pub(crate) number: i64,
    /// Negative for none.
    pub(crate) expected_offset: i64,
    pub(crate) events: i32,
    pub(crate) data: Payload,
    pub(crate) request_id: i64,
}

/// A request that may have to wait for an earlier one of the same writer.
#[derive(Debug)]
pub(crate) enum Held {
    /// Waits for the writer's appends in flight.
    Setup(SetupAppend),
    /// Waits for the writer's setup.
    Append(IncomingAppend),
}

/// What becomes of an incoming append.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// The store gets it.
    Append(Append, AppendTag),
    /// Answered already: its session failed before.
    Refused(Reply),
    /// Against the rules.
    Close(CloseReason),
}

/// The next step after an append is over.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A reply, or none for a number that was acknowledged before.
    Reply(Option<Reply>),
    /// A reply, and then the end of the connection.
    ReplyAndClose(Reply, CloseReason),
    /// The end of the connection.
    Close(CloseReason),
}

impl Writers {
    /// No writers yet, and at most `limit` of them.
    pub(crate) fn new(connection: u64, limit: usize) -> Self {
        Self {
            connection,
            limit,
            writers: HashMap::new(),
            next_session: 0,
            in_flight: 0,
            in_flight_bytes: 0,
        }
    }

    /// Appends on their way to the disk.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// True while no further append should be taken in.
    pub(crate) fn are_busy(&self, max_bytes: usize) -> bool {
        self.in_flight >= MAX_APPENDS_IN_FLIGHT || self.in_flight_bytes >= max_bytes
    }

    /// True when a setup of this writer has to wait for the end of its appends.
    pub(crate) fn must_wait_to_set_up(&self, writer: WriterId) -> bool {
        let writer = self.writers.get(&writer);
        writer.is_some_and(|w| w.in_flight > 0 || matches!(w.state, State::SettingUp))
    }

    /// True when an append of this writer has to wait for the end of its setup.
    pub(crate) fn must_wait_to_append(&self, writer: WriterId) -> bool {
        let writer = self.writers.get(&writer);
        writer.is_some_and(|w| matches!(w.state, State::SettingUp))
    }

    /// Begins a setup; the future's outcome goes to [`Self::finish_setup`].
    pub(crate) fn set_up(
        &mut self,
        segments: &Segments,
        setup: SetupAppend,
    ) -> impl Future<Output = Answer> + Send + 'static {
        let session = self.next_session;
        self.next_session = session.wrapping_add(1);
        let admitted = self.admit_writer(&setup, session);
        let (segments, connection) = (segments.clone(), self.connection);
        async move {
            let SetupAppend {
                request_id,
                writer_id: writer,
                segment,
                ..
            } = setup;
            if !admitted {
                let message = "too many writers on this connection";
                let code = ErrorMessage::UNSPECIFIED;
                return Answer::Reply(refusal(request_id, &segment, message, code));
            }
            let outcome = segments.set_up(&segment, writer, connection).await;
            Answer::SetUp(SetUp {
                writer,
                session,
                segment,
                request_id,
                outcome,
            })
        }
    }

    /// Ends a setup: the reply to it.
    pub(crate) fn finish_setup(&mut self, set_up: SetUp) -> Answer {
        let SetUp {
            writer,
            session,
            segment,
            request_id,
            outcome,
        } = set_up;
        let Entry::Occupied(mut entry) = self.writers.entry(writer) else {
            return Answer::Close(CloseReason::BadAppend);
        };
        debug_assert_eq!(
            entry.get().session,
            session,
            "setups of a writer do not overlap"
        );
        match outcome {
            Ok((lease, last)) => {
                entry.get_mut().state = State::Live {
                    lease,
                    received: 0,
                    stored: last,
                    acked: last,
                };
                Answer::reply(AppendSetup {
                    request_id,
                    segment,
                    writer_id: writer,
                    last_event_number: last,
                })
            }
            Err(error) => {
                entry.remove();
                failed(&error, request_id, segment, -1, "setting up an append")
            }
        }
    }

    /// Checks an append against its session.
    pub(crate) fn admit(&mut self, incoming: IncomingAppend) -> Admitted {
        let refused = Admitted::Close(CloseReason::BadAppend);
        let Some(writer) = self.writers.get_mut(&incoming.writer) else {
            return refused;
        };
        let tag = AppendTag {
            writer: incoming.writer,
            session: writer.session,
            number: incoming.number,
            request_id: incoming.request_id,
            bytes: incoming.data.len(),
        };
        match &mut writer.state {
            State::SettingUp => refused,
            // The real server answers each append that it had received when the first one failed, and closes
            // the connection for later ones; here all of them are answered.
            State::Failed(failure) => Admitted::Refused(failure.reply(&writer.segment, &tag)),
            State::Live {
                lease,
                received,
                stored,
                ..
            } => {
                if incoming.number < *received || incoming.number < *stored {
                    return refused;
                }
                *received = incoming.number;
                let check = AppendCheck {
                    writer: incoming.writer,
                    expected_number: std::mem::replace(stored, incoming.number),
                    expected_offset: incoming.expected_offset,
                    bytes: u64::try_from(incoming.data.len()).unwrap_or(u64::MAX),
                    events: incoming.events,
                };
                let append = Append {
                    segment: Arc::clone(lease.segment()),
                    right: Arc::clone(lease.right()),
                    check,
                    number: incoming.number,
                    data: incoming.data,
                };
                writer.in_flight += 1;
                self.in_flight += 1;
                self.in_flight_bytes += tag.bytes;
                Admitted::Append(append, tag)
            }
        }
    }

    /// Takes in how an append went.
    pub(crate) fn finish(&mut self, Appended { tag, outcome }: Appended) -> Verdict {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(tag.bytes);
        let Some(writer) = self.writers.get_mut(&tag.writer) else {
            return Verdict::Reply(None);
        };
        writer.in_flight = writer.in_flight.saturating_sub(1);
        writer.finish(&tag, outcome)
    }

    /// Makes room for a writer; false when there is none.
    fn admit_writer(&mut self, setup: &SetupAppend, session: u64) -> bool {
        let known = self.writers.contains_key(&setup.writer_id);
        if !known && self.writers.len() >= self.limit {
            self.writers
                .retain(|_, w| w.in_flight > 0 || !matches!(w.state, State::Failed(_)));
            if self.writers.len() >= self.limit {
                return false;
            }
        }
        let writer = Writer {
            session,
            segment: Arc::clone(&setup.segment),
            in_flight: 0,
            state: State::SettingUp,
        };
        self.writers.insert(setup.writer_id, writer);
        true
    }
}

impl Writer {
    fn finish(&mut self, tag: &AppendTag, outcome: AppendOutcome) -> Verdict {
        let failure = match outcome {
            Ok(length) => return self.acknowledge(tag, length),
            Err(AppendError::Refused(AppendRefusal::WrongOffset)) => {
                if let State::Live { stored, acked, .. } = &mut self.state
                    && self.in_flight == 0
                {
                    *stored = *acked;
                }
                return Verdict::Reply(Some(
                    ConditionalCheckFailed {
                        writer_id: tag.writer,
                        event_number: tag.number,
                        request_id: tag.request_id,
                    }
                    .into(),
                ));
            }
            Err(AppendError::Refused(AppendRefusal::WrongNumber) | AppendError::Fenced) => {
                let reply = InvalidEventNumber {
                    writer_id: tag.writer,
                    request_id: tag.request_id,
                    server_stack_trace: String::new(),
                    event_number: tag.number,
                };
                return Verdict::ReplyAndClose(reply.into(), CloseReason::WrongNumber);
            }
            Err(AppendError::Refused(AppendRefusal::TooLong) | AppendError::Lost) => {
                return Verdict::Close(CloseReason::Store);
            }
            Err(AppendError::Refused(AppendRefusal::Sealed)) => Failure::Sealed,
            Err(AppendError::NoSuchSegment) => Failure::NoSuchSegment,
            Err(AppendError::ReadOnly) => Failure::ReadOnly,
        };
        self.state = State::Failed(failure);
        Verdict::Reply(Some(failure.reply(&self.segment, tag)))
    }

    fn acknowledge(&mut self, tag: &AppendTag, length: u64) -> Verdict {
        let State::Live { acked, .. } = &mut self.state else {
            return Verdict::Reply(None);
        };
        if tag.number <= *acked {
            return Verdict::Reply(None);
        }
        let previous_event_number = std::mem::replace(acked, tag.number);
        Verdict::Reply(Some(
            DataAppended {
                writer_id: tag.writer,
                event_number: tag.number,
                previous_event_number,
                request_id: tag.request_id,
                current_segment_write_offset: length.cast_signed(),
            }
            .into(),
        ))
    }
}

impl Failure {
    fn reply(self, segment: &Arc<str>, tag: &AppendTag) -> Reply {
        let segment = Arc::clone(segment);
        let server_stack_trace = String::new();
        let request_id = tag.request_id;
        match self {
            Self::Sealed => SegmentIsSealed {
                request_id,
                segment,
                server_stack_trace,
                offset: tag.number,
            }
            .into(),
            Self::NoSuchSegment => NoSuchSegment {
                request_id,
                segment,
                server_stack_trace,
                offset: -1,
            }
            .into(),
            Self::ReadOnly => OperationUnsupported {
                request_id,
                operation_name: "appending data".to_owned(),
                server_stack_trace,
            }
            .into(),
        }
    }
}
