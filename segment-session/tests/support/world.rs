//! Writers, connections and faults around a [`ModelStore`], driven by a seed, with the checks that must
//! hold after every step and at the end.

use std::time::{Duration, Instant};

use pravega_segment_session::{
    AppendEvent, AppendOptions, AttachFailure, AttachFailureKind, Certainty, Disconnect, WriteMode,
};

use super::{random::Random, replies::Refusal, script::epoch, store::ModelStore, writer::Writer};

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

/// What becomes of bytes that a lost connection had sent and the server had not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    NothingArrives,
    PartArrivesLate,
    AllArrivesLate,
}

impl Cut {
    pub(crate) const ALL: [Self; 3] = [
        Self::NothingArrives,
        Self::PartArrivesLate,
        Self::AllArrivesLate,
    ];
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
                writer.note_accepted(&data, range);
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
            0..=3 => {
                let cut = *self.random.pick(&Cut::ALL);
                self.cut(index, cut);
            }
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
    fn cut(&mut self, index: usize, cut: Cut) {
        let Some(id) = self.writers[index].connection else {
            return;
        };
        self.tally.cuts += 1;
        match cut {
            Cut::NothingArrives => self.store.close(id),
            Cut::PartArrivesLate => {
                let sent = self.store.connection(id).to_server.len();
                let keep = self.random.below(sent + 1);
                self.store.connection(id).to_server.truncate(keep);
                self.zombies.push(id);
            }
            Cut::AllArrivesLate => self.zombies.push(id),
        }
        let reasons = [Disconnect::Lost, Disconnect::Silent, Disconnect::Released];
        let why = *self.random.pick(&reasons);
        self.writers[index].lose(self.now, why);
    }

    /// One writer sends five blocks, each step in turn, and loses its connection before each of the steps
    /// in `cuts`. Returns the world at its end and the number of steps it took.
    pub(crate) fn exchange(mode: WriteMode, cuts: &[(usize, Cut)]) -> (Self, usize) {
        let plan = Plan {
            seed: 0,
            mode,
            writers: 1,
            len: 4,
            steps: 0,
            fault_every: 1,
            start_above: 0,
        };
        let mut world = Self::new(plan);
        let mut steps = 0;
        for turn in 0..60 {
            for part in 0..6 {
                for (_, cut) in cuts.iter().filter(|(at, _)| *at == steps) {
                    world.cut(0, *cut);
                }
                match part {
                    0 if turn % 3 == 0 && turn < 15 => world.submit(0),
                    1 => world.drive(0),
                    2 => world.receive_one(),
                    3 => world.store.apply(),
                    4 => world.answer_one(),
                    5 => world.deliver(0),
                    _ => world.pass_time(0),
                }
                steps += 1;
            }
            world.check_counters();
            let session = &world.writers[0].session;
            if turn >= 15 && session.durable() == session.accepted() {
                break;
            }
        }
        world.finish();
        world.check_end();
        assert_eq!(world.writers[0].session.durable(), 20);
        (world, steps)
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
        while let Some(event) = self.writers[index].session.poll_event() {
            self.event(index, event);
        }
        let writer = &mut self.writers[index];
        while let Some(request) = writer.session.poll_transmit() {
            writer.note_sent(&request);
            let id = writer.connection.expect("requests go out on a connection");
            self.store.connection(id).to_server.push_back(request);
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
                // A pool may give the same connection again, with what was sent on it still on its way.
                let again = self.writers[index].let_go.take();
                let again = again.filter(|id| !self.store.is_closed(*id) && self.random.one_in(2));
                let id = again.unwrap_or_else(|| self.store.connect());
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
                writer.let_go = writer.connection;
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
            writer.check_end(self.plan.mode, &self.store.log);
        }
    }
}
