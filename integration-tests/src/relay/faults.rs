//! What is done to which frames.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use pravega_wire_protocol::{Frame, Reply, Request};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the store.
    Request,
    /// From the store to the client.
    Reply,
}

/// Frames that a fault is meant for. Keep-alives never are.
#[derive(Debug, Clone)]
pub struct Frames {
    direction: Direction,
    name: Option<&'static str>,
    first: u64,
    times: u64,
}

impl Frames {
    /// The first request.
    pub fn requests() -> Self {
        Self::of(Direction::Request)
    }

    /// The first reply.
    pub fn replies() -> Self {
        Self::of(Direction::Reply)
    }

    /// The first frame of a direction.
    pub fn of(direction: Direction) -> Self {
        Self {
            direction,
            name: None,
            first: 1,
            times: 1,
        }
    }

    /// Only those of this name, such as `DataAppended`.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// Not the first one but the n-th, counted from 1 and from the moment of arming.
    #[must_use]
    pub fn nth(self, first: u64) -> Self {
        Self { first, ..self }
    }

    /// That many of them in a row.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }
}

/// What is done to a frame.
#[derive(Clone)]
pub enum Fault {
    /// Only this many bytes of it pass; then the connection ends.
    CutInside(usize),
    /// It passes; then the connection ends.
    CutAfter,
    /// It is lost.
    Swallow,
    /// It is lost, and the connection ends.
    SwallowAndCut,
    /// It and all frames behind it wait until the gate opens.
    Hold(Gate),
    /// A request is not passed on, but answered.
    Answer(Arc<dyn Fn(&Request) -> Reply + Send + Sync>),
}

impl Fault {
    /// A request is not passed on, but answered by `answer`.
    pub fn answer<R: Into<Reply>>(answer: impl Fn(&Request) -> R + Send + Sync + 'static) -> Self {
        Self::Answer(Arc::new(move |request| answer(request).into()))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutInside(bytes) => write!(f, "CutInside({bytes})"),
            Self::CutAfter => f.write_str("CutAfter"),
            Self::Swallow => f.write_str("Swallow"),
            Self::SwallowAndCut => f.write_str("SwallowAndCut"),
            Self::Hold(_) => f.write_str("Hold"),
            Self::Answer(_) => f.write_str("Answer"),
        }
    }
}

/// Holds frames back until it is opened.
#[derive(Debug, Clone, Default)]
pub struct Gate(CancellationToken);

impl Gate {
    /// Lets pass what waits and all that comes.
    pub fn open(&self) {
        self.0.cancel();
    }

    pub(super) async fn opened(&self) {
        self.0.cancelled().await;
    }
}

/// A fault that was armed.
#[derive(Debug, Clone)]
pub struct Armed(pub(super) Arc<Arming>);

impl Armed {
    /// How often it has struck.
    pub fn strikes(&self) -> u64 {
        self.0.strikes.load(Ordering::Relaxed)
    }

    /// Waits until it has struck.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn struck(&self) {
        loop {
            let struck = self.0.struck.notified();
            if self.strikes() > 0 {
                return;
            }
            struck.await;
        }
    }

    /// It strikes no more.
    pub fn disarm(&self) {
        self.0.met.store(u64::MAX / 2, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Arming {
    frames: Frames,
    fault: Fault,
    /// Frames it was meant for that have come so far.
    met: AtomicU64,
    strikes: AtomicU64,
    struck: Notify,
}

impl Arming {
    pub(super) fn new(frames: Frames, fault: Fault) -> Self {
        Self {
            frames,
            fault,
            met: AtomicU64::new(0),
            strikes: AtomicU64::new(0),
            struck: Notify::new(),
        }
    }

    /// Counts a frame; the fault, if it strikes now.
    pub(super) fn meets(&self, direction: Direction, message: &Message) -> Option<Fault> {
        let Frames {
            direction: wanted,
            name,
            first,
            times,
        } = self.frames;
        if wanted != direction || name.is_some_and(|name| name != message.name()) {
            return None;
        }
        let number = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        if number < first || number - first >= times {
            return None;
        }
        self.strikes.fetch_add(1, Ordering::Relaxed);
        self.struck.notify_waiters();
        Some(self.fault.clone())
    }
}

/// A decoded frame.
#[derive(Debug)]
pub(super) enum Message {
    Request(Box<Request>),
    Reply(Box<Reply>),
    /// Not what the protocol says. It passes, so that the other end can object.
    Garbled,
}

impl Message {
    pub(super) fn of(direction: Direction, frame: &Frame) -> Self {
        let frame = frame.clone();
        let decoded = match direction {
            Direction::Request => Request::decode(frame).map(|it| Self::Request(Box::new(it))),
            Direction::Reply => Reply::decode(frame).map(|it| Self::Reply(Box::new(it))),
        };
        decoded.unwrap_or(Self::Garbled)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Request(request) => request.name(),
            Self::Reply(reply) => reply.name(),
            Self::Garbled => "garbled",
        }
    }

    pub(super) fn is_sign_of_life(&self) -> bool {
        match self {
            Self::Request(request) => matches!(**request, Request::KeepAlive(_)),
            Self::Reply(reply) => matches!(**reply, Reply::KeepAlive(_)),
            Self::Garbled => false,
        }
    }
}

/// A frame and what is done to it.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) message: Message,
    pub(super) fault: Option<Fault>,
}

impl Verdict {
    pub(super) fn pass(message: Message) -> Self {
        Self {
            message,
            fault: None,
        }
    }
}
