//! A model of one segment in a real segment store, and of the connections to it.
//!
//! It follows what a real store was seen to do, not what would be convenient: a number is compared before
//! an offset; a failed condition falls back to the last acknowledged number only when nothing else of the
//! writer is in flight; a number that goes back closes the connection without a word; a connection that the
//! client has given up goes on being served. What a request does is spread over three steps, and a test
//! chooses their order: [`ModelStore::receive`] (the connection takes a request in), [`ModelStore::apply`]
//! (the store does the next append) and [`ModelStore::answer`] (the connection hears of it and replies).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendSetup, ConditionalCheckFailed, DataAppended, InvalidEventNumber, NO_EVENT_NUMBER, Reply,
    Request, SetupAppend,
};

use super::replies::{self, Refusal};

/// What the store does wrong on purpose. Everything off is the real thing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Compares the offset before the number.
    pub(crate) offset_before_number: bool,
    /// Forgets the number of a writer with the data it came with.
    pub(crate) number_not_durable: bool,
    /// A new setup takes away the right of older connections to append for the writer. Not a fault but a
    /// virtue that the real store lacks.
    pub(crate) fences: bool,
}

/// An append that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) writer: u128,
    pub(crate) number: i64,
    pub(crate) offset: u64,
    pub(crate) data: Vec<u8>,
}

/// One connection, from the server's side.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    pub(crate) to_server: VecDeque<Request>,
    pub(crate) to_client: VecDeque<Reply>,
    writers: BTreeMap<u128, WriterState>,
    outcomes: VecDeque<(Append, Outcome)>,
    closed: bool,
}

#[derive(Debug)]
struct WriterState {
    last_stored: i64,
    last_acked: i64,
    in_flight: usize,
    /// Which setup made it: appends of an earlier one no longer concern it.
    generation: usize,
    /// Numbers below this one never pass the decoder.
    decoded: i64,
    /// An append failed in a way that needs a new setup.
    broken: bool,
}

#[derive(Debug, Clone)]
struct Append {
    connection: usize,
    generation: usize,
    writer: u128,
    number: i64,
    previous: i64,
    expected_offset: Option<i64>,
    data: Vec<u8>,
    request_id: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Appended { tail: u64 },
    ConditionFailed,
    BadNumber,
    Sealed,
    Missing,
}

/// One segment, its writers' numbers, and everything on the way to and from it.
#[derive(Debug, Default)]
pub(crate) struct ModelStore {
    pub(crate) faults: Faults,
    pub(crate) content: Vec<u8>,
    pub(crate) log: Vec<Stored>,
    pub(crate) sealed: bool,
    pub(crate) deleted: bool,
    pub(crate) refuse_setup: Option<Refusal>,
    /// The most conditional blocks that one writer had unanswered on one connection.
    pub(crate) max_conditional_in_flight: usize,
    numbers: BTreeMap<u128, i64>,
    owners: BTreeMap<u128, usize>,
    connections: Vec<Connection>,
    queue: VecDeque<Append>,
    setups: usize,
}

impl ModelStore {
    pub(crate) fn connect(&mut self) -> usize {
        self.connections.push(Connection::default());
        self.connections.len() - 1
    }

    pub(crate) fn connection(&mut self, id: usize) -> &mut Connection {
        &mut self.connections[id]
    }

    pub(crate) fn is_closed(&self, id: usize) -> bool {
        self.connections[id].closed
    }

    /// The server notices that the client is gone: nothing more is received or answered.
    pub(crate) fn close(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        connection.closed = true;
        connection.to_server.clear();
        connection.outcomes.clear();
    }

    pub(crate) fn tail(&self) -> u64 {
        u64::try_from(self.content.len()).unwrap()
    }

    /// Another client's bytes.
    pub(crate) fn append_foreign(&mut self, data: &[u8]) {
        if !self.sealed && !self.deleted {
            let offset = self.tail();
            let (writer, number) = (0, 0);
            self.log.push(Stored {
                writer,
                number,
                offset,
                data: data.to_vec(),
            });
            self.content.extend_from_slice(data);
        }
    }

    /// True when nothing is on its way to or inside the store.
    pub(crate) fn is_quiet(&self) -> bool {
        self.queue.is_empty()
            && self
                .connections
                .iter()
                .all(|one| one.closed || (one.to_server.is_empty() && one.outcomes.is_empty()))
    }

    /// Connections that have something to receive.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        let open = |id: &usize| !self.connections[*id].closed;
        let waits = |id: &usize| !self.connections[*id].to_server.is_empty();
        (0..self.connections.len())
            .filter(open)
            .filter(waits)
            .collect()
    }

    /// Connections that have something to answer.
    pub(crate) fn unanswered(&self) -> Vec<usize> {
        let open = |id: &usize| !self.connections[*id].closed;
        let waits = |id: &usize| !self.connections[*id].outcomes.is_empty();
        (0..self.connections.len())
            .filter(open)
            .filter(waits)
            .collect()
    }

    /// The connection takes in its next request.
    pub(crate) fn receive(&mut self, id: usize) {
        let Some(request) = self.connections[id].to_server.pop_front() else {
            return;
        };
        match request {
            Request::SetupAppend(setup) => self.set_up(id, &setup),
            Request::ConditionalBlockEnd(block) => {
                let append = Append {
                    connection: id,
                    generation: 0,
                    writer: block.writer_id.as_u128(),
                    number: block.event_number,
                    previous: 0,
                    expected_offset: Some(block.expected_offset),
                    data: block.data.into_bytes().to_vec(),
                    request_id: block.request_id,
                };
                self.begin(append);
            }
            Request::AppendBlockEnd(block) => {
                assert_eq!(block.num_events, 1);
                let append = Append {
                    connection: id,
                    generation: 0,
                    writer: block.writer_id.as_u128(),
                    number: block.last_event_number,
                    previous: 0,
                    expected_offset: None,
                    data: block.data.into_bytes().to_vec(),
                    request_id: block.request_id,
                };
                self.begin(append);
            }
            other => panic!("a writer never sends {}", other.name()),
        }
    }

    fn set_up(&mut self, id: usize, setup: &SetupAppend) {
        let writer = setup.writer_id.as_u128();
        if let Some(refusal) = self.refuse_setup {
            let reply = replies::refusal(refusal, setup);
            self.connections[id].to_client.push_back(reply);
            if refusal == Refusal::Expired {
                self.close(id);
            }
            return;
        }
        if self.deleted {
            self.connections[id]
                .to_client
                .push_back(replies::missing(setup.request_id));
            return;
        }
        let last = self
            .numbers
            .get(&writer)
            .copied()
            .unwrap_or(NO_EVENT_NUMBER);
        self.owners.insert(writer, id);
        self.setups += 1;
        let state = WriterState {
            last_stored: last,
            last_acked: last,
            in_flight: 0,
            generation: self.setups,
            decoded: 0,
            broken: false,
        };
        let connection = &mut self.connections[id];
        connection.writers.insert(writer, state);
        connection.to_client.push_back(
            AppendSetup {
                request_id: setup.request_id,
                segment: Arc::clone(&setup.segment),
                writer_id: setup.writer_id,
                last_event_number: last,
            }
            .into(),
        );
    }

    /// The checks of the connection itself; then the append waits for the store.
    fn begin(&mut self, mut append: Append) {
        let fenced =
            self.faults.fences && self.owners.get(&append.writer) != Some(&append.connection);
        let connection = &mut self.connections[append.connection];
        let accepted = connection.writers.get_mut(&append.writer).filter(|state| {
            !fenced
                && !state.broken
                && append.number >= state.decoded
                && append.number >= state.last_stored
        });
        let Some(state) = accepted else {
            self.close(append.connection);
            return;
        };
        append.generation = state.generation;
        append.previous = state.last_stored;
        state.last_stored = append.number;
        state.decoded = append.number;
        state.in_flight += 1;
        if append.expected_offset.is_some() {
            self.max_conditional_in_flight = self.max_conditional_in_flight.max(state.in_flight);
        }
        self.queue.push_back(append);
    }

    /// The store does the next append, whether or not anybody still waits for the answer.
    pub(crate) fn apply(&mut self) {
        let Some(append) = self.queue.pop_front() else {
            return;
        };
        let outcome = self.outcome(&append);
        if let Outcome::Appended { .. } = outcome {
            self.log.push(Stored {
                writer: append.writer,
                number: append.number,
                offset: self.tail(),
                data: append.data.clone(),
            });
            self.content.extend_from_slice(&append.data);
            if !self.faults.number_not_durable {
                self.numbers.insert(append.writer, append.number);
            }
        }
        let connection = &mut self.connections[append.connection];
        if !connection.closed {
            connection.outcomes.push_back((append, outcome));
        }
    }

    fn outcome(&self, append: &Append) -> Outcome {
        let length = i64::try_from(self.content.len()).unwrap();
        let number = self
            .numbers
            .get(&append.writer)
            .copied()
            .unwrap_or(NO_EVENT_NUMBER);
        let wrong_number = number != append.previous && !self.faults.number_not_durable;
        let wrong_offset = append
            .expected_offset
            .is_some_and(|offset| offset >= 0 && offset != length);
        if self.deleted {
            Outcome::Missing
        } else if self.sealed {
            Outcome::Sealed
        } else if wrong_offset && self.faults.offset_before_number {
            Outcome::ConditionFailed
        } else if wrong_number {
            Outcome::BadNumber
        } else if wrong_offset {
            Outcome::ConditionFailed
        } else {
            let tail = self.tail() + u64::try_from(append.data.len()).unwrap();
            Outcome::Appended { tail }
        }
    }

    /// The connection hears what became of its next append.
    pub(crate) fn answer(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        let Some((append, outcome)) = connection.outcomes.pop_front() else {
            return;
        };
        let current = connection
            .writers
            .get_mut(&append.writer)
            .filter(|state| state.generation == append.generation);
        // The client has set the writer up anew on this connection and listens to that setup only.
        let Some(state) = current else {
            return;
        };
        let reply = state.hear(&append, outcome);
        connection.to_client.extend(reply);
        if outcome == Outcome::BadNumber {
            self.close(id);
        }
    }
}

impl WriterState {
    /// What the server's side of a writer makes of an outcome, and what it says about it.
    fn hear(&mut self, append: &Append, outcome: Outcome) -> Option<Reply> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let (event_number, request_id) = (append.number, append.request_id);
        let writer_id = WriterId::from_wire(append.writer);
        Some(match outcome {
            Outcome::Appended { tail } => {
                if event_number <= self.last_acked {
                    return None;
                }
                let previous = std::mem::replace(&mut self.last_acked, event_number);
                DataAppended {
                    writer_id,
                    event_number,
                    previous_event_number: previous,
                    request_id,
                    current_segment_write_offset: i64::try_from(tail).unwrap(),
                }
                .into()
            }
            Outcome::ConditionFailed => {
                if self.in_flight == 0 {
                    self.last_stored = self.last_acked;
                }
                ConditionalCheckFailed {
                    writer_id,
                    event_number,
                    request_id,
                }
                .into()
            }
            Outcome::BadNumber => InvalidEventNumber {
                writer_id,
                request_id,
                server_stack_trace: String::new(),
                event_number,
            }
            .into(),
            Outcome::Sealed => {
                self.broken = true;
                replies::sealed(request_id, event_number)
            }
            Outcome::Missing => {
                self.broken = true;
                replies::missing(request_id)
            }
        })
    }
}
