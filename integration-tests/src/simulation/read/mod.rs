//! One reader of a simulated world: a session, its driver, its consumer, and what the consumer was given.

mod checks;

use std::{sync::Arc, time::Instant};

use pravega_client_shared::{DelegationToken, FlowId, RequestId};
use pravega_segment_session::{
    BackoffPolicy, Disconnect, OnTruncation, ReadEvent, ReadFailure, ReadOptions, ReadSession,
    ReadStep,
};
use pravega_wire_protocol::{Reply, Request};

use super::{
    client::Way,
    store::{Link, Store, wide},
};
use crate::{
    Random, Trace,
    campaign::{Harm, Verdict, Violation},
};

/// One reader.
pub(crate) struct Reader {
    pub(crate) session: ReadSession,
    pub(crate) way: Way,
    /// The store has lied to this reader.
    pub(crate) is_lied_to: bool,
    options: ReadOptions,
    /// The consumer was told to wait, and has not been woken since.
    is_waiting: bool,
    /// The consumer was told that there is nothing more.
    is_over: bool,
    /// The consumer was moved over these bytes, and has not been told yet.
    gap: Option<(u64, u64)>,
    seen: Vec<Seen>,
    /// Where the segment was said to end.
    end: Option<u64>,
    /// Bytes up to here had been flushed by a writer when this reader was made.
    pub(crate) flushed: u64,
}

/// Bytes that the consumer was given.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: u64,
    len: u64,
    hash: u64,
}

/// What asking for bytes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// Bytes, up to this offset.
    Bytes(u64),
    /// Nothing yet.
    Nothing,
    /// There is nothing more: the end, the limit, or a failure.
    Over,
}

impl Reader {
    pub(crate) fn new(segment: &Arc<str>, options: ReadOptions) -> Self {
        Self {
            session: ReadSession::new(Arc::clone(segment), &options),
            way: Way::default(),
            is_lied_to: false,
            options,
            is_waiting: false,
            is_over: false,
            gap: None,
            seen: Vec::new(),
            end: None,
            flushed: 0,
        }
    }

    /// What the reader is about, for the account.
    pub(crate) fn state(&self, store: &Store) -> &'static str {
        if self.session.failure().is_some() {
            return "reader failed";
        }
        let Some(link) = self.way.link.and_then(|link| store.links.get(link)) else {
            return "reader detached";
        };
        match (self.session.outstanding().count(), link.parked()) {
            (0, _) => "reader idle",
            (1, 0) => "read out",
            (1, _) => "read parked at tail",
            _ => "several reads out",
        }
    }

    pub(crate) fn attach(&mut self, now: Instant, link: usize, token: DelegationToken) {
        let flow = self.way.next_flow();
        self.way.link = Some(link);
        self.way.is_wanted = false;
        if let Some(flow) = FlowId::new(flow) {
            self.session.handle_attached(now, flow, token);
        }
    }

    pub(crate) fn lose(&mut self, now: Instant, why: Disconnect) {
        self.way.link = None;
        if matches!(why, Disconnect::Violation) {
            self.way.troubles += 1;
        }
        self.session.handle_disconnected(now, why);
    }

    /// A reply on the present connection. False when the session refuses it and has let go of the connection.
    pub(crate) fn reply(&mut self, now: Instant, reply: Reply) -> Verdict<bool> {
        match self.session.handle_reply(now, reply) {
            Ok(()) => Ok(true),
            // A lie may have been taken for the answer to a forgotten read, so that the answer is the second.
            Err(_) if self.is_lied_to => {
                self.way.link = None;
                self.way.troubles += 1;
                Ok(false)
            }
            Err(violation) => broken(format!("the store keeps to the protocol, but: {violation}")),
        }
    }

    /// A request goes out.
    pub(crate) fn note_sent(&self, request: &Request) -> Verdict {
        let id = request.request_id().and_then(RequestId::from_wire);
        if id.is_none() {
            return broken(format!("{} goes out without an id", request.name()));
        }
        let Request::ReadSegment(read) = request else {
            return Ok(());
        };
        let end = read.offset.saturating_add(i64::from(read.suggested_length));
        let until = self.options.until.unwrap_or(u64::MAX);
        let fits = u64::try_from(end).is_ok_and(|end| end <= until);
        match read.suggested_length > 0 && fits {
            true => Ok(()),
            false => broken(format!(
                "{} bytes are asked for at {}",
                read.suggested_length, read.offset
            )),
        }
    }

    /// Something happened that concerns the consumer.
    pub(crate) fn event(&mut self, event: &ReadEvent, store: &Store) -> Verdict {
        match event {
            ReadEvent::Truncated { requested, head } => {
                let skips = self.options.on_truncation == OnTruncation::SkipToHead;
                if !skips || requested >= head || *head > store.head() {
                    return falsely(format!("truncated from {requested} to {head}"));
                }
                let until = self.options.until.unwrap_or(u64::MAX);
                match self.gap.take() {
                    Some(gap) if gap != (*requested, (*head).min(until)) => {
                        falsely(format!("{gap:?} was passed over as {requested} to {head}"))
                    }
                    _ => Ok(()),
                }
            }
            ReadEvent::Readable => {
                self.is_waiting = false;
                Ok(())
            }
            ReadEvent::EndOfSegment { length } => self.note_end(*length, store),
            ReadEvent::Failed(failure) if !failure.is_terminal() => {
                broken(format!("{failure} is for good"))
            }
            _ => Ok(()),
        }
    }

    /// The consumer asks for bytes.
    pub(crate) fn consume(&mut self, max: usize, peeks: bool, store: &Store) -> Verdict<Got> {
        let before = self.session.position();
        if peeks {
            let Some(peeked) = self.session.peek() else {
                return Ok(Got::Nothing);
            };
            let bytes = peeked.get(..max).unwrap_or(peeked).to_vec();
            self.session.consume(bytes.len());
            return self.take(before, &bytes);
        }
        match self.session.poll_chunk(max) {
            ReadStep::Chunk(bytes) => {
                if bytes.is_empty() || bytes.len() > max {
                    return broken(format!("a chunk of {} bytes of {max}", bytes.len()));
                }
                let start = self.session.position().saturating_sub(wide(bytes.len()));
                self.note_jump(before, start);
                self.take(start, &bytes)
            }
            ReadStep::Pending => {
                self.note_jump(before, self.session.position());
                self.is_waiting = true;
                Ok(Got::Nothing)
            }
            step => {
                self.note_jump(before, self.session.position());
                self.over(step, store)?;
                self.is_over = true;
                Ok(Got::Over)
            }
        }
    }

    fn take(&mut self, at: u64, bytes: &[u8]) -> Verdict<Got> {
        let len = wide(bytes.len());
        let end = at + len;
        if self.session.position() != end || self.options.until.is_some_and(|until| end > until) {
            return broken(format!("bytes from {at} to {end} are out of place"));
        }
        let hash = hash_of(bytes);
        self.seen.push(Seen { at, len, hash });
        Ok(Got::Bytes(end))
    }

    /// The session may have moved over truncated bytes; that it tells of them is checked with its next events.
    fn note_jump(&mut self, before: u64, start: u64) {
        if start != before {
            self.gap = Some((before, start));
        }
    }

    fn over(&mut self, step: ReadStep, store: &Store) -> Verdict {
        let position = self.session.position();
        match step {
            ReadStep::EndOfSegment => self.note_end(position, store),
            ReadStep::Limit if self.options.until.is_some_and(|until| until <= position) => Ok(()),
            ReadStep::Failed(failure) => self.check_failure(&failure, store),
            other => falsely(format!("{other:?} at {position}")),
        }
    }

    /// The consumer goes somewhere else.
    pub(crate) fn seek(&mut self, offset: u64) -> Verdict {
        let sought = self.session.seek(offset).is_ok() && self.session.position() == offset;
        self.is_waiting = false;
        self.is_over = false;
        self.gap = None;
        match sought {
            true => Ok(()),
            false => broken(format!("no seek to {offset}")),
        }
    }

    /// The consumer has no reason to ask: it was told to wait, or that there is nothing more.
    pub(crate) fn is_patient(&self) -> bool {
        self.is_waiting || self.is_over
    }

    /// There is nothing that the consumer could still be given or told, unless more is written.
    pub(crate) fn is_at_rest(&self, store: &Store) -> bool {
        let link = self.way.link.and_then(|link| store.links.get(link));
        let has_news = link.is_some_and(Link::has_news);
        let is_there = self.session.position() >= store.shown() && !store.is_sealed();
        self.is_over || (self.is_waiting && is_there && !has_news)
    }

    fn note_end(&mut self, length: u64, store: &Store) -> Verdict {
        if self
            .end
            .replace(length)
            .is_some_and(|before| before != length)
        {
            return falsely(format!("the end moves to {length}"));
        }
        match store.is_sealed() {
            true => Ok(()),
            false => falsely(format!(
                "an end at {length} of a segment that is not sealed"
            )),
        }
    }
}

/// Options of a reader, from small numbers, so that a few bytes take several requests.
pub(crate) fn options(random: &mut Random, before: usize) -> ReadOptions {
    let request_bytes = random.pick(&[8, 8, 16, 100]).copied().unwrap_or(8);
    let windows = 1 + random.below(5);
    let until = random.one_in(8).then(|| wide(random.below(before + 40)));
    let policies = [OnTruncation::Error, OnTruncation::SkipToHead];
    let policy = random.pick(&policies).copied().unwrap_or_default();
    let offset = match random.below(3) {
        0 => wide(random.below(before + 1)),
        _ => 0,
    };
    ReadOptions::default()
        .with_offset(offset)
        .with_request_bytes(request_bytes)
        .with_max_read_ahead_bytes(windows * request_bytes)
        .with_keep_behind_bytes(random.pick(&[0, 20, 500]).copied().unwrap_or(0))
        .with_until(until)
        .with_on_truncation(policy)
        .with_backoff(BackoffPolicy::default().with_seed(random.next()))
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut trace = Trace::new();
    trace.add_bytes(bytes);
    trace.value()
}

fn broken<T>(what: String) -> Verdict<T> {
    Err(Violation::broken(what))
}

fn falsely<T>(what: String) -> Verdict<T> {
    Err(Violation::new(Harm::FalselyReported, 1, what))
}

fn is_for_trouble(failure: &ReadFailure) -> bool {
    matches!(
        failure,
        ReadFailure::Protocol { .. }
            | ReadFailure::Unauthorized { .. }
            | ReadFailure::Refused { .. }
    )
}
