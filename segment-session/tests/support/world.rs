//! Writers, connections and faults around a [`ModelStore`], driven by a seed, with the checks that must
//! hold after every step and at the end.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    time::{Duration, Instant},
};

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendEvent, AppendOptions, AppendSession, AttachFailure, AttachFailureKind, Certainty,
    Disconnect, Fate, WriteMode,
};
use pravega_wire_protocol::{Reply, Request};

use super::{
    random::Random,
    script::{epoch, segment},
    store::{ModelStore, Refusal},
};

/// What kind of run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) mode: WriteMode,
    pub(crate) writers: usize,
    /// Submissions have this length, or mixed lengths when 0. Equal lengths are the dangerous ones: a
    /// competitor's block then ends where the lost one would have.
    pub(crate) len: usize,
    pub(crate) steps: usize,
    /// One step in so many is a fault.
    pub(crate) fault_every: usize,
    /// Writers begin at this offset above the tail, unconfirmed.
    pub(crate) start_above: u64,
}

/// A block as first sent. Every later copy must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    expected_offset: Option<i64>,
    data: Vec<u8>,
    range: Range<u64>,
}

/// One writer: its session, its driver, and what is known about its bytes.
pub(crate) struct Writer {
    pub(crate) id: u128,
    pub(crate) session: AppendSession,
    connection: Option<usize>,
    wants: bool,
    flows: u64,
    accepted: Vec<u8>,
    submissions: Vec<Submission>,
    blocks: BTreeMap<i64, Block>,
    /// Numbers sent and not yet settled by a reply, as the driver sees it.
    unanswered: VecDeque<i64>,
}

struct Submission {
    range: Range<u64>,
    fate: Option<Settled>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Durable,
    NotStored,
    Unknown,
}

/// Faults that took effect and other things worth counting.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) cuts: usize,
    pub(crate) late_copies: usize,
    pub(crate) conflicts: usize,
    pub(crate) definite: usize,
    pub(crate) indeterminate: usize,
    pub(crate) foreign: usize,
    pub(crate) resent: u64,
    pub(crate) acked: u64,
    pub(crate) sealed: usize,
}

pub(crate) struct World {
    pub(crate) store: ModelStore,
    pub(crate) writers: Vec<Writer>,
    pub(crate) tally: Tally,
    plan: Plan,
    random: Random,
    now: Instant,
    /// Connections that their client has given up but whose requests still arrive.
    zombies: Vec<usize>,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut random = Random::new(plan.seed);
        let mut store = ModelStore::default();
        if random.one_in(2) {
            store.append_foreign(&vec![b'-'; random.below(20)]);
        }
        let options = AppendOptions::default()
            .with_mode(plan.mode)
            .with_max_unacked_bytes(2_000)
            .with_max_block_bytes(1 + random.below(40).max(plan.len.max(8)))
            .with_pipeline_block_bytes(1 + random.below(10))
            .with_max_setup_failures(1_000_000);
        let options = match random.below(4) {
            0 => options.with_linger(Duration::from_millis(3)),
            _ => options,
        };
        let tail = store.tail();
        let writers = (0..plan.writers)
            .map(|index| Writer::new(index, options, tail, plan.start_above))
            .collect();
        Self {
            store,
            writers,
            tally: Tally::default(),
            plan,
            random,
            now: epoch(),
            zombies: Vec::new(),
        }
    }

    /// Runs the plan, then lets the faults stop and everything come to its end.
    pub(crate) fn run(mut self) -> Self {
        for _ in 0..self.plan.steps {
            self.step();
            self.check_counters();
        }
        self.finish();
        self.check_end();
        self
    }

    fn step(&mut self) {
        let writer = self.random.below(self.writers.len());
        if self.random.one_in(self.plan.fault_every) {
            self.fault(writer);
            return;
        }
        match self.random.below(12) {
            0..=2 => self.submit(writer),
            3 => self.writers[writer].session.flush(self.now),
            4 => self.pass_time(writer),
            5 => self.resync(writer),
            6 | 7 => self.receive_one(),
            8 => self.store.apply(),
            9 => self.answer_one(),
            _ => self.deliver(writer),
        }
        self.drive(writer);
    }

    fn submit(&mut self, index: usize) {
        let len = match self.plan.len {
            0 => self.random.below(9),
            len => len,
        };
        let writer = &mut self.writers[index];
        let tag =
            b'A' + u8::try_from(index * 10).unwrap() + u8::try_from(self.random.below(10)).unwrap();
        let data = vec![tag; len];
        let before = writer.session.position();
        match writer.session.submit(self.now, &data) {
            Ok(range) => {
                assert_eq!(range.start, u64::try_from(writer.accepted.len()).unwrap());
                writer.accepted.extend_from_slice(&data);
                writer.submissions.push(Submission { range, fate: None });
            }
            Err(_) => assert_eq!(writer.session.position(), before),
        }
        if self.random.one_in(3) {
            writer.session.flush(self.now);
        }
    }

    fn pass_time(&mut self, index: usize) {
        let writer = &mut self.writers[index];
        if let Some(until) = writer.session.poll_timeout() {
            self.now = self.now.max(until);
        }
        writer.session.handle_timeout(self.now);
    }

    fn resync(&mut self, index: usize) {
        let tail = self.store.tail();
        let writer = &mut self.writers[index];
        let Some(failure) = writer.session.failure().cloned() else {
            return;
        };
        if failure.is_conflict() {
            writer.settle_all();
            let resynced = writer
                .session
                .resync(tail)
                .expect("a conflict can be resynced");
            assert_eq!(resynced.discarded, failure.unacked());
            assert_eq!(writer.session.position(), tail);
        }
    }

    fn fault(&mut self, index: usize) {
        match self.random.below(10) {
            0..=3 => self.cut(index),
            4 => {
                let len = match self.plan.len {
                    0 => 1 + self.random.below(9),
                    len => len,
                };
                self.store.append_foreign(&vec![b'-'; len]);
                self.tally.foreign += 1;
            }
            5 => {
                let refusals = [Refusal::WrongHost, Refusal::Expired, Refusal::Error];
                self.store.refuse_setup = Some(*self.random.pick(&refusals));
            }
            6 if self.random.one_in(8) => {
                self.store.sealed = true;
                self.tally.sealed += 1;
            }
            _ => self.store.refuse_setup = None,
        }
    }

    /// The client loses its connection. What it sent arrives later, in part, or not at all.
    fn cut(&mut self, index: usize) {
        let Some(id) = self.writers[index].connection else {
            return;
        };
        self.tally.cuts += 1;
        match self.random.below(3) {
            0 => self.store.close(id),
            1 => {
                let keep = self
                    .random
                    .below(self.store.connection(id).to_server.len() + 1);
                self.store.connection(id).to_server.truncate(keep);
                self.zombies.push(id);
            }
            _ => self.zombies.push(id),
        }
        let reasons = [Disconnect::Lost, Disconnect::Silent, Disconnect::Released];
        let why = *self.random.pick(&reasons);
        self.writers[index].lose(self.now, why);
    }

    fn receive_one(&mut self) {
        let waiting = self.store.waiting();
        if !waiting.is_empty() {
            let id = *self.random.pick(&waiting);
            if self.zombies.contains(&id) {
                self.tally.late_copies += 1;
            }
            self.store.receive(id);
        }
    }

    fn answer_one(&mut self) {
        let unanswered = self.store.unanswered();
        if !unanswered.is_empty() {
            let id = *self.random.pick(&unanswered);
            self.store.answer(id);
        }
    }

    /// The client reads one reply, or learns that the server has closed.
    fn deliver(&mut self, index: usize) {
        let Some(id) = self.writers[index].connection else {
            return;
        };
        match self.store.connection(id).to_client.pop_front() {
            Some(reply) => self.writers[index].reply(self.now, reply),
            None if self.store.is_closed(id) => {
                self.writers[index].lose(self.now, Disconnect::Lost)
            }
            None => {}
        }
    }

    /// The driver's part: drain the session, in the documented order.
    fn drive(&mut self, index: usize) {
        loop {
            let writer = &mut self.writers[index];
            while let Some(request) = writer.session.poll_transmit() {
                writer.note_sent(&request);
                let id = writer.connection.expect("requests go out on a connection");
                self.store.connection(id).to_server.push_back(request);
            }
            let Some(event) = writer.session.poll_event() else {
                break;
            };
            self.event(index, event);
        }
        // An attempt takes a while, and may fail.
        if self.writers[index].wants && self.random.one_in(2) {
            self.writers[index].wants = false;
            if self.random.one_in(6) {
                let failure = AttachFailure::new(AttachFailureKind::Unreachable);
                self.writers[index]
                    .session
                    .handle_attach_failed(self.now, &failure);
            } else {
                let id = self.store.connect();
                self.writers[index].attach(self.now, id);
            }
            self.drive(index);
        }
    }

    fn event(&mut self, index: usize, event: AppendEvent) {
        let writer = &mut self.writers[index];
        match event {
            AppendEvent::NeedsAttachment { .. } => {
                assert!(!writer.wants, "one attempt at a time");
                writer.wants = true;
            }
            AppendEvent::Detach { .. } => {
                writer.unanswered.clear();
                if let Some(id) = writer.connection.take() {
                    // Only the flow is let go: what was sent on it still arrives.
                    self.zombies.push(id);
                }
            }
            AppendEvent::Failed(failure) => {
                writer.unanswered.clear();
                if failure.is_conflict() {
                    self.tally.conflicts += 1;
                }
                match failure.certainty() {
                    Certainty::Definite => self.tally.definite += 1,
                    _ => self.tally.indeterminate += 1,
                }
            }
            _ => {}
        }
    }

    /// The faults stop. Everything still on its way arrives, and every writer comes to rest.
    fn finish(&mut self) {
        self.store.refuse_setup = None;
        for round in 0.. {
            assert!(round < 10_000, "the writers do not come to rest");
            for index in 0..self.writers.len() {
                self.writers[index].session.flush(self.now);
                self.pass_time(index);
                self.drive(index);
                self.deliver(index);
                self.drive(index);
            }
            self.receive_one();
            self.store.apply();
            self.answer_one();
            let at_rest = |writer: &Writer| {
                writer.session.failure().is_some()
                    || writer.session.durable() == writer.session.accepted()
            };
            if self.store.is_quiet() && self.writers.iter().all(at_rest) {
                break;
            }
        }
        for writer in &mut self.writers {
            writer.settle_all();
            self.tally.resent += writer.session.stats().blocks_resent;
            self.tally.acked += writer.session.stats().bytes_acked;
        }
    }

    fn check_counters(&mut self) {
        for writer in &mut self.writers {
            writer.check_counters();
        }
    }

    /// Content, exactly once, order, atomicity, and the truth of every failure.
    fn check_end(&mut self) {
        if self.plan.mode == WriteMode::Exclusive {
            assert!(
                self.store.max_conditional_in_flight <= 1,
                "conditional blocks are pipelined"
            );
        }
        for writer in &self.writers {
            let stats = writer.session.stats();
            if self.plan.mode == WriteMode::Exclusive {
                assert!(stats.max_blocks_in_flight <= 1);
            }
            let stored: Vec<_> = self
                .store
                .log
                .iter()
                .filter(|block| block.writer == writer.id)
                .collect();
            let mut end = 0;
            let mut number = 0;
            for block in &stored {
                assert!(
                    block.number > number,
                    "block {} is stored out of turn",
                    block.number
                );
                number = block.number;
                let sent = &writer.blocks[&block.number];
                assert_eq!(
                    block.data, sent.data,
                    "block {} was torn or changed",
                    block.number
                );
                assert!(
                    sent.range.start >= end,
                    "bytes are stored twice or out of order"
                );
                end = sent.range.end;
                if let Some(offset) = sent.expected_offset {
                    assert_eq!(block.offset, offset.cast_unsigned());
                }
            }
            for submission in &writer.submissions {
                let range = &submission.range;
                let copies = stored
                    .iter()
                    .filter(|block| {
                        let sent = &writer.blocks[&block.number].range;
                        sent.start <= range.start && range.end <= sent.end && !range.is_empty()
                    })
                    .count();
                match submission.fate {
                    _ if range.is_empty() => {}
                    Some(Settled::Durable) => {
                        assert_eq!(copies, 1, "{range:?} must be stored once")
                    }
                    Some(Settled::NotStored) => {
                        assert_eq!(copies, 0, "{range:?} failed for certain")
                    }
                    Some(Settled::Unknown) => assert!(copies <= 1),
                    None => panic!("{range:?} was never settled"),
                }
            }
        }
    }
}

impl Writer {
    fn new(index: usize, options: AppendOptions, tail: u64, start_above: u64) -> Self {
        let id = u128::try_from(index).unwrap() + 1;
        let mut session = AppendSession::new(WriterId::new(id).unwrap(), segment(), options);
        if start_above > 0 {
            session.start_at(tail + start_above).unwrap();
        } else {
            session.resync(tail).unwrap();
        }
        Self {
            id,
            session,
            connection: None,
            wants: false,
            flows: 0,
            accepted: Vec::new(),
            submissions: Vec::new(),
            blocks: BTreeMap::new(),
            unanswered: VecDeque::new(),
        }
    }

    fn attach(&mut self, now: Instant, connection: usize) {
        self.flows += 1;
        self.connection = Some(connection);
        self.unanswered.clear();
        let flow = FlowId::new(self.flows).unwrap();
        self.session
            .handle_attached(now, flow, DelegationToken::new("token"));
    }

    fn lose(&mut self, now: Instant, why: Disconnect) {
        self.connection = None;
        self.unanswered.clear();
        self.session.handle_disconnected(now, why);
    }

    fn reply(&mut self, now: Instant, reply: Reply) {
        match &reply {
            Reply::DataAppended(ack) => self.unanswered.retain(|number| *number > ack.event_number),
            Reply::ConditionalCheckFailed(_) => self.unanswered.clear(),
            _ => {}
        }
        let sent = self.session.sent();
        self.session
            .handle_reply(now, reply)
            .expect("the model keeps to the protocol");
        assert!(self.session.durable() <= sent.max(self.session.durable().min(sent)));
    }

    fn note_sent(&mut self, request: &Request) {
        let (number, expected_offset, data) = match request {
            Request::SetupAppend(_) => return,
            Request::ConditionalBlockEnd(block) => {
                assert!(block.expected_offset >= 0);
                assert!(
                    self.unanswered.is_empty(),
                    "one conditional block in flight"
                );
                (block.event_number, Some(block.expected_offset), &block.data)
            }
            Request::AppendBlockEnd(block) => (block.last_event_number, None, &block.data),
            other => panic!("a writer never sends {}", other.name()),
        };
        assert!(
            self.unanswered.back().is_none_or(|last| *last < number),
            "numbers grow"
        );
        self.unanswered.push_back(number);
        let data = data.clone().into_bytes().to_vec();
        assert!(!data.is_empty(), "an empty block makes no sense");
        match self.blocks.get(&number) {
            Some(first) => {
                assert_eq!(
                    (first.expected_offset, &first.data),
                    (expected_offset, &data)
                );
            }
            None => {
                let last = self.blocks.last_key_value();
                assert_eq!(
                    number,
                    last.map_or(1, |(last, _)| last + 1),
                    "numbers grow by one"
                );
                let end = self.session.sent();
                let range = end - u64::try_from(data.len()).unwrap()..end;
                let taken = usize::try_from(range.start).unwrap()..usize::try_from(end).unwrap();
                assert_eq!(self.accepted[taken], data, "the block is what was accepted");
                let whole = |edge: u64| {
                    let inside = |one: &Submission| one.range.start < edge && edge < one.range.end;
                    !self.submissions.iter().any(inside)
                };
                assert!(
                    whole(range.start) && whole(range.end),
                    "a submission is torn apart"
                );
                self.blocks.insert(
                    number,
                    Block {
                        expected_offset,
                        data,
                        range,
                    },
                );
            }
        }
    }

    /// The numbers agree with one another, and what is settled stays as it is.
    fn check_counters(&mut self) {
        let session = &self.session;
        assert!(session.durable() <= session.sent() && session.sent() <= session.accepted());
        assert_eq!(
            session.unacked_bytes(),
            session.accepted() - session.durable()
        );
        assert_eq!(
            session.accepted(),
            u64::try_from(self.accepted.len()).unwrap()
        );
        assert!(
            session.unacked_bytes() <= 2_000 + 256,
            "the window is exceeded"
        );
        self.settle(false);
    }

    fn settle_all(&mut self) {
        self.settle(true);
    }

    fn settle(&mut self, all: bool) {
        // Settled submissions are looked at again only once in a while: there are many.
        for submission in self
            .submissions
            .iter_mut()
            .rev()
            .take(if all { usize::MAX } else { 20 })
        {
            let fate = match self.session.fate(&submission.range) {
                Fate::Pending => None,
                Fate::Durable => Some(Settled::Durable),
                Fate::Failed(failure) => Some(match failure.certainty_of(&submission.range) {
                    Certainty::Definite => Settled::NotStored,
                    _ => Settled::Unknown,
                }),
                _ => submission.fate,
            };
            if submission.fate.is_some() && !submission.range.is_empty() {
                assert_eq!(
                    submission.fate, fate,
                    "{:?} was settled before",
                    submission.range
                );
            }
            submission.fate = fate;
        }
    }
}
