//! The real session as an automaton.
//!
//! An [`AppendSession`] cannot be copied, but it is a function of what it was told so far: told the same, it is
//! the same. So each of its states is known by the shortest story that leads to it, and what an input does to a
//! state is found out once, by telling that story to a new session, and then looked up.

use std::{
    collections::HashMap,
    hash::BuildHasherDefault,
    ops::Range,
    rc::Rc,
    time::{Duration, Instant},
};

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendEvent, AppendOptions, AppendSession, BackoffPolicy, Certainty, Disconnect, Fate,
    WriteMode,
};

use super::{
    fingerprint::Fingerprint,
    frames::{Answer, Ask},
    scenario::{Blocks, SEGMENT, Scenario, Start},
};
use crate::campaign::{Verdict, Violation};

/// A state of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State(usize);

impl State {
    /// The one before the first input.
    pub(super) const FIRST: Self = Self(0);
}

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Input {
    /// The caller hands over its next block.
    Submit(usize),
    /// There is a connection.
    Attached(u64),
    /// A reply came.
    Answer(Answer),
    /// The connection is gone.
    Lost,
    /// The store has told the tail.
    Tail(u64),
    /// The caller goes on at the tail.
    Resync(u64),
}

/// What the session wants after an input, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Output {
    Send(Ask),
    LetGo,
    Attach,
}

/// What the caller of a session was told of one of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Nothing,
    Stored,
    /// Its condition failed.
    Conflict,
    NotStored,
    Unknown,
}

/// What a caller can see of a session.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) told: Vec<Told>,
    pub(super) is_in_conflict: bool,
    /// The tail is already part of the conflict.
    pub(super) knows_tail: bool,
    /// Where the next byte belongs, in exclusive mode.
    pub(super) position: Option<u64>,
}

/// What an input leads to.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) state: State,
    pub(super) outputs: Vec<Output>,
}

/// The sessions of all writers. Writers that begin alike have the same automaton.
#[derive(Debug)]
pub(super) struct Automata {
    kinds: Vec<Automaton>,
    /// Which one is whose.
    places: Vec<usize>,
}

impl Automata {
    pub(super) fn new(scenario: &Scenario) -> Verdict<Self> {
        let (mut kinds, mut places): (Vec<Automaton>, Vec<usize>) = (Vec::new(), Vec::new());
        for start in scenario.writers {
            let known = kinds.iter().position(|kind| kind.start == start);
            places.push(known.unwrap_or(kinds.len()));
            if known.is_none() {
                kinds.push(Automaton::new(scenario, start)?);
            }
        }
        Ok(Self { kinds, places })
    }

    /// The session of a writer.
    pub(super) fn of(&self, writer: usize) -> Verdict<&Automaton> {
        let kind = self.places.get(writer).and_then(|at| self.kinds.get(*at));
        kind.ok_or_else(|| Violation::broken("there is no such writer"))
    }

    /// The session of a writer, to be told something.
    pub(super) fn of_mut(&mut self, writer: usize) -> Verdict<&mut Automaton> {
        let kind = self
            .places
            .get(writer)
            .and_then(|at| self.kinds.get_mut(*at));
        kind.ok_or_else(|| Violation::broken("there is no such writer"))
    }

    /// True when all writers begin alike, so that they can change places.
    pub(super) fn are_alike(&self) -> bool {
        self.kinds.len() == 1
    }

    /// How many states of sessions were met.
    pub(super) fn states(&self) -> usize {
        self.kinds.iter().map(|kind| kind.states.len()).sum()
    }
}

/// A state that was met: how it was first reached, and what its caller can see.
#[derive(Debug)]
struct Known {
    from: Option<(State, Input)>,
    facts: Facts,
}

/// The states of one writer's session that have been met.
#[derive(Debug)]
pub(super) struct Automaton {
    options: AppendOptions,
    start: Start,
    now: Instant,
    states: Vec<Known>,
    known: HashMap<u128, State>,
    steps: HashMap<(State, Input), Rc<Step>, BuildHasherDefault<Fingerprint>>,
}

impl Automaton {
    fn new(scenario: &Scenario, start: Start) -> Verdict<Self> {
        let no_pauses = BackoffPolicy::default().with_pauses(Duration::ZERO, Duration::ZERO);
        let options = AppendOptions::default()
            .with_mode(scenario.mode)
            .with_max_block_bytes(start.blocks.max())
            .with_pipeline_block_bytes(1)
            .with_backoff(no_pauses);
        let mut automaton = Self {
            options,
            start,
            now: moment(),
            states: Vec::new(),
            known: HashMap::new(),
            steps: HashMap::default(),
        };
        let session = automaton.begin()?;
        automaton.state_of(&session, None)?;
        Ok(automaton)
    }

    pub(super) fn facts(&self, state: State) -> Verdict<&Facts> {
        let known = self.states.get(state.0);
        let known = known.ok_or_else(|| Violation::broken("a state of nowhere"))?;
        Ok(&known.facts)
    }

    /// What the session does when it is told this.
    pub(super) fn step(&mut self, from: State, input: Input) -> Verdict<Rc<Step>> {
        if let Some(step) = self.steps.get(&(from, input)) {
            return Ok(Rc::clone(step));
        }
        let mut session = self.begin()?;
        for earlier in self.story_of(from) {
            self.tell(&mut session, earlier)?;
        }
        let outputs = self.tell(&mut session, input)?;
        let state = self.state_of(&session, Some((from, input)))?;
        let step = Rc::new(Step { state, outputs });
        self.steps.insert((from, input), Rc::clone(&step));
        Ok(step)
    }

    fn begin(&self) -> Verdict<AppendSession> {
        // All writers have this id, and the store tells them apart by their place: so they can share states.
        let writer = WriterId::from_wire(1);
        let mut session = AppendSession::new(writer, SEGMENT.into(), self.options);
        match self.start.at {
            Some(offset) => session.start_at(offset).map_err(broken)?,
            None => session.resync(0).map(drop).map_err(broken)?,
        }
        Ok(session)
    }

    fn story_of(&self, state: State) -> Vec<Input> {
        let mut story = Vec::new();
        let mut at = state;
        while let Some((before, input)) = self.states.get(at.0).and_then(|known| known.from) {
            story.push(input);
            at = before;
        }
        story.reverse();
        story
    }

    fn tell(&self, session: &mut AppendSession, input: Input) -> Verdict<Vec<Output>> {
        let now = self.now;
        match input {
            Input::Submit(block) => {
                let bytes = self.start.blocks.bytes(block);
                session.submit(now, &bytes).map(drop).map_err(broken)?;
            }
            Input::Attached(flow) => {
                let flow = FlowId::new(flow).ok_or_else(|| Violation::broken("too many flows"))?;
                session.handle_attached(now, flow, DelegationToken::default());
            }
            Input::Answer(answer) => session.handle_reply(now, answer.reply()).map_err(broken)?,
            Input::Lost => session.handle_disconnected(now, Disconnect::Lost),
            Input::Tail(tail) => session.note_tail(tail),
            Input::Resync(tail) => session.resync(tail).map(drop).map_err(broken)?,
        }
        self.drain(session)
    }

    fn drain(&self, session: &mut AppendSession) -> Verdict<Vec<Output>> {
        let mut outputs = Vec::new();
        while let Some(event) = session.poll_event() {
            match event {
                AppendEvent::NeedsAttachment { .. } => outputs.push(Output::Attach),
                AppendEvent::Detach { .. } => outputs.push(Output::LetGo),
                AppendEvent::Failed(failure) if !failure.is_conflict() => {
                    return Err(broken(failure));
                }
                _ => {}
            }
        }
        while let Some(request) = session.poll_transmit() {
            outputs.push(Output::Send(Ask::of(request, &self.start.blocks)?));
        }
        // Where everything is durable, time gives memory back and does nothing else: it passes at once.
        if session.unacked_bytes() == 0
            && let Some(deadline) = session.poll_timeout()
        {
            session.handle_timeout(deadline);
        }
        match session.poll_timeout() {
            None => Ok(outputs),
            Some(_) => Err(Violation::broken("a session that waits for time to pass")),
        }
    }

    fn state_of(
        &mut self,
        session: &AppendSession,
        from: Option<(State, Input)>,
    ) -> Verdict<State> {
        let print = print_of(session);
        if let Some(known) = self.known.get(&print) {
            return Ok(*known);
        }
        let state = State(self.states.len());
        let facts = facts_of(session, self.start.blocks);
        self.states.push(Known { from, facts });
        self.known.insert(print, state);
        Ok(state)
    }
}

/// Everything that can make a difference later. Pauses are all zero here and counters decide nothing.
fn print_of(session: &AppendSession) -> u128 {
    let text = format!("{session:?}");
    let (before, rest) = text
        .split_once(", backoff: Backoff {")
        .unwrap_or((&text, ""));
    let (_, behind) = rest.split_once(", next_sequence: ").unwrap_or(("", rest));
    let (behind, _) = behind
        .split_once(", stats: AppendStats")
        .unwrap_or((behind, ""));
    Fingerprint::of(&(before, behind))
}

fn facts_of(session: &AppendSession, blocks: Blocks) -> Facts {
    let mut start = 0;
    let told = (0..blocks.count()).map(|block| {
        let range = start..start + blocks.len(block);
        start = range.end;
        told(session, &range)
    });
    let is_exclusive = session.options().mode == WriteMode::Exclusive;
    let knows_tail = session.failure().is_some_and(|failure| {
        !matches!(
            failure.kind(),
            pravega_segment_session::AppendFailureKind::Conflict { actual: None, .. }
        )
    });
    Facts {
        told: told.collect(),
        is_in_conflict: session.failure().is_some(),
        knows_tail,
        position: is_exclusive.then(|| session.position()),
    }
}

fn told(session: &AppendSession, range: &Range<u64>) -> Told {
    if range.end > session.accepted() {
        return Told::Nothing;
    }
    match session.fate(range) {
        Fate::Durable => Told::Stored,
        Fate::Failed(failure) => match failure.certainty_of(range) {
            Certainty::Definite if failure.unacked().start == range.start => Told::Conflict,
            Certainty::Definite => Told::NotStored,
            _ => Told::Unknown,
        },
        _ => Told::Nothing,
    }
}

fn broken(error: impl std::fmt::Display) -> Violation {
    Violation::broken(error.to_string())
}

/// The one moment at which everything happens: time plays no part here.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be made in no other way"
)]
fn moment() -> Instant {
    Instant::now()
}
