//! The segment store of the small world, and the connections to it.
//!
//! It follows the real one: a number is compared before an offset; a failed condition falls back to the last
//! number acknowledged when nothing else of the writer is in flight; a number that goes back closes the
//! connection without a word; a new setup takes nothing away from older connections. Nothing is told before it
//! is synced, not even a refusal, and a crash keeps any first part of what was not.

use std::collections::VecDeque;

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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Store {
    pub(super) log: Vec<Stored>,
    /// So many of the log are safe from a crash.
    pub(super) synced: usize,
    pub(super) connections: Vec<Connection>,
    /// Received, and not yet done.
    queue: VecDeque<Queued>,
    /// Done, and to be told after the next sync.
    done: VecDeque<(Queued, Outcome)>,
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

    /// The client gives its connection up. Returns the answers that it has not yet read.
    pub(super) fn leave(&mut self, owner: usize) -> Vec<Answer> {
        let Some(connection) = self.attached(owner) else {
            return Vec::new();
        };
        connection.is_left = true;
        let unread = connection.to_client.drain(..).collect();
        self.forget_finished();
        unread
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
    pub(super) fn receive(&mut self, at: usize) -> Option<Ask> {
        let synced = self.synced_log();
        let connection = self.connections.get(at)?;
        let ask = *connection.to_server.front()?;
        let stored = match ask {
            Ask::Setup { writer, .. } => number_in(synced, writer),
            Ask::Append(_) => NO_EVENT_NUMBER,
        };
        let connection = self.connections.get_mut(at)?;
        connection.to_server.pop_front();
        match ask {
            Ask::Setup { request_id, writer } => {
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
            Ask::Append(append) => {
                let queued = connection.begin(append);
                self.queue.extend(queued);
            }
        }
        self.forget_finished();
        Some(ask)
    }

    /// The store does the next append, whether or not anybody still waits for the answer. Tells whether its
    /// client is gone.
    pub(super) fn apply(&mut self) -> Option<(Outcome, bool)> {
        let queued = self.queue.pop_front()?;
        let Append {
            writer,
            expected,
            len,
            ..
        } = queued.append;
        let tail = self.tail();
        let outcome = if number_in(&self.log, writer) != queued.previous {
            Outcome::BadNumber
        } else if expected.is_some_and(|expected| expected != tail) {
            Outcome::ConditionFailed
        } else {
            self.log.push(Stored {
                owner: queued.connection.owner,
                offset: tail,
                append: queued.append,
            });
            Outcome::Appended { tail: tail + len }
        };
        self.done.push_back((queued, outcome));
        let is_live = |one: &Connection| one.id == queued.connection && !one.is_left;
        Some((outcome, !self.connections.iter().any(is_live)))
    }

    /// Everything done is safe, and is told. Returns what is told to clients that have gone.
    pub(super) fn sync(&mut self) -> Vec<(usize, Answer)> {
        self.synced = self.log.len();
        let mut late = Vec::new();
        for (queued, outcome) in std::mem::take(&mut self.done) {
            let is_it = |one: &&mut Connection| one.id == queued.connection;
            let Some(connection) = self.connections.iter_mut().find(is_it) else {
                continue;
            };
            let Some(answer) = connection.hear(&queued.append, outcome) else {
                continue;
            };
            if connection.is_left {
                late.push((queued.connection.owner, answer));
            } else {
                connection.to_client.push_back(answer);
            }
        }
        self.forget_finished();
        late
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

    /// Connections that can do nothing any more.
    fn forget_finished(&mut self) {
        let Self {
            connections,
            queue,
            done,
            ..
        } = self;
        connections.retain(|one| {
            !one.is_left
                || !one.to_server.is_empty()
                || queue.iter().any(|queued| queued.connection == one.id)
                || done.iter().any(|(queued, _)| queued.connection == one.id)
        });
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

fn number_in(log: &[Stored], writer: u128) -> i64 {
    let mut its = log.iter().filter(|stored| stored.append.writer == writer);
    its.next_back()
        .map_or(NO_EVENT_NUMBER, |stored| stored.append.number)
}
