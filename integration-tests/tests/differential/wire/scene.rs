//! The language of scripts: connections, segments, and what is said in which order.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, ConditionalAppend, ConditionalBlockEnd, CreateSegment,
    DeleteSegment, GetSegmentAttribute, GetStreamSegmentInfo, LocateOffset, Payload, ReadSegment,
    Request, SealSegment, SetupAppend, TruncateSegment, UpdateSegmentAttribute,
    UpdateSegmentPolicy,
};

/// The name of a segment.
pub(super) type Name = Arc<str>;

/// A script on its way to one server: steps in order, with the names that they have there.
pub(super) struct Scene {
    prefix: String,
    steps: RefCell<Vec<Step>>,
    segments: RefCell<Vec<Name>>,
    connections: Cell<usize>,
    requests: Cell<i64>,
}

/// One step of a script. Connections are numbered.
pub(super) enum Step {
    /// A segment is there from now on; by the script's own connection.
    Create(Name),
    /// A new connection, with the hellos exchanged or not.
    Connect { connection: usize, hello: bool },
    /// Says this, in one write.
    Send { connection: usize, what: Vec<Said> },
    /// Takes so many replies. Sorted when their order is not promised.
    Hear {
        connection: usize,
        count: usize,
        sorted: bool,
    },
    /// Takes everything up to the ack of an event number, which may stand for earlier ones.
    HearAck { connection: usize, number: i64 },
    /// Takes everything up to the end of the connection.
    HearEnd(usize),
    /// Nothing more comes: whatever is sent after this is answered after what was sent before.
    Quiet(usize),
    /// We end the connection.
    End(usize),
    /// Goes on when the bytes of a segment up to this offset can be read: an ack may come before.
    Readable(Name, i64),
}

/// Something sent, and how a transcript calls it.
pub(super) struct Said {
    pub(super) bytes: Bytes,
    pub(super) called: Called,
}

/// How a transcript calls what was sent.
pub(super) enum Called {
    /// By its fields.
    Request(Box<Request>),
    /// By name.
    Name(String),
}

/// One of the connections of a script.
#[derive(Clone, Copy)]
pub(super) struct Connection<'a> {
    scene: &'a Scene,
    number: usize,
}

impl Scene {
    /// A script without steps. Its segments have names that begin with `unique`.
    pub(super) fn new(unique: &str, script: &str) -> Self {
        Self {
            prefix: format!("{unique}/{script}"),
            steps: RefCell::default(),
            segments: RefCell::default(),
            connections: Cell::new(0),
            requests: Cell::new(0),
        }
    }

    /// The steps, the segments whose end state is compared, and what all names begin with.
    pub(super) fn into_steps(self) -> (Vec<Step>, Vec<Name>, String) {
        (
            self.steps.into_inner(),
            self.segments.into_inner(),
            self.prefix,
        )
    }

    /// A new segment.
    pub(super) fn segment(&self) -> Name {
        let name = self.absent_segment();
        self.push(Step::Create(Arc::clone(&name)));
        name
    }

    /// The name of a segment that is not there.
    pub(super) fn absent_segment(&self) -> Name {
        let number = self.segments.borrow().len();
        self.segment_named(&format!("-{number}/0.#epoch.0"))
    }

    /// The name of a segment that is not there and ends like this.
    pub(super) fn segment_named(&self, end: &str) -> Name {
        let name: Name = format!("{}{end}", self.prefix).into();
        self.segments.borrow_mut().push(Arc::clone(&name));
        name
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Connection<'_> {
        self.connection(true)
    }

    /// A new connection on which nobody has said hello.
    pub(super) fn connect_silently(&self) -> Connection<'_> {
        self.connection(false)
    }

    /// Goes on when the bytes of a segment up to this offset can be read.
    pub(super) fn readable(&self, segment: &Name, tail: i64) {
        self.push(Step::Readable(Arc::clone(segment), tail));
    }

    fn connection(&self, hello: bool) -> Connection<'_> {
        let number = self.connections.get();
        self.connections.set(number + 1);
        self.push(Step::Connect {
            connection: number,
            hello,
        });
        Connection {
            scene: self,
            number,
        }
    }

    fn push(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }

    fn id(&self) -> i64 {
        self.requests.set(self.requests.get() + 1);
        self.requests.get()
    }
}

impl Connection<'_> {
    /// Sends it and takes one reply.
    pub(super) fn ask(&self, what: impl Into<Said>) {
        self.send(what);
        self.hear(1);
    }

    /// Sends it.
    pub(super) fn send(&self, what: impl Into<Said>) {
        self.send_all([what.into()]);
    }

    /// Sends all of it in one write.
    pub(super) fn send_all(&self, what: impl IntoIterator<Item = Said>) {
        let what = what.into_iter().collect();
        self.scene.push(Step::Send {
            connection: self.number,
            what,
        });
    }

    /// Sends it, which ends the connection; replies may come before.
    pub(super) fn ends_at(&self, what: impl Into<Said>) {
        self.send(what);
        self.hear_end();
    }

    /// Sends it, and no reply comes.
    pub(super) fn unanswered(&self, what: impl Into<Said>) {
        self.send(what);
        self.quiet();
    }

    /// Takes so many replies.
    pub(super) fn hear(&self, count: usize) {
        self.scene.push(Step::Hear {
            connection: self.number,
            count,
            sorted: false,
        });
    }

    /// Takes so many replies, whose order is not promised.
    pub(super) fn hear_in_any_order(&self, count: usize) {
        self.scene.push(Step::Hear {
            connection: self.number,
            count,
            sorted: true,
        });
    }

    /// Takes acks up to this one, which may stand for earlier ones.
    pub(super) fn hear_ack(&self, number: i64) {
        self.scene.push(Step::HearAck {
            connection: self.number,
            number,
        });
    }

    /// Takes everything up to the end of the connection.
    pub(super) fn hear_end(&self) {
        self.scene.push(Step::HearEnd(self.number));
    }

    /// Nothing comes.
    pub(super) fn quiet(&self) {
        self.scene.push(Step::Quiet(self.number));
    }

    /// We end the connection.
    pub(super) fn end(&self) {
        self.scene.push(Step::End(self.number));
    }
}

/// Requests, each with an id of its own.
impl Scene {
    pub(super) fn info(&self, segment: &Name) -> Request {
        GetStreamSegmentInfo {
            request_id: self.id(),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn setup(&self, writer: u128, segment: &Name) -> Request {
        SetupAppend {
            request_id: self.id(),
            writer_id: WriterId::from_wire(writer),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    /// A whole append in one message.
    pub(super) fn append(&self, writer: u128, number: i64, data: impl Into<Bytes>) -> Request {
        self.append_of(writer, number, 1, data)
    }

    /// The same with another number of events.
    pub(super) fn append_of(
        &self,
        writer: u128,
        number: i64,
        num_events: i32,
        data: impl Into<Bytes>,
    ) -> Request {
        let data: Bytes = data.into();
        let end = self.block_end(writer, i32::try_from(data.len()).unwrap(), data, number);
        AppendBlockEnd { num_events, ..end }.into()
    }

    /// The first part of an append: data, and possibly a nested frame behind it.
    pub(super) fn block(&self, writer: u128, data: impl Into<Bytes>) -> Request {
        AppendBlock {
            writer_id: WriterId::from_wire(writer),
            data: Payload::from(data.into()),
        }
        .into()
    }

    /// The second part.
    pub(super) fn block_end(
        &self,
        writer: u128,
        whole: i32,
        data: impl Into<Bytes>,
        number: i64,
    ) -> AppendBlockEnd {
        AppendBlockEnd {
            writer_id: WriterId::from_wire(writer),
            size_of_whole_events: whole,
            data: Payload::from(data.into()),
            num_events: 1,
            last_event_number: number,
            request_id: self.id(),
        }
    }

    pub(super) fn conditional(
        &self,
        writer: u128,
        number: i64,
        expected_offset: i64,
        data: impl Into<Bytes>,
    ) -> Request {
        ConditionalBlockEnd {
            writer_id: WriterId::from_wire(writer),
            event_number: number,
            expected_offset,
            data: Payload::from(data.into()),
            request_id: self.id(),
        }
        .into()
    }

    pub(super) fn conditional_event(
        &self,
        writer: u128,
        number: i64,
        expected_offset: i64,
        event: impl Into<Bytes>,
    ) -> Request {
        ConditionalAppend {
            writer_id: WriterId::from_wire(writer),
            event_number: number,
            expected_offset,
            event: Payload::from(event.into()),
            request_id: self.id(),
        }
        .into()
    }

    pub(super) fn read(&self, segment: &Name, offset: i64, suggested_length: i32) -> Request {
        ReadSegment {
            segment: Arc::clone(segment),
            offset,
            suggested_length,
            delegation_token: DelegationToken::default(),
            request_id: self.id(),
        }
        .into()
    }

    pub(super) fn create(&self, segment: &Name) -> Request {
        self.create_with(segment, 0, 0, 0)
    }

    pub(super) fn create_with(
        &self,
        segment: &Name,
        target_rate: i32,
        scale_type: i8,
        rollover_size_bytes: i64,
    ) -> Request {
        CreateSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            target_rate,
            scale_type,
            delegation_token: DelegationToken::default(),
            rollover_size_bytes,
        }
        .into()
    }

    pub(super) fn seal(&self, segment: &Name) -> Request {
        SealSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn delete(&self, segment: &Name) -> Request {
        DeleteSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn truncate(&self, segment: &Name, truncation_offset: i64) -> Request {
        TruncateSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            truncation_offset,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn policy(&self, segment: &Name, target_rate: i32, scale_type: i8) -> Request {
        UpdateSegmentPolicy {
            request_id: self.id(),
            segment: Arc::clone(segment),
            target_rate,
            scale_type,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn attribute(&self, segment: &Name, attribute_id: u128) -> Request {
        GetSegmentAttribute {
            request_id: self.id(),
            segment: Arc::clone(segment),
            attribute_id,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn update_attribute(
        &self,
        segment: &Name,
        attribute_id: u128,
        expected_value: i64,
        new_value: i64,
    ) -> Request {
        UpdateSegmentAttribute {
            request_id: self.id(),
            segment: Arc::clone(segment),
            attribute_id,
            new_value,
            expected_value,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn locate(&self, segment: &Name, target_offset: i64) -> Request {
        LocateOffset {
            request_id: self.id(),
            segment: Arc::clone(segment),
            target_offset,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }
}

impl From<Request> for Said {
    fn from(request: Request) -> Self {
        Self {
            bytes: request.encode_to_bytes().unwrap(),
            called: Called::Request(Box::new(request)),
        }
    }
}

impl From<AppendBlockEnd> for Said {
    fn from(end: AppendBlockEnd) -> Self {
        Request::from(end).into()
    }
}

/// Any bytes, under a name for the transcript.
pub(super) fn raw(name: &str, bytes: impl Into<Bytes>) -> Said {
    Said {
        bytes: bytes.into(),
        called: Called::Name(name.to_owned()),
    }
}
