//! Which of the connections to one segment store is used. Pure: decisions on lists.

use std::sync::Arc;

use crate::{
    demux::Load,
    landing::{Landing, Waiter},
    shared::Shared,
};

/// The connections to one segment store, open and in the making.
#[derive(Default)]
pub(crate) struct Slots {
    open: Vec<Arc<Shared>>,
    dials: Vec<Attempt>,
}

struct Attempt {
    number: u64,
    /// Nobody may be waiting any more, and the attempt goes on.
    landing: Arc<Landing>,
}

/// What the connection is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A flow: a connection of its own, as long as there may be more of them.
    Flow,
    /// Calls: any connection will do.
    Calls,
}

/// What to do.
pub(crate) enum Choice {
    Use(Arc<Shared>),
    Wait(Waiter),
    Dial,
}

impl Slots {
    pub(crate) fn choose(&self, purpose: Purpose, max: usize) -> Choice {
        // A closed one stays in the list until its task has told everybody; it takes no one's place.
        let alive = || self.open.iter().filter(|shared| shared.cause().is_none());
        // One that owes somebody an answer is used when there is no other, and may be none.
        let best = alive().min_by_key(|shared| (shared.is_doubted(), shared.load()));
        let next_dial = self.dials.iter().min_by_key(|dial| dial.waiters());
        let is_room = alive().count() + self.dials.len() < max;
        match (best, next_dial) {
            (Some(best), _)
                if !best.is_doubted() && (purpose == Purpose::Calls || best.load().flows == 0) =>
            {
                Choice::Use(Arc::clone(best))
            }
            (_, Some(dial)) if purpose == Purpose::Calls || dial.waiters() == 0 => dial.wait(),
            _ if is_room => Choice::Dial,
            (Some(best), Some(dial)) if best.is_doubted() || dial.waiters() < best.load().flows => {
                dial.wait()
            }
            (Some(best), _) => Choice::Use(Arc::clone(best)),
            (None, Some(dial)) => dial.wait(),
            (None, None) => Choice::Dial,
        }
    }

    /// Notes an attempt that begins.
    pub(crate) fn begin(&mut self, number: u64, landing: Arc<Landing>) {
        self.dials.push(Attempt { number, landing });
    }

    /// Notes that an attempt is over, however it ended.
    pub(crate) fn end(&mut self, number: u64) {
        self.dials.retain(|dial| dial.number != number);
    }

    pub(crate) fn add(&mut self, shared: Arc<Shared>) {
        self.open.push(shared);
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.open.retain(|shared| shared.id() != id);
    }

    /// Lets go of connections that nobody uses: a peer that fell silent on one of several has most likely fallen
    /// silent on all, and each would be found out only in its turn.
    pub(crate) fn retire_unused(&self) {
        for shared in self.open.iter().filter(|it| it.load() == Load::default()) {
            shared.retire();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.dials.is_empty()
    }

    pub(crate) fn open(&self) -> &[Arc<Shared>] {
        &self.open
    }
}

impl Attempt {
    fn waiters(&self) -> usize {
        self.landing.waiters()
    }

    fn wait(&self) -> Choice {
        Choice::Wait(self.landing.wait())
    }
}
