//! Makes every run of a small world.

use std::{collections::HashSet, fmt};

use super::{
    automaton::{Automata, Told},
    checks,
    fingerprint::AsItIs,
    scenario::Scenario,
    store::Whereabouts,
    story,
    world::{Action, World},
};
use crate::campaign::{Tally, Verdict, Violation};

/// How large a world was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Different states.
    pub(super) states: u64,
    /// Steps from one to another.
    pub(super) transitions: u64,
    /// States in which nothing more can happen.
    pub(super) ends: u64,
    /// The longest way from the first state to an end.
    pub(super) depth: usize,
    /// States of the writers' sessions.
    pub(super) sessions: usize,
}

/// Depth first, from the first state. A state met again is not entered again.
pub(super) struct Explorer<'a> {
    scenario: &'a Scenario,
    automata: Automata,
    seen: HashSet<u128, AsItIs>,
    path: Vec<Frame>,
    size: Size,
}

/// A state on the present path, and what is still to be tried from it.
struct Frame {
    world: World,
    left: Vec<Action>,
    /// What led to the next frame.
    taken: Option<Action>,
}

impl<'a> Explorer<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Verdict<Self> {
        Ok(Self {
            scenario,
            automata: Automata::new(scenario)?,
            seen: HashSet::default(),
            path: Vec::new(),
            size: Size::default(),
        })
    }

    /// Makes every run, counting the faults with the states they met.
    pub(super) fn run(mut self, tally: &mut Tally) -> Verdict<Size> {
        let first = World::new(self.scenario);
        self.enter(first)?;
        while let Some(frame) = self.path.last_mut() {
            frame.taken = frame.left.pop();
            let Some(action) = frame.taken else {
                self.path.pop();
                continue;
            };
            let mut world = frame.world.clone();
            self.size.transitions += 1;
            let stepped = world.step(action, &mut self.automata);
            let before = &frame.world;
            let checked = stepped.and_then(|()| checks::check(before, &world, &mut self.automata));
            count(tally, action, before, &world);
            checked.map_err(|violation| self.told(violation))?;
            self.enter(world)?;
        }
        self.size.sessions = self.automata.states();
        Ok(self.size)
    }

    fn enter(&mut self, world: World) -> Verdict {
        if !self.seen.insert(world.print(self.automata.are_alike())) {
            return Ok(());
        }
        self.size.states += 1;
        let left = world.actions(self.scenario, &self.automata)?;
        let is_quiet = World::is_quiet(&left);
        let is_end = left.is_empty();
        if is_quiet {
            checks::check_quiet(&world).map_err(|violation| self.told(violation))?;
        }
        self.path.push(Frame {
            world,
            left,
            taken: None,
        });
        if is_end {
            self.size.ends += 1;
            self.size.depth = self.size.depth.max(self.path.len() - 1);
            let worlds = self.path.iter().map(|frame| &frame.world);
            story::check(self.scenario, worlds).map_err(|violation| self.told(violation))?;
        }
        Ok(())
    }

    /// Adds the way that led to it.
    fn told(&self, violation: Violation) -> Violation {
        let Violation { harm, bytes, what } = violation;
        Violation::new(harm, bytes, format!("{what}; after {}", Way(&self.path)))
    }
}

struct Way<'a>(&'a [Frame]);

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for action in self.0.iter().filter_map(|frame| frame.taken) {
            write!(f, "{separator}{action:?}")?;
            separator = ", ";
        }
        Ok(())
    }
}

fn count(tally: &mut Tally, action: Action, before: &World, after: &World) {
    match action {
        Action::Cut(writer) => {
            tally.count("connection cut", place(before.store.whereabouts(writer)));
        }
        Action::Crash(kept) => {
            let state = match (kept - before.store.synced, before.store.log.len() - kept) {
                (0, 0) => "everything synced",
                (0, _) => "unsynced blocks lost",
                (_, 0) => "unsynced blocks kept",
                _ => "some unsynced blocks kept",
            };
            tally.count("store crash", state);
        }
        Action::Receive(at) => {
            let connection = before.store.connections.get(at);
            if let Some(connection) = connection.filter(|connection| connection.is_left) {
                let now = before.store.whereabouts(connection.id.owner);
                let state = match now {
                    Whereabouts::SetupUnderWay => "before the new setup",
                    Whereabouts::Nowhere => "writer at rest",
                    _ => "after the new setup",
                };
                tally.count("late request received", state);
            }
        }
        Action::Deliver(_) => {
            let told = |world: &World, what: Told| {
                let calls = world.writers.iter().flat_map(|writer| &writer.calls);
                calls.filter(|call| call.told == what).count()
            };
            for (what, state) in [
                (Told::Conflict, "certainly not stored"),
                (Told::Unknown, "perhaps stored"),
            ] {
                if told(after, what) > told(before, what) {
                    tally.count("conflict", state);
                }
            }
        }
        Action::Submit(_)
        | Action::Notice(_)
        | Action::Apply
        | Action::Sync
        | Action::Tell(_)
        | Action::Resync(_) => {}
    }
}

fn place(whereabouts: Whereabouts) -> &'static str {
    match whereabouts {
        Whereabouts::Nowhere => "nothing on its way",
        Whereabouts::SetupUnderWay => "setup on its way",
        Whereabouts::SetupAnswered => "setup answered",
        Whereabouts::BlockUnderWay => "block on its way",
        Whereabouts::BlockReceived => "block received",
        Whereabouts::BlockDone => "block done, not synced",
        Whereabouts::BlockAnswered => "answer on its way",
    }
}
