//! A session with everything around it: a consumer, a driver, connections with faults, and the model server.
//!
//! One seed gives one run. After every step the invariants are checked, and every byte that the consumer
//! gets.

mod checks;
mod driver;
mod faults;

use std::{sync::Arc, time::Instant};

use pravega_client_shared::FlowId;
use pravega_segment_session::{BackoffPolicy, OnTruncation, ReadOptions, ReadSession, ReadStep};
use pravega_wire_protocol::Reply;

use crate::{model_server::ModelServer, random::Random, reader::SEGMENT};

/// What a run may do beside reading and appending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    /// Nothing: every byte arrives.
    None,
    /// Connections are lost, segments move, tokens run out.
    Network,
    /// The same, and replies that no correct server sends.
    Hostile,
}

/// What happened in a run, to see that runs are worth something.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) bytes: u64,
    pub(crate) ends: u64,
    pub(crate) truncations: u64,
    pub(crate) gaps: u64,
    pub(crate) beyond: u64,
    pub(crate) deletions: u64,
    pub(crate) losses: u64,
    pub(crate) lies: u64,
    pub(crate) violations: u64,
    pub(crate) refusals: u64,
    pub(crate) seeks: u64,
    pub(crate) stale: u64,
    pub(crate) empty: u64,
    pub(crate) reads: u64,
}

pub(crate) struct World {
    random: Random,
    faults: Faults,
    options: ReadOptions,
    session: ReadSession,
    server: ModelServer,
    now: Instant,
    flow: Option<FlowId>,
    flows: u64,
    attaching: bool,
    /// Replies on their way, in any order.
    replies: Vec<Reply>,
    last_reply: Option<Reply>,
    /// The consumer was told to wait, and has not been woken since.
    is_waiting: bool,
    /// The store answers the next request in an unkind way.
    gap: Option<(u64, u64)>,
    pub(crate) seen: Seen,
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut random = Random::new(seed);
        let options = options(&mut random);
        let tail = random.below(60_000.min(200 * options.request_bytes));
        let tail = u64::try_from(tail).unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "a starting point; time is moved by hand"
        )]
        let now = Instant::now();
        Self {
            random,
            faults,
            options,
            session: ReadSession::new(Arc::from(SEGMENT), &options),
            server: ModelServer::new(tail),
            now,
            flow: None,
            flows: 0,
            attaching: false,
            replies: Vec::new(),
            last_reply: None,
            is_waiting: false,
            gap: None,
            seen: Seen::default(),
        }
    }

    pub(crate) fn step(&mut self) {
        match self.random.below(24) {
            0..=7 => self.consume(),
            8..=14 => self.deliver_any(),
            15 => self.seek(),
            16 | 17 => self.server.append(grow(&mut self.random)),
            18 => self.server.show(),
            19 => self.pass_time(),
            20 => self.change_segment(),
            _ => self.trouble(),
        }
        let replies = self.server.wake(&mut self.random);
        self.replies.extend(replies);
        self.settle();
    }

    pub(crate) fn finish(&mut self) {
        self.faults = Faults::None;
        self.server.seal();
        for _ in 0..100_000 {
            let replies = self.server.wake(&mut self.random);
            self.replies.extend(replies);
            self.settle();
            if self.is_over() {
                return;
            }
            if !self.replies.is_empty() {
                self.deliver(0);
            } else if self.session.poll_timeout().is_some() {
                self.pass_time();
            } else {
                assert!(
                    !self.is_waiting,
                    "nothing will ever happen: {:?}",
                    self.session
                );
                self.consume();
            }
        }
        panic!("no end in sight: {:?}", self.session);
    }

    fn is_over(&mut self) -> bool {
        loop {
            let (before, step) = self.poll_chunk(usize::MAX);
            match step {
                ReadStep::Chunk(bytes) => {
                    self.check_bytes(before, &bytes);
                    self.settle();
                }
                ReadStep::Pending => {
                    self.is_waiting = true;
                    self.settle();
                    return false;
                }
                ReadStep::Limit => return true,
                ReadStep::EndOfSegment => {
                    assert_eq!(before, self.server.tail());
                    return true;
                }
                ReadStep::Failed(failure) => {
                    self.check_failure(&failure);
                    return true;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn consume(&mut self) {
        let max = match self.random.below(3) {
            0 => 1 + self.random.below(20),
            1 => 1 + self.random.below(20_000),
            _ => usize::MAX,
        };
        if self.random.one_in(4) {
            let before = self.session.position();
            if let Some(peeked) = self.session.peek().map(<[u8]>::to_vec) {
                let len = peeked.len().min(max);
                self.session.consume(len);
                self.check_bytes(before, &peeked[..len]);
            }
            return;
        }
        let (before, step) = self.poll_chunk(max);
        match step {
            ReadStep::Chunk(bytes) => {
                assert!(!bytes.is_empty() && bytes.len() <= max);
                self.check_bytes(before, &bytes);
            }
            ReadStep::EndOfSegment => {
                self.seen.ends += 1;
                assert!(self.server.is_sealed());
                assert_eq!(before, self.server.tail());
            }
            ReadStep::Limit => assert!(before >= self.options.until.unwrap()),
            ReadStep::Pending => self.is_waiting = true,
            ReadStep::Failed(failure) => self.check_failure(&failure),
            other => panic!("{other:?}"),
        }
    }

    /// Asks for bytes. The position is that of the first byte given, or of the next one to come.
    fn poll_chunk(&mut self, max: usize) -> (u64, ReadStep) {
        let before = self.session.position();
        let step = self.session.poll_chunk(max);
        let len = match &step {
            ReadStep::Chunk(bytes) => bytes.len(),
            _ => 0,
        };
        (self.moved(before, len), step)
    }

    fn seek(&mut self) {
        let reach = usize::try_from(self.server.tail() + 5_000).unwrap();
        let target = match self.random.below(3) {
            0 => self.random.below(reach),
            1 => {
                let near = usize::try_from(self.session.position()).unwrap();
                near.saturating_sub(2_000) + self.random.below(4_000)
            }
            _ => usize::try_from(self.server.head()).unwrap(),
        };
        self.session.seek(u64::try_from(target).unwrap()).unwrap();
        assert_eq!(self.session.position(), u64::try_from(target).unwrap());
        self.is_waiting = false;
        self.seen.seeks += 1;
    }
}

fn options(random: &mut Random) -> ReadOptions {
    let request_bytes = *random.pick(&[8, 100, 1_000, 10_000]);
    let windows = 1 + random.below(5);
    let until = random
        .one_in(4)
        .then(|| u64::try_from(random.below(80_000)).unwrap());
    let policy = *random.pick(&[OnTruncation::Error, OnTruncation::SkipToHead]);
    ReadOptions::default()
        .with_request_bytes(request_bytes)
        .with_max_read_ahead_bytes(windows * request_bytes)
        .with_keep_behind_bytes(*random.pick(&[0, 500, 20_000]))
        .with_until(until)
        .with_on_truncation(policy)
        .with_backoff(BackoffPolicy::default().with_seed(random.next()))
}

fn grow(random: &mut Random) -> u64 {
    let bound = *random.pick(&[2, 50, 3_000]);
    u64::try_from(random.below(bound)).unwrap()
}
