//! What is done to which frames.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use pravega_wire_protocol::{Frame, Reply, Request};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{bytes_of, lock};

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

/// What takes the place of a message; none when it is not meant.
pub type Substitute<M> = Arc<dyn Fn(&M) -> Option<Vec<Reply>> + Send + Sync>;

/// What takes the place of the bytes of a frame.
pub type Garbling = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// What is done to a frame.
#[derive(Clone)]
pub enum Fault {
    /// Nothing: it passes, and is counted.
    Watch,
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
    /// So many bytes of it pass; the others and all frames behind wait until the gate opens.
    StallInside(usize, Gate),
    /// A request: the client's connection ends. The store's goes on, and is given the request when the gate
    /// opens; what it says to that is heard by nobody.
    Orphan(Gate),
    /// It passes in pieces of at least so many bytes, a hundred at the most, with a pause behind each.
    Drip(usize, Duration),
    /// Its header announces thousands of bytes, and they come one by one, with a pause behind each.
    DripWithoutEnd(Duration),
    /// A request is not passed on, but answered.
    Answer(Substitute<Request>),
    /// A reply is replaced by others.
    Replace(Substitute<Reply>),
    /// Other bytes take the place of its own.
    Garble(Garbling),
}

impl Fault {
    /// A request is not passed on, but answered by `answer`.
    pub fn answer<R: Into<Reply>>(answer: impl Fn(&Request) -> R + Send + Sync + 'static) -> Self {
        Self::Answer(Arc::new(move |request| Some(vec![answer(request).into()])))
    }

    /// The same for those requests for which there is an answer; the others are not meant.
    pub fn answer_some(
        answer: impl Fn(&Request) -> Option<Vec<Reply>> + Send + Sync + 'static,
    ) -> Self {
        Self::Answer(Arc::new(answer))
    }

    /// The replies that `replace` has something for are replaced by that; the others are not meant.
    pub fn replace(replace: impl Fn(&Reply) -> Option<Vec<Reply>> + Send + Sync + 'static) -> Self {
        Self::Replace(Arc::new(replace))
    }

    /// What `garble` makes of the bytes of a frame, its header included, takes their place.
    pub fn garble(garble: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::Garble(Arc::new(garble))
    }

    /// What becomes of this frame; none when it is not meant after all.
    fn treatment(&self, frame: &Frame, message: &Message) -> Option<Treatment> {
        Some(match (self, message) {
            (Self::Watch, _) => Treatment::Pass,
            (Self::CutInside(bytes), _) => Treatment::CutInside(*bytes),
            (Self::CutAfter, _) => Treatment::CutAfter,
            (Self::Swallow, _) => Treatment::Onward(Bytes::new()),
            (Self::SwallowAndCut, _) => Treatment::CutInside(0),
            (Self::Hold(gate), _) => Treatment::StallInside(0, gate.clone()),
            (Self::StallInside(bytes, gate), _) => Treatment::StallInside(*bytes, gate.clone()),
            (Self::Drip(piece, pause), _) => Treatment::Drip(*piece, *pause),
            (Self::DripWithoutEnd(pause), _) => Treatment::DripWithoutEnd(*pause),
            (Self::Garble(garble), _) => Treatment::Onward(garble(&bytes_of(frame)).into()),
            (Self::Orphan(gate), Message::Request(_)) => Treatment::Orphan(gate.clone()),
            (Self::Answer(answer), Message::Request(request)) => {
                Treatment::Back(encoded(&answer(request)?))
            }
            (Self::Replace(replace), Message::Reply(reply)) => {
                Treatment::Onward(encoded(&replace(reply)?))
            }
            (Self::Orphan(_) | Self::Answer(_) | Self::Replace(_), _) => return None,
        })
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watch => f.write_str("Watch"),
            Self::CutInside(bytes) => write!(f, "CutInside({bytes})"),
            Self::CutAfter => f.write_str("CutAfter"),
            Self::Swallow => f.write_str("Swallow"),
            Self::SwallowAndCut => f.write_str("SwallowAndCut"),
            Self::Hold(_) => f.write_str("Hold"),
            Self::StallInside(bytes, _) => write!(f, "StallInside({bytes})"),
            Self::Orphan(_) => f.write_str("Orphan"),
            Self::Drip(piece, pause) => write!(f, "Drip({piece}, {pause:?})"),
            Self::DripWithoutEnd(pause) => write!(f, "DripWithoutEnd({pause:?})"),
            Self::Answer(_) => f.write_str("Answer"),
            Self::Replace(_) => f.write_str("Replace"),
            Self::Garble(_) => f.write_str("Garble"),
        }
    }
}

/// What becomes of one frame.
#[derive(Debug)]
pub(super) enum Treatment {
    Pass,
    CutInside(usize),
    CutAfter,
    StallInside(usize, Gate),
    Orphan(Gate),
    Drip(usize, Duration),
    DripWithoutEnd(Duration),
    /// These bytes go on in its place.
    Onward(Bytes),
    /// It does not go on; these bytes go back.
    Back(Bytes),
}

/// Replies as they are on the wire. What cannot be encoded is left out.
pub(super) fn encoded(replies: &[Reply]) -> Bytes {
    let frames = replies.iter().filter_map(|it| it.encode_to_bytes().ok());
    frames.flatten().collect()
}

/// Holds frames back until it is opened.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    open: CancellationToken,
    through: CancellationToken,
}

impl Gate {
    /// Lets pass what waits and all that comes.
    pub fn open(&self) {
        self.open.cancel();
    }

    /// Waits until an [orphaned](Fault::Orphan) request has passed and the store has reacted to it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn was_answered(&self) {
        self.through.cancelled().await;
    }

    pub(super) async fn opened(&self) {
        self.open.cancelled().await;
    }

    pub(super) fn note_answered(&self) {
        self.through.cancel();
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

    /// The names of the frames that it has struck, in their order.
    pub fn struck_frames(&self) -> Vec<&'static str> {
        lock(&self.0.names).clone()
    }

    /// Waits until it has struck.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn struck(&self) {
        self.struck_times(1).await;
    }

    /// Waits until it has struck that often.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn struck_times(&self, times: u64) {
        loop {
            let struck = self.0.struck.notified();
            if self.strikes() >= times {
                return;
            }
            struck.await;
        }
    }

    /// It strikes no more.
    pub fn disarm(&self) {
        self.0.is_disarmed.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Arming {
    frames: Frames,
    fault: Fault,
    /// Frames it was meant for that have come so far.
    met: AtomicU64,
    strikes: AtomicU64,
    is_disarmed: AtomicBool,
    names: Mutex<Vec<&'static str>>,
    struck: Notify,
}

impl Arming {
    pub(super) fn new(frames: Frames, fault: Fault) -> Self {
        Self {
            frames,
            fault,
            met: AtomicU64::new(0),
            strikes: AtomicU64::new(0),
            is_disarmed: AtomicBool::new(false),
            names: Mutex::default(),
            struck: Notify::new(),
        }
    }

    /// Counts a frame; what becomes of it, if the fault strikes now.
    pub(super) fn meets(
        &self,
        direction: Direction,
        frame: &Frame,
        message: &Message,
    ) -> Option<Treatment> {
        let Frames {
            direction: wanted,
            name,
            first,
            times,
        } = self.frames;
        if wanted != direction || name.is_some_and(|name| name != message.name()) {
            return None;
        }
        let met = self.met.load(Ordering::Relaxed);
        let is_over = met >= first.saturating_sub(1).saturating_add(times);
        if is_over || self.is_disarmed.load(Ordering::Relaxed) {
            return None;
        }
        let treatment = self.fault.treatment(frame, message)?;
        let number = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        if number < first || number - first >= times {
            return None;
        }
        lock(&self.names).push(message.name());
        self.strikes.fetch_add(1, Ordering::Relaxed);
        self.struck.notify_waiters();
        Some(treatment)
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
