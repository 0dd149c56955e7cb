//! The segment store of the small world, and the connections to it.
//!
//! It follows the real one: a number is compared before an offset; a failed condition falls back to the last
//! number acknowledged when nothing else of the writer is in flight; a number that goes back closes the
//! connection without a word; a new setup takes nothing away from older connections. Nothing is told before it
//! is synced, not even a refusal, and a crash keeps any first part of what was not.

use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
};

use pravega_wire_protocol::NO_EVENT_NUMBER;

use super::frames::{Answer, Append, Ask};

/// A block that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stored {
    /// Whose it is.
    pub(super) owner: usize,
    pub(super) offset: u64,
    pub(super) append: Append,
}

/// One connection, from both sides.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) id: Id,
    pub(super) to_server: VecDeque<Ask>,
    pub(super) to_client: VecDeque<Answer>,
    handler: Option<Handler>,
    /// The client has given it up; what it sent may still arrive.
    pub(super) is_left: bool,
    /// The server has ended it; what it answered may still arrive.
    pub(super) is_closed: bool,
}

/// A writer's connections are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id {
    pub(super) owner: usize,
    pub(super) number: u64,
}

/// What the server's side of a connection remembers of its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Handler {
    last_stored: i64,
    last_acked: i64,
    in_flight: u32,
}

#[derive(Debug, Clone, Copy)]
struct Queued {
    connection: Id,
    previous: i64,
    append: Append,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    Appended { tail: u64 },
    ConditionFailed,
    BadNumber,
}

/// One segment, its writers' numbers, and all that is on the way to and from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    pub(super) log: Vec<Stored>,
    /// So many of the log are safe from a crash.
    pub(super) synced: usize,
    pub(super) connections: Vec<Connection>,
    /// Received, and not yet done.
    queue: VecDeque<Queued>,
    /// Done, and to be told after the next sync.
    done: VecDeque<(Queued, Outcome)>,
    /// Answers on connections that their writer has given up, with the writer. They may still come, at any time
    /// and again, and must change nothing. As that is checked in every state, they are no part of a state.
    pub(super) late: Vec<(usize, Answer)>,
}

/// Where a writer's last request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whereabouts {
    Nowhere,
    SetupUnderWay,
    SetupAnswered,
    BlockUnderWay,
    BlockReceived,
    BlockDone,
    BlockAnswered,
}

impl Store {
    pub(super) fn connect(&mut self, owner: usize, number: u64) {
        self.connections.push(Connection {
            id: Id { owner, number },
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            handler: None,
            is_left: false,
            is_closed: false,
        });
        // One order for one set of connections, so that equal worlds are equal.
        self.connections
            .sort_by_key(|one| (one.id.owner, one.id.number));
    }

    /// The connection that a writer uses.
    pub(super) fn attached(&mut self, owner: usize) -> Option<&mut Connection> {
        let is_it = |one: &&mut Connection| one.id.owner == owner && !one.is_left;
        self.connections.iter_mut().find(is_it)
    }

    /// The client gives its connection up.
    pub(super) fn leave(&mut self, owner: usize) {
        let Some(connection) = self.attached(owner) else {
            return;
        };
        connection.is_left = true;
        let unread: Vec<_> = connection.to_client.drain(..).collect();
        if !connection
            .to_server
            .iter()
            .any(|ask| matches!(ask, Ask::Append(_)))
        {
            connection.to_server.clear();
        }
        for answer in unread {
            self.remember(owner, answer);
        }
        self.forget_finished();
    }

    /// The server notices that the client is gone, and reads no further.
    pub(super) fn notice(&mut self, at: usize) {
        if let Some(connection) = self.connections.get_mut(at) {
            connection.to_server.clear();
        }
        self.forget_finished();
    }

    pub(super) fn tail(&self) -> u64 {
        end_of(&self.log)
    }

    /// Where the segment ends for everybody to see.
    pub(super) fn synced_tail(&self) -> u64 {
        end_of(self.synced_log())
    }

    pub(super) fn synced_log(&self) -> &[Stored] {
        self.log.get(..self.synced).unwrap_or_default()
    }

    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn can_sync(&self) -> bool {
        self.synced < self.log.len() || !self.done.is_empty()
    }

    /// The connection takes in its next request.
    pub(super) fn receive(&mut self, at: usize) {
        let Self {
            log,
            synced,
            connections,
            ..
        } = self;
        let Some(connection) = connections.get_mut(at) else {
            return;
        };
        match connection.to_server.pop_front() {
            Some(Ask::Setup { request_id, writer }) => {
                let synced = log.get(..*synced).unwrap_or_default();
                let stored = number_in(synced, connection.id.owner, writer);
                connection.handler = Some(Handler {
                    last_stored: stored,
                    last_acked: stored,
                    in_flight: 0,
                });
                let number = stored;
                if !connection.is_left {
                    connection.to_client.push_back(Answer::Setup {
                        request_id,
                        writer,
                        number,
                    });
                }
            }
            Some(Ask::Append(append)) => {
                let queued = connection.begin(append);
                self.queue.extend(queued);
            }
            None => {}
        }
        self.forget_finished();
    }

    /// The store does the next append, whether or not anybody still waits for the answer.
    pub(super) fn apply(&mut self) {
        let Some(queued) = self.queue.pop_front() else {
            return;
        };
        let Append { expected, len, .. } = queued.append;
        let owner = queued.connection.owner;
        let tail = self.tail();
        let outcome = if number_in(&self.log, owner, queued.append.writer) != queued.previous {
            Outcome::BadNumber
        } else if expected.is_some_and(|expected| expected != tail) {
            Outcome::ConditionFailed
        } else {
            self.log.push(Stored {
                owner,
                offset: tail,
                append: queued.append,
            });
            Outcome::Appended { tail: tail + len }
        };
        self.done.push_back((queued, outcome));
        self.forget_finished();
    }

    /// Everything done is safe, and is told.
    pub(super) fn sync(&mut self) {
        self.synced = self.log.len();
        for (queued, outcome) in std::mem::take(&mut self.done) {
            self.tell(queued, outcome);
        }
        self.forget_finished();
    }

    fn tell(&mut self, queued: Queued, outcome: Outcome) {
        let Queued {
            connection, append, ..
        } = queued;
        let is_it = |one: &&mut Connection| one.id == connection;
        let Some(connection) = self.connections.iter_mut().find(is_it) else {
            return;
        };
        match connection.hear(&append, outcome) {
            Some(answer) if connection.is_left => self.remember(queued.connection.owner, answer),
            Some(answer) => connection.to_client.push_back(answer),
            None => {}
        }
    }

    fn remember(&mut self, owner: usize, answer: Answer) {
        if !self.late.contains(&(owner, answer)) {
            self.late.push((owner, answer));
        }
    }

    /// The store loses what it has not synced, but for the first `kept` blocks of the log, and all connections.
    pub(super) fn crash(&mut self, kept: usize) {
        self.log.truncate(kept);
        self.synced = self.log.len();
        self.queue.clear();
        self.done.clear();
        for connection in &mut self.connections {
            connection.close();
        }
        self.forget_finished();
    }

    pub(super) fn whereabouts(&self, owner: usize) -> Whereabouts {
        let is_it = |one: &&Connection| one.id.owner == owner && !one.is_left;
        let Some(connection) = self.connections.iter().find(is_it) else {
            return Whereabouts::Nowhere;
        };
        let here = |queued: &Queued| queued.connection == connection.id;
        match (connection.to_server.back(), connection.to_client.back()) {
            (Some(Ask::Append(_)), _) => Whereabouts::BlockUnderWay,
            (Some(Ask::Setup { .. }), _) => Whereabouts::SetupUnderWay,
            _ if self.queue.iter().any(here) => Whereabouts::BlockReceived,
            _ if self.done.iter().any(|(queued, _)| here(queued)) => Whereabouts::BlockDone,
            (None, Some(Answer::Setup { .. })) => Whereabouts::SetupAnswered,
            (None, Some(_)) => Whereabouts::BlockAnswered,
            (None, None) => Whereabouts::Nowhere,
        }
    }

    /// Lets go of connections that their client has given up and from which nothing more will come. What they
    /// would still tell it matters to nobody.
    fn forget_finished(&mut self) {
        let is_finished = |one: &Connection, queue: &VecDeque<Queued>| {
            let waits = queue.iter().any(|queued| queued.connection == one.id);
            one.is_left && one.to_server.is_empty() && !waits
        };
        while let Some(at) = (self.connections.iter()).position(|one| is_finished(one, &self.queue))
        {
            let id = self.connections.get(at).map(|one| one.id);
            let done = std::mem::take(&mut self.done);
            for (queued, outcome) in done {
                match Some(queued.connection) == id {
                    true => self.tell(queued, outcome),
                    false => self.done.push_back((queued, outcome)),
                }
            }
            self.connections.remove(at);
        }
    }

    /// Everything that makes a difference later. With `is_swapped`, the first two writers change places.
    pub(super) fn hash(&self, is_swapped: bool, state: &mut impl Hasher) {
        let place = |owner: usize| match owner {
            0 | 1 if is_swapped => 1 - owner,
            _ => owner,
        };
        let id = |id: Id| (place(id.owner), id.number);
        for stored in &self.log {
            (place(stored.owner), stored.offset, stored.append).hash(state);
        }
        (self.log.len(), self.synced).hash(state);
        for queued in &self.queue {
            (id(queued.connection), queued.previous, queued.append).hash(state);
        }
        for (queued, outcome) in &self.done {
            (
                id(queued.connection),
                queued.previous,
                queued.append,
                outcome,
            )
                .hash(state);
        }
        (self.queue.len(), self.done.len(), self.connections.len()).hash(state);
        // Connections are in the order of their owners.
        for owner in [place(0), place(1)] {
            for one in self.connections.iter().filter(|one| one.id.owner == owner) {
                id(one.id).hash(state);
                one.to_server.hash(state);
                one.to_client.hash(state);
                (one.handler, one.is_left, one.is_closed).hash(state);
            }
        }
    }
}

impl Connection {
    /// The checks of the connection itself; then the append waits for the store.
    fn begin(&mut self, append: Append) -> Option<Queued> {
        let handler = self.handler.as_mut();
        let Some(handler) = handler.filter(|handler| append.number >= handler.last_stored) else {
            self.close();
            return None;
        };
        let previous = std::mem::replace(&mut handler.last_stored, append.number);
        handler.in_flight += 1;
        let connection = self.id;
        Some(Queued {
            connection,
            previous,
            append,
        })
    }

    /// What the server's side of a writer makes of an outcome, and what it says about it.
    fn hear(&mut self, append: &Append, outcome: Outcome) -> Option<Answer> {
        let handler = self.handler.as_mut()?;
        handler.in_flight = handler.in_flight.saturating_sub(1);
        let (request_id, writer, number) = (append.request_id, append.writer, append.number);
        match outcome {
            Outcome::Appended { tail } => {
                if number <= handler.last_acked {
                    return None;
                }
                let previous = std::mem::replace(&mut handler.last_acked, number);
                Some(Answer::Ack {
                    request_id,
                    writer,
                    number,
                    previous,
                    tail,
                })
            }
            Outcome::ConditionFailed => {
                if handler.in_flight == 0 {
                    handler.last_stored = handler.last_acked;
                }
                Some(Answer::ConditionFailed {
                    request_id,
                    writer,
                    number,
                })
            }
            Outcome::BadNumber => {
                self.close();
                Some(Answer::InvalidNumber {
                    request_id,
                    writer,
                    number,
                })
            }
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.handler = None;
        self.to_server.clear();
    }
}

fn end_of(log: &[Stored]) -> u64 {
    log.last().map_or(0, |last| last.offset + last.append.len)
}

fn number_in(log: &[Stored], owner: usize, writer: u128) -> i64 {
    let is_its = |stored: &&Stored| stored.owner == owner && stored.append.writer == writer;
    let last = log.iter().rev().find(is_its);
    last.map_or(NO_EVENT_NUMBER, |stored| stored.append.number)
}
