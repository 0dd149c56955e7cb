//! The history of a run, for the checkers of histories.

use super::{
    automaton::Told,
    scenario::Scenario,
    store::Stored,
    world::{Call, World},
};
use crate::{
    campaign::Verdict,
    history::{Entry, History, Log, Outcome, Pending, search, tiling},
};

/// Whether both checkers accept what the callers saw on this way, and the log at its end.
pub(super) fn check<'a>(scenario: &Scenario, worlds: impl Iterator<Item = &'a World>) -> Verdict {
    let mut story = Story {
        scenario,
        history: History::new(),
        pending: Vec::new(),
    };
    let mut log = Log::default();
    let mut before: Option<&World> = None;
    for world in worlds {
        story.follow(before, world);
        log.entries = world.store.synced_log().iter().map(entry).collect();
        before = Some(world);
    }
    tiling::check(story.history.operations(), &log)?;
    search::check(story.history.operations(), &log)
}

struct Story<'a> {
    scenario: &'a Scenario,
    history: History,
    /// Calls without an answer: whose, which, and under what name.
    pending: Vec<(usize, usize, Pending)>,
}

impl Story<'_> {
    /// Writes down what the callers did and learned in one step.
    fn follow(&mut self, before: Option<&World>, world: &World) {
        for (owner, writer) in world.writers.iter().enumerate() {
            let earlier = before.and_then(|before| before.writers.get(owner));
            for (block, call) in writer.calls.iter().enumerate() {
                let earlier = earlier.and_then(|earlier| earlier.calls.get(block));
                if earlier.is_none() {
                    self.call(owner, block, call);
                }
                let earlier = earlier.map_or(Told::Nothing, |earlier| earlier.told);
                if earlier != call.told {
                    self.answer(owner, block, call);
                }
            }
            let has_asked = earlier.is_some_and(|earlier| earlier.resyncs < writer.resyncs);
            if has_asked {
                let question = self.history.ask(client(owner));
                self.history.tail(question, world.store.synced_tail());
            }
        }
    }

    fn call(&mut self, owner: usize, block: usize, call: &Call) {
        let blocks = self.scenario.writers.get(owner).map(|start| start.blocks);
        let len = blocks.map_or(0, |blocks| blocks.len(block));
        let (client, id) = (client(owner), id(owner, block));
        let pending = self.history.append(client, id, len, call.expected);
        self.pending.push((owner, block, pending));
    }

    fn answer(&mut self, owner: usize, block: usize, call: &Call) {
        let is_it = |one: &&(usize, usize, Pending)| (one.0, one.1) == (owner, block);
        let Some(&(_, _, pending)) = self.pending.iter().find(is_it) else {
            return;
        };
        let outcome = match call.told {
            Told::Nothing => return,
            Told::Stored => Outcome::Stored {
                offset: call.expected,
            },
            Told::Conflict => Outcome::Conflict,
            Told::NotStored => Outcome::NotStored,
            Told::Unknown => Outcome::Unknown,
        };
        self.history.finish(pending, outcome);
    }
}

fn entry(stored: &Stored) -> Entry {
    Entry {
        offset: stored.offset,
        id: id(stored.owner, stored.append.block),
        len: stored.append.len,
    }
}

fn id(owner: usize, block: usize) -> u64 {
    u64::try_from(100 * (owner + 1) + block).unwrap_or(u64::MAX)
}

fn client(owner: usize) -> u32 {
    u32::try_from(owner).unwrap_or(u32::MAX)
}
