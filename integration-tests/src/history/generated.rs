//! Histories of clients at a segment that does one thing at a time, made from a seed.

use super::{Action, Entry, Log, Operation, Outcome, operation::NEVER};
use crate::Random;

/// A history, and the log that it leads to.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) operations: Vec<Operation>,
    pub(super) log: Log,
}

/// What kind of clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clients {
    pub(super) count: usize,
    /// How many calls all of them make.
    pub(super) calls: usize,
    /// All appends have this length; mixed lengths when 0.
    pub(super) len: u64,
    /// How many calls a client may have open.
    pub(super) open: usize,
}

impl Sample {
    pub(super) fn called(&self, id: u64) -> Option<&Operation> {
        let is_it =
            |one: &&Operation| matches!(one.action, Action::Append { id: its, .. } if its == id);
        self.operations.iter().find(is_it)
    }

    pub(super) fn called_mut(&mut self, wanted: u64) -> &mut Operation {
        let is_it =
            |one: &&mut Operation| matches!(one.action, Action::Append { id, .. } if id == wanted);
        self.operations.iter_mut().find(is_it).unwrap()
    }

    /// The calls behind an entry of the log: when it was called and by when it was stored.
    pub(super) fn times(&self, entry: Entry) -> (u64, u64) {
        let operation = self.called(entry.id).unwrap();
        (operation.called, operation.latest())
    }
}

/// One call while it is open.
struct Open {
    at: usize,
    done: Option<Outcome>,
    is_over: bool,
}

struct World {
    random: Random,
    clients: Clients,
    sample: Sample,
    open: Vec<Vec<Open>>,
    now: u64,
}

/// A history that can have happened.
pub(super) fn history(seed: u64, clients: Clients) -> Sample {
    let mut random = Random::new(seed);
    let start = u64::try_from(random.below(3) * 5).unwrap();
    let log = Log {
        start,
        entries: Vec::new(),
    };
    let operations = Vec::new();
    let mut world = World {
        random,
        clients,
        sample: Sample { operations, log },
        open: (0..clients.count).map(|_| Vec::new()).collect(),
        now: 1,
    };
    while world.sample.operations.len() < clients.calls {
        world.step(5);
    }
    for _ in 0..world.random.below(4 * clients.calls) {
        world.step(4);
    }
    world.sample
}

impl World {
    fn step(&mut self, kinds: usize) {
        let client = self.random.below(self.clients.count);
        match self.random.below(kinds) {
            0 | 1 => self.apply(client),
            2 | 3 => self.answer(client),
            _ if self.open[client].len() < self.clients.open => self.call(client),
            _ => {}
        }
        if !self.random.one_in(4) {
            self.now += 1;
        }
    }

    fn call(&mut self, client: usize) {
        let action = match self.random.below(8) {
            0 => Action::Tail { tail: 0 },
            1 => Action::Read { end: 0 },
            _ => Action::Append {
                id: u64::try_from(self.sample.operations.len()).unwrap() + 1,
                len: match self.clients.len {
                    0 => 1 + self.random.next() % 9,
                    len => len,
                },
                expected: self.expected(),
                outcome: Outcome::Unknown,
            },
        };
        self.sample.operations.push(Operation {
            client: u32::try_from(client).unwrap(),
            called: self.now,
            returned: None,
            action,
        });
        self.now += 1;
        self.open[client].push(Open {
            at: self.sample.operations.len() - 1,
            done: None,
            is_over: false,
        });
    }

    fn expected(&mut self) -> Option<u64> {
        let log = &self.sample.log;
        match self.random.below(6) {
            0 | 1 => Some(log.tail()),
            2 => self.random.pick(&log.entries).map(|entry| entry.offset),
            3 => Some(log.tail() + self.clients.len),
            _ => None,
        }
    }

    /// The first thing that the client has asked for and that is not done yet is done now, or never.
    fn apply(&mut self, client: usize) {
        let skips = self.random.one_in(6);
        let Some(open) = self.open[client].iter_mut().find(|one| one.done.is_none()) else {
            return;
        };
        let operation = &mut self.sample.operations[open.at];
        let tail = self.sample.log.tail();
        open.done = Some(Outcome::NotStored);
        match &mut operation.action {
            Action::Tail { tail: told } => *told = tail,
            Action::Read { end } => *end = self.random.next() % (tail + 1),
            Action::Append { .. } if skips => {}
            Action::Append {
                expected: Some(expected),
                ..
            } if *expected != tail => open.done = Some(Outcome::Conflict),
            Action::Append { id, len, .. } => {
                let (id, len) = (*id, *len);
                let offset = tail;
                self.sample.log.entries.push(Entry { offset, id, len });
                let offset = Some(tail).filter(|_| self.random.one_in(2));
                open.done = Some(Outcome::Stored { offset });
            }
            Action::Unanswered => {}
        }
        self.forget(client);
    }

    /// One of the client's calls is answered, perhaps with less than what is known.
    fn answer(&mut self, client: usize) {
        let waiting = self.open[client].iter().filter(|one| !one.is_over).count();
        if waiting == 0 {
            return;
        }
        let which = self.random.below(waiting);
        let learns = !self.random.one_in(6);
        let mut open = self.open[client].iter_mut().filter(|one| !one.is_over);
        let open = open.nth(which).unwrap();
        let operation = &mut self.sample.operations[open.at];
        match (&mut operation.action, open.done) {
            (Action::Append { outcome, .. }, Some(done)) if learns => *outcome = done,
            (Action::Append { .. }, _) if !learns => {}
            (Action::Append { .. }, _) | (_, None) => return,
            _ => {}
        }
        open.is_over = true;
        operation.returned = Some(self.now);
        self.forget(client);
    }

    fn forget(&mut self, client: usize) {
        self.open[client].retain(|one| !(one.is_over && one.done.is_some()));
    }
}

/// Gives every question that never got an answer no answer at all, and leaves room between the times.
pub(super) fn finished(mut sample: Sample) -> Sample {
    for operation in &mut sample.operations {
        let is_append = matches!(operation.action, Action::Append { .. });
        if operation.returned.is_none() && !is_append {
            operation.action = Action::Unanswered;
        }
        operation.called *= 4;
        operation.returned = operation.returned.map(|returned| returned * 4);
    }
    sample
}

/// The same history without anything that tells of offsets, so that only the times speak of the order.
pub(super) fn plain(mut sample: Sample) -> Sample {
    for operation in &mut sample.operations {
        if let Action::Append {
            expected, outcome, ..
        } = &mut operation.action
        {
            *expected = None;
            match outcome {
                Outcome::Stored { offset } => *offset = None,
                Outcome::Conflict => *outcome = Outcome::NotStored,
                Outcome::NotStored | Outcome::Unknown => {}
            }
        } else {
            operation.action = Action::Unanswered;
        }
    }
    sample
}

/// Puts the entries of a log one behind the other.
pub(super) fn tile(log: &mut Log) {
    let mut tail = log.start;
    for entry in &mut log.entries {
        entry.offset = tail;
        tail = entry.end();
    }
}

/// True when something can have a moment behind all answers of `first` and before the call of `second`.
pub(super) fn has_room(first: u64, second: u64) -> bool {
    first != NEVER && second.saturating_sub(first) >= 2
}
