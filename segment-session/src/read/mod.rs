//! The read session: decides everything about reading a segment.

mod buffer;
mod event;
mod facts;
mod failure;
mod link;
mod options;
mod plan;
mod replies;
mod requests;
mod state;
mod stats;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use pravega_wire_protocol::{GetStreamSegmentInfo, ReadSegment, Request};
use snafu::ensure;

use self::{
    buffer::ReadBuffer,
    event::Events,
    facts::Facts,
    failure::SeekSnafu,
    options::Limits,
    plan::Step,
    requests::Requests,
    state::{Attached, Gear, Hints, Link, Pause, Query},
};
pub use self::{
    event::{ReadEvent, ReadStep, Readiness},
    facts::SegmentFacts,
    failure::{ReadFailure, SeekError},
    options::{MAX_OFFSET, MAX_REPLY_BYTES, MIN_REQUEST_BYTES, OnTruncation, ReadOptions},
    stats::ReadStats,
};
use crate::backoff::Backoff;

/// Reads the bytes of one segment, in order from a position on.
///
/// It has two gears. Far from the tail, several requests are out at consecutive offsets, more of them the
/// longer the consumer reads on without a seek. At the tail one request waits at the server, for as long as
/// it takes. Nothing is asked before the consumer has asked for something.
///
/// **Use**: commands and `handle_*` methods change the session; after each call the driver drains
/// [`poll_event`](Self::poll_event), then [`poll_transmit`](Self::poll_transmit), then arms its timer with
/// [`poll_timeout`](Self::poll_timeout). Events come first, because one of them may say that the flow is to
/// be dropped.
///
/// **Memory**: at most [`max_read_ahead_bytes`](ReadOptions::max_read_ahead_bytes) received or asked for,
/// and [`keep_behind_bytes`](ReadOptions::keep_behind_bytes) behind the position. A session that waits at
/// the tail holds no bytes.
///
/// ```
/// use std::{sync::Arc, time::Instant};
/// use pravega_client_shared::{DelegationToken, FlowId};
/// use pravega_segment_session::{ReadEvent, ReadOptions, ReadSession, ReadStep};
/// use pravega_wire_protocol::{Payload, Request, SegmentRead};
///
/// let now = Instant::now();
/// let mut session = ReadSession::new(Arc::from("scope/stream/0.#epoch.0"), &ReadOptions::default());
/// assert!(session.poll_event().is_none(), "nothing is done before it is needed");
///
/// assert!(matches!(session.poll_chunk(100), ReadStep::Pending));
/// assert!(matches!(session.poll_event(), Some(ReadEvent::NeedsAttachment { .. })));
/// let flow = FlowId::new(1).ok_or("no flow")?;
/// session.handle_attached(now, flow, DelegationToken::default());
///
/// let Some(Request::ReadSegment(read)) = session.poll_transmit() else {
///     return Err("a read is sent".into());
/// };
/// let reply = SegmentRead {
///     segment: read.segment,
///     offset: read.offset,
///     at_tail: true,
///     end_of_segment: false,
///     data: Payload::from(b"hello".to_vec()),
///     request_id: read.request_id,
/// };
/// session.handle_reply(now, reply.into())?;
/// assert!(matches!(session.poll_event(), Some(ReadEvent::Readable)));
/// assert!(matches!(session.poll_chunk(100), ReadStep::Chunk(bytes) if bytes == "hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ReadSession {
    segment: Arc<str>,
    limits: Limits,
    buffer: ReadBuffer,
    requests: Requests,
    facts: Facts,
    gear: Gear,
    query: Query,
    pause: Pause,
    link: Link,
    hints: Hints,
    backoff: Backoff,
    was_attached: bool,
    /// Connections lost, refused tokens, and weighed faults of the server since it last gave bytes.
    losses: u32,
    token_refusals: u32,
    faults: u32,
    /// Only failures that are for good; those of the position follow from the facts.
    failure: Option<ReadFailure>,
    events: Events,
    stats: ReadStats,
}

impl ReadSession {
    /// A session that has asked for nothing yet.
    #[must_use]
    pub fn new(segment: Arc<str>, options: &ReadOptions) -> Self {
        let mut hasher = DefaultHasher::new();
        segment.hash(&mut hasher);
        Self {
            segment,
            limits: options.limits(),
            buffer: ReadBuffer::new(options.offset.min(MAX_OFFSET)),
            requests: Requests::default(),
            facts: Facts::default(),
            gear: Gear::default(),
            query: Query::default(),
            pause: Pause::new(),
            link: Link::default(),
            hints: Hints::default(),
            backoff: Backoff::new(options.backoff, hasher.finish()),
            was_attached: false,
            losses: 0,
            token_refusals: 0,
            faults: 0,
            failure: None,
            events: Events::default(),
            stats: ReadStats::default(),
        }
    }

    /// The segment's name.
    #[must_use]
    pub fn segment(&self) -> &Arc<str> {
        &self.segment
    }

    /// The offset of the next byte for the consumer: the end of what it was given, until it asks for more
    /// and is moved over truncated bytes.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.buffer.position()
    }

    /// How many bytes can be taken now without waiting.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.buffer.ready()
    }

    /// The highest tail that the store has told of; the segment may be longer. None when it told nothing.
    #[must_use]
    pub fn known_tail(&self) -> Option<u64> {
        self.facts.tail()
    }

    /// The highest head that the store has told of. At least this much is truncated.
    #[must_use]
    pub fn known_head(&self) -> u64 {
        self.facts.head()
    }

    /// The length of the segment, once it is known to be sealed.
    #[must_use]
    pub fn sealed_length(&self) -> Option<u64> {
        self.facts.length()
    }

    /// True when everything that the store has told of has been taken. A hint: bytes may have been written
    /// since, and a store may acknowledge bytes a moment before it shows them.
    #[must_use]
    pub fn is_at_tail(&self) -> bool {
        let is_there = self
            .facts
            .tail()
            .is_some_and(|tail| self.position() >= tail);
        is_there && self.buffer.ready() == 0 && !self.facts.expects_more()
    }

    /// True while a connection is attached.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        matches!(self.link, Link::Attached(_))
    }

    /// The failure that is for good, if there is one. Bytes received before it can still be taken.
    #[must_use]
    pub fn failure(&self) -> Option<&ReadFailure> {
        self.failure.as_ref()
    }

    /// The ranges asked for and not answered yet, in no particular order. They never overlap.
    pub fn outstanding(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.requests.live().iter().map(|read| read.wanted.clone())
    }

    /// How many bytes are held in memory: available, received early, and kept behind the position.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.buffer
            .ranges()
            .map(|range| range.end - range.start)
            .sum()
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> ReadStats {
        self.stats
    }

    /// Takes the next bytes, at most `max` of them, without copying. When there are none, that is a demand:
    /// the session sees to it that there will be, and [`ReadEvent::Readable`] tells when.
    pub fn poll_chunk(&mut self, max: usize) -> ReadStep {
        if max == 0 {
            return ReadStep::Chunk(Bytes::new());
        }
        match self.poll_ready() {
            Readiness::Data(_) => match self.buffer.take(max) {
                Some((bytes, used_up)) => {
                    self.moved_on(used_up);
                    ReadStep::Chunk(bytes)
                }
                None => ReadStep::Pending,
            },
            Readiness::EndOfSegment => ReadStep::EndOfSegment,
            Readiness::Limit => ReadStep::Limit,
            Readiness::Pending => ReadStep::Pending,
            Readiness::Failed(failure) => ReadStep::Failed(failure),
        }
    }

    /// Tells what [`poll_chunk`](Self::poll_chunk) would give, and takes nothing. A demand like it.
    pub fn poll_ready(&mut self) -> Readiness {
        if let Some(found) = self.found() {
            return found;
        }
        self.gear.is_demanded = true;
        self.gear.is_waiting = true;
        self.gear.is_following |= self.is_at_tail();
        self.skip_gap();
        if let Some(found) = self.found() {
            self.gear.is_waiting = false;
            return found;
        }
        self.events.readable = false;
        self.settle();
        Readiness::Pending
    }

    /// Demands bytes at the position, without looking whether there are any.
    pub fn want(&mut self) {
        self.poll_ready();
    }

    /// The next bytes that lie together in memory, if there are any. Not a demand.
    #[must_use]
    pub fn peek(&self) -> Option<&[u8]> {
        self.buffer.peek()
    }

    /// Moves the position over bytes that were [peeked](Self::peek) at; over the available ones at most.
    pub fn consume(&mut self, len: usize) {
        let used_up = self.buffer.advance(len);
        self.moved_on(used_up);
    }

    /// Moves the position. Inside what is held that is all; elsewhere everything held and asked for is
    /// forgotten, and nothing is asked before the next demand.
    ///
    /// # Errors
    /// [`SeekError`] when no segment has such an offset. Nothing has changed then.
    pub fn seek(&mut self, offset: u64) -> Result<(), SeekError> {
        ensure!(offset <= MAX_OFFSET, SeekSnafu { offset });
        if self.buffer.seek(offset) {
            self.buffer.trim(self.limits.keep_behind);
        } else {
            self.requests.abandon_all();
            self.buffer.restart(offset);
            self.gear = Gear::default();
            self.pause.end();
            self.query.is_unverified |= offset > self.facts.least_tail();
        }
        self.settle();
        Ok(())
    }

    /// The store is known to have bytes up to `tail`, for example from an ack. It lets the session read
    /// ahead up to there.
    pub fn note_tail(&mut self, tail: u64) {
        self.facts.learn_tail(tail.min(MAX_OFFSET));
        self.settle();
    }

    /// What the driver has just learnt from the segment store with a question of its own. The session asks by
    /// itself when it needs to know.
    pub fn handle_info(&mut self, facts: SegmentFacts) {
        self.query.is_unverified = false;
        self.learn(SegmentFacts {
            head: facts.head.min(MAX_OFFSET),
            tail: facts.tail.min(MAX_OFFSET),
            ..facts
        });
        self.settle();
    }

    /// The next request for the attached connection.
    pub fn poll_transmit(&mut self) -> Option<Request> {
        let Link::Attached(on) = &self.link else {
            return None;
        };
        if self.pause.until.is_some() {
            return None;
        }
        let Attached { flow, token, .. } = on.clone();
        loop {
            let range = match self.next_step()? {
                Step::Read(range) if self.requests.adopt(&range) => continue,
                Step::Read(range) => range,
                Step::Info => {
                    let id = self.requests.issue(flow);
                    self.query.asked = Some((id, self.facts.least_tail()));
                    self.stats.info_requests += 1;
                    let request = GetStreamSegmentInfo {
                        request_id: id.to_wire(),
                        segment: Arc::clone(&self.segment),
                        delegation_token: token,
                    };
                    return Some(request.into());
                }
            };
            let id = self.requests.issue(flow);
            self.requests.add(id, range.clone());
            self.stats.read_requests += 1;
            let request = ReadSegment {
                segment: Arc::clone(&self.segment),
                offset: i64::try_from(range.start).unwrap_or(i64::MAX),
                suggested_length: i32::try_from(range.end - range.start).unwrap_or(i32::MAX),
                delegation_token: token,
                request_id: id.to_wire(),
            };
            return Some(request.into());
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<ReadEvent> {
        let event = self.events.next(self.failure.as_ref());
        if event.is_some() {
            // The next gap is told only when this one has been.
            self.settle();
            return event;
        }
        self.need_attachment()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before. A request that
    /// waits at the server has no deadline: only keep-alive decides that a peer is dead.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = match &self.link {
            Link::Waiting { until } => Some(*until),
            Link::Attached(_) => self.pause.until,
            Link::Detached | Link::Attaching => None,
        };
        deadline.filter(|_| self.next_step().is_some())
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.link, Link::Waiting { until } if until <= now) {
            self.link = Link::Detached;
        }
        if self.pause.until.is_some_and(|until| until <= now) {
            self.pause.end();
        }
    }
}
