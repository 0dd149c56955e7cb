//! Two writers and their store, and everything that can happen next.

use std::hash::Hash as _;

use super::{
    automaton::{Automata, Input, Output, State, Told},
    fingerprint::Fingerprint,
    scenario::Scenario,
    store::Store,
};
use crate::campaign::{Verdict, Violation};

/// All there is, but for what can make no difference any more.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) writers: Vec<Writer>,
    pub(super) store: Store,
    pub(super) resets_left: u8,
    pub(super) crashes_left: u8,
}

/// One writer, its caller, and what the caller knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Writer {
    pub(super) session: State,
    /// How many connections it has had.
    pub(super) connections: u64,
    /// The blocks handed over so far.
    pub(super) calls: Vec<Call>,
    /// How many times the caller has gone on behind a conflict.
    pub(super) resyncs: u8,
}

/// A block that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Call {
    /// Where it was to begin, in exclusive mode.
    pub(super) expected: Option<u64>,
    /// Behind how many resyncs it was handed over.
    pub(super) epoch: u8,
    /// Since then, the segment has ended elsewhere for everybody to see.
    pub(super) elsewhere: bool,
    pub(super) told: Told,
}

/// Something that can happen next. Numbers name a writer, or a connection by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The caller hands over its next block.
    Submit(usize),
    /// The server's side of a connection takes in a request.
    Receive(usize),
    /// The server notices that the client of a connection is gone, and drops what it has not read.
    Notice(usize),
    /// The store does an append.
    Apply,
    /// The store makes everything done safe, and tells.
    Sync,
    /// A writer reads an answer, or learns that the server has ended the connection.
    Deliver(usize),
    /// A writer loses its connection.
    Cut(usize),
    /// The store loses what is not safe, but for so much of the log.
    Crash(usize),
    /// A writer in conflict learns the tail.
    Tell(usize),
    /// A writer in conflict goes on at the tail.
    Resync(usize),
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let writer = |_| Writer {
            session: State::FIRST,
            connections: 0,
            calls: Vec::new(),
            resyncs: 0,
        };
        Self {
            writers: scenario.writers.iter().map(writer).collect(),
            store: Store::default(),
            resets_left: scenario.resets,
            crashes_left: scenario.crashes,
        }
    }

    /// Everything that can happen next.
    pub(super) fn actions(&self, scenario: &Scenario, automata: &Automata) -> Verdict<Vec<Action>> {
        let mut actions = Vec::new();
        for (at, connection) in self.store.connections.iter().enumerate() {
            let owner = connection.id.owner;
            if !connection.to_server.is_empty() {
                actions.push(Action::Receive(at));
                if connection.is_left {
                    actions.push(Action::Notice(at));
                }
            }
            if connection.is_left {
                continue;
            }
            if !connection.to_client.is_empty() || connection.is_closed {
                actions.push(Action::Deliver(owner));
            }
            if self.resets_left > 0 && !connection.is_closed {
                actions.push(Action::Cut(owner));
            }
        }
        if self.store.has_queued() {
            actions.push(Action::Apply);
        }
        if self.store.can_sync() {
            actions.push(Action::Sync);
        }
        for (at, (writer, start)) in self.writers.iter().zip(&scenario.writers).enumerate() {
            let facts = automata.of(at)?.facts(writer.session)?;
            if facts.is_in_conflict {
                actions.push(Action::Resync(at));
                if !facts.knows_tail {
                    actions.push(Action::Tell(at));
                }
            } else if writer.calls.len() < start.blocks.count() {
                actions.push(Action::Submit(at));
            }
        }
        if self.crashes_left > 0 && !self.store.connections.is_empty() {
            let kept = self.store.synced..=self.store.log.len();
            actions.extend(kept.map(Action::Crash));
        }
        Ok(actions)
    }

    /// True when nothing goes on by itself.
    pub(super) fn is_quiet(actions: &[Action]) -> bool {
        !actions.iter().any(|action| match action {
            Action::Receive(_)
            | Action::Notice(_)
            | Action::Apply
            | Action::Sync
            | Action::Deliver(_) => true,
            Action::Submit(_)
            | Action::Cut(_)
            | Action::Crash(_)
            | Action::Tell(_)
            | Action::Resync(_) => false,
        })
    }

    /// Makes it happen.
    pub(super) fn step(&mut self, action: Action, automata: &mut Automata) -> Verdict {
        match action {
            Action::Submit(writer) => self.submit(writer, automata)?,
            Action::Receive(at) => self.store.receive(at),
            Action::Notice(at) => self.store.notice(at),
            Action::Apply => self.store.apply(),
            Action::Sync => self.store.sync(),
            Action::Deliver(writer) => self.deliver(writer, automata)?,
            Action::Cut(writer) => {
                self.resets_left = self.resets_left.saturating_sub(1);
                self.lose(writer, automata)?;
            }
            Action::Crash(kept) => {
                self.crashes_left = self.crashes_left.saturating_sub(1);
                self.store.crash(kept);
            }
            Action::Tell(writer) => {
                let tail = self.store.synced_tail();
                self.tell(writer, Input::Tail(tail), automata)?;
            }
            Action::Resync(writer) => {
                let tail = self.store.synced_tail();
                self.tell(writer, Input::Resync(tail), automata)?;
                self.writer(writer)?.resyncs += 1;
            }
        }
        self.look_at_tail();
        Ok(())
    }

    fn writer(&mut self, at: usize) -> Verdict<&mut Writer> {
        let writer = self.writers.get_mut(at);
        writer.ok_or_else(|| Violation::broken("there is no such writer"))
    }

    fn submit(&mut self, at: usize, automata: &mut Automata) -> Verdict {
        let writer = self.writer(at)?;
        let block = writer.calls.len();
        let expected = automata.of(at)?.facts(writer.session)?.position;
        writer.calls.push(Call {
            expected,
            epoch: writer.resyncs,
            elsewhere: false,
            told: Told::Nothing,
        });
        self.tell(at, Input::Submit(block), automata)
    }

    fn deliver(&mut self, writer: usize, automata: &mut Automata) -> Verdict {
        let connection = self.store.attached(writer);
        match connection.and_then(|connection| connection.to_client.pop_front()) {
            Some(answer) => self.tell(writer, Input::Answer(answer), automata),
            None => self.lose(writer, automata),
        }
    }

    fn lose(&mut self, writer: usize, automata: &mut Automata) -> Verdict {
        self.store.leave(writer);
        self.tell(writer, Input::Lost, automata)
    }

    /// Tells a session, and does what it asks for.
    fn tell(&mut self, at: usize, input: Input, automata: &mut Automata) -> Verdict {
        let automaton = automata.of_mut(at)?;
        let writer = self.writer(at)?;
        let step = automaton.step(writer.session, input)?;
        writer.session = step.state;
        let told = &automaton.facts(step.state)?.told;
        for (call, told) in writer.calls.iter_mut().zip(told) {
            call.told = *told;
        }
        for output in &step.outputs {
            match output {
                Output::Send(ask) => {
                    let connection = self.store.attached(at).filter(|one| !one.is_closed);
                    if let Some(connection) = connection {
                        connection.to_server.push_back(*ask);
                    }
                }
                Output::LetGo => self.store.leave(at),
                Output::Attach => {
                    let writer = self.writer(at)?;
                    writer.connections += 1;
                    let number = writer.connections;
                    self.store.connect(at, number);
                    self.tell(at, Input::Attached(number), automata)?;
                }
            }
        }
        Ok(())
    }

    /// Every call that is still open sees where the segment ends now.
    fn look_at_tail(&mut self) {
        let tail = self.store.synced_tail();
        for writer in &mut self.writers {
            for call in &mut writer.calls {
                let is_elsewhere = call.expected.is_some_and(|expected| expected != tail);
                call.elsewhere |= call.told == Told::Nothing && is_elsewhere;
            }
        }
    }
}

impl World {
    /// The same for worlds from which the same can happen. Where the writers are alike, also for a world and
    /// the one in which they have changed places.
    pub(super) fn print(&self, are_alike: bool) -> u128 {
        let print = |is_swapped: bool| {
            let mut hasher = Fingerprint::default();
            match (is_swapped, &*self.writers) {
                (true, [first, second]) => [second, first].hash(&mut hasher),
                (_, [first, second]) => [first, second].hash(&mut hasher),
                (_, writers) => writers.hash(&mut hasher),
            }
            self.store.hash(is_swapped, &mut hasher);
            (self.resets_left, self.crashes_left).hash(&mut hasher);
            hasher.print()
        };
        match are_alike {
            true => print(false).min(print(true)),
            false => print(false),
        }
    }
}
