//! The appending side of the store.

use std::sync::Arc;

use pravega_client_shared::{
    WriterId,
    planted::{self, Bug},
};
use pravega_wire_protocol::{
    AppendSetup, ConditionalCheckFailed, DataAppended, InvalidEventNumber, Payload, Reply,
    SetupAppend,
};

use super::{Refusal, Store, Stored, replies, wide};
use crate::{Random, simulation::Client};

/// A writer on one connection, as the store's side of that connection sees it.
#[derive(Debug)]
pub(crate) struct WriterState {
    writer: u128,
    last_stored: i64,
    last_acked: i64,
    in_flight: usize,
    /// Which setup made it: appends of an earlier one no longer concern it.
    generation: u32,
    /// Numbers below this one never pass the decoder.
    decoded: i64,
    /// An append failed in a way that needs a new setup.
    is_broken: bool,
}

/// An append inside the store.
#[derive(Debug)]
pub(crate) struct Append {
    pub(super) link: usize,
    pub(super) generation: u32,
    pub(super) writer: u128,
    pub(super) number: i64,
    pub(super) previous: i64,
    pub(super) expected: Option<i64>,
    pub(super) data: Payload,
    pub(super) request_id: i64,
}

/// What became of an append; `by` is how many entries the log had then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Appended { tail: u64, by: usize },
    ConditionFailed { by: usize },
    BadNumber { by: usize },
    Sealed { by: usize },
    Missing,
    WrongHost,
}

impl Outcome {
    pub(super) fn decided_by(self) -> Option<usize> {
        match self {
            Self::Appended { by, .. }
            | Self::ConditionFailed { by }
            | Self::BadNumber { by }
            | Self::Sealed { by } => Some(by),
            Self::Missing | Self::WrongHost => None,
        }
    }
}

impl Store {
    pub(super) fn set_up(
        &mut self,
        id: usize,
        setup: &SetupAppend,
        is_elsewhere: bool,
    ) -> Option<Refusal> {
        let request_id = setup.request_id;
        let refusal = self.take_refusal();
        let reply = if let Some(refusal) = refusal {
            refusal.reply(request_id, &self.segment)
        } else if is_elsewhere {
            Some(replies::wrong_host(request_id, &self.segment))
        } else if self.deleted {
            Some(replies::missing(request_id, &self.segment, -1))
        } else {
            Some(self.welcome(id, setup))
        };
        let link = self.links.get_mut(id)?;
        link.to_client.extend(reply);
        if refusal.is_some_and(Refusal::closes) {
            link.close();
        }
        refusal
    }

    fn welcome(&mut self, id: usize, setup: &SetupAppend) -> Reply {
        let writer = setup.writer_id.as_u128();
        let (_, last) = self.numbers(writer);
        self.owners.retain(|(owned, _)| *owned != writer);
        self.owners.push((writer, id));
        self.setups += 1;
        let state = WriterState {
            writer,
            last_stored: last,
            last_acked: last,
            in_flight: 0,
            generation: self.setups,
            decoded: 0,
            is_broken: false,
        };
        if let Some(link) = self.links.get_mut(id) {
            link.writer = Some(state);
        }
        AppendSetup {
            request_id: setup.request_id,
            segment: Arc::clone(&setup.segment),
            writer_id: setup.writer_id,
            last_event_number: last,
        }
        .into()
    }

    /// The checks of the connection itself; then the append waits for the store.
    pub(super) fn begin(&mut self, mut append: Append) {
        let owned = (append.writer, append.link);
        let is_fenced = self.rules.fences && !self.owners.contains(&owned);
        let Some(link) = self.links.get_mut(append.link) else {
            return;
        };
        let is_elsewhere = link.host != self.host;
        let accepted = link.writer.as_mut().filter(|state| {
            !is_fenced
                && !state.is_broken
                && state.writer == append.writer
                && append.number >= state.decoded
                && append.number >= state.last_stored
        });
        let Some(state) = accepted else {
            link.close();
            return;
        };
        append.generation = state.generation;
        append.previous = state.last_stored;
        state.last_stored = append.number;
        state.decoded = append.number;
        state.in_flight += 1;
        if is_elsewhere {
            link.outcomes.push_back((append, Outcome::WrongHost));
        } else {
            self.queue.push_back(append);
        }
    }

    /// The store does the next append, whether or not anybody still waits for the answer.
    pub(crate) fn apply(&mut self, random: &mut Random) {
        let Some(append) = self.queue.pop_front() else {
            return;
        };
        let outcome = self.decide(&append);
        if let Outcome::Appended { .. } = outcome {
            self.store(&append);
            if planted::is_on(Bug::TailShownBeforeSync) {
                self.wake(random);
            }
        }
        if let Some(link) = self.links.get_mut(append.link)
            && !link.is_closed
        {
            link.outcomes.push_back((append, outcome));
        }
    }

    fn store(&mut self, append: &Append) {
        let link = self.links.get(append.link);
        let writer = link.and_then(|link| match link.client {
            Client::Writer(index) => Some(index),
            Client::Reader(_) => None,
        });
        self.log.push(Stored {
            writer,
            number: append.number,
            offset: self.tail(),
            len: wide(append.data.len()),
        });
        for chunk in append.data.chunks() {
            self.content.extend_from_slice(chunk);
        }
        self.set_applied(append.writer, append.number);
    }

    fn decide(&self, append: &Append) -> Outcome {
        let length = i64::try_from(self.content.len()).unwrap_or(i64::MAX);
        let (number, _) = self.numbers(append.writer);
        let by = self.log.len();
        let wrong_number = number != append.previous;
        let wrong_offset = append
            .expected
            .is_some_and(|offset| offset >= 0 && offset != length);
        if self.deleted {
            Outcome::Missing
        } else if self.sealed {
            Outcome::Sealed { by }
        } else if wrong_offset && planted::is_on(Bug::OffsetBeforeNumber) {
            Outcome::ConditionFailed { by }
        } else if wrong_number {
            Outcome::BadNumber { by }
        } else if wrong_offset {
            Outcome::ConditionFailed { by }
        } else {
            Outcome::Appended {
                tail: self.tail().saturating_add(wide(append.data.len())),
                by: by + 1,
            }
        }
    }

    /// The connection has something that it can say now.
    pub(crate) fn can_answer(&self, id: usize) -> bool {
        let link = self.links.get(id).filter(|link| !link.is_closed);
        let first = link.and_then(|link| link.outcomes.front());
        first.is_some_and(|(_, outcome)| self.is_due(*outcome))
    }

    /// Everything that the outcome was decided by is durable.
    pub(super) fn is_due(&self, outcome: Outcome) -> bool {
        let is_sealing = matches!(outcome, Outcome::Sealed { .. }) && !self.seal_synced;
        !is_sealing && outcome.decided_by().is_none_or(|by| by <= self.synced)
    }

    /// The connection hears what became of its next append, and with `skips` of those behind it as well: one
    /// ack is then given for several.
    pub(crate) fn answer(&mut self, id: usize, skips: bool) {
        if !self.can_answer(id) {
            return;
        }
        let synced = self.synced;
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let Some((mut append, mut outcome)) = link.outcomes.pop_front() else {
            return;
        };
        while skips
            && let Outcome::Appended { .. } = outcome
            && let Some((_, Outcome::Appended { by, .. })) = link.outcomes.front()
            && *by <= synced
        {
            if let Some(state) = link.writer.as_mut()
                && state.generation == append.generation
            {
                state.in_flight = state.in_flight.saturating_sub(1);
            }
            let Some(next) = link.outcomes.pop_front() else {
                break;
            };
            (append, outcome) = next;
        }
        // A client that has set the writer up anew on this connection listens to that setup only.
        let current = link.writer.as_mut();
        let Some(state) = current.filter(|state| state.generation == append.generation) else {
            return;
        };
        let reply = state.hear(&append, outcome, &self.segment);
        link.to_client.extend(reply);
        if let Outcome::BadNumber { .. } = outcome {
            link.close();
        }
    }
}

impl WriterState {
    /// What the store's side of a writer makes of an outcome, and what it says about it.
    fn hear(&mut self, append: &Append, outcome: Outcome, segment: &Arc<str>) -> Option<Reply> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let (event_number, request_id) = (append.number, append.request_id);
        let writer_id = WriterId::from_wire(append.writer);
        Some(match outcome {
            Outcome::Appended { tail, .. } => {
                if event_number <= self.last_acked {
                    return None;
                }
                let previous = std::mem::replace(&mut self.last_acked, event_number);
                DataAppended {
                    writer_id,
                    event_number,
                    previous_event_number: previous,
                    request_id,
                    current_segment_write_offset: i64::try_from(tail).unwrap_or(i64::MAX),
                }
                .into()
            }
            Outcome::ConditionFailed { .. } => {
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
            Outcome::BadNumber { .. } => InvalidEventNumber {
                writer_id,
                request_id,
                server_stack_trace: String::new(),
                event_number,
            }
            .into(),
            Outcome::Sealed { .. } => {
                self.is_broken = true;
                replies::sealed(request_id, segment, event_number)
            }
            Outcome::Missing => {
                self.is_broken = true;
                replies::missing(request_id, segment, -1)
            }
            Outcome::WrongHost => {
                self.is_broken = true;
                replies::wrong_host(request_id, segment)
            }
        })
    }
}
