//! The language of scripts: connections, segments, and what is said in which order.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use bytes::Bytes;
use pravega_wire_protocol::{AppendBlockEnd, Request};

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

    /// The next request id.
    pub(super) fn id(&self) -> i64 {
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
