//! The checker for all histories.
//!
//! The offsets of a segment are the order in which its appends took effect, so nothing needs to be searched for:
//! - successes tile the log, each at the offset told and no other append twice;
//! - an append that was answered before another was called lies in front of it;
//! - a conflict at `x` is justified unless the append that ends at `x` was answered before the call and the one
//!   that begins at `x` was called after the answer;
//! - an append of which nobody knows fits if it is there, with an open end, and if it is not.
//!
//! Taken one by one, these are not quite enough: two conflicts can each be justified by another moment of the
//! same append. So a moment is found for each entry of the log for which all of them hold.

use std::collections::HashMap;

use super::{
    Action, Log, Operation, Outcome,
    moments::{Elsewhere, Moments},
    operation::NEVER,
};
use crate::campaign::{Harm, Verdict, Violation};

/// Whether the history is linearizable and leads to this log.
///
/// # Errors
/// The first operation or entry that does not fit.
pub fn check(operations: &[Operation], log: &Log) -> Verdict {
    check_tiles(log)?;
    let mut check = Check::new(operations, log)?;
    for (at, operation) in operations.iter().enumerate() {
        check.take(at, operation)?;
    }
    check.find_moments()
}

/// The entries lie one behind the other.
fn check_tiles(log: &Log) -> Verdict {
    let mut tail = log.start;
    for entry in &log.entries {
        if entry.offset != tail || entry.len == 0 {
            let what = format!("{entry:?} where the segment ended at {tail}");
            return Err(Violation::new(Harm::Lost, entry.len, what));
        }
        tail = entry.end();
    }
    Ok(())
}

struct Check<'a> {
    operations: &'a [Operation],
    log: &'a Log,
    /// The place of each append in the log.
    places: HashMap<u64, usize>,
    moments: Moments,
    conflicts: Vec<Elsewhere>,
}

impl<'a> Check<'a> {
    fn new(operations: &'a [Operation], log: &'a Log) -> Verdict<Self> {
        let mut called = HashMap::new();
        for operation in operations {
            if let Action::Append { id, len, .. } = operation.action
                && called.insert(id, (operation, len)).is_some()
            {
                return Err(Violation::broken(format!("two appends have id {id}")));
            }
        }
        let mut places = HashMap::new();
        let mut latest_calls: HashMap<u32, u64> = HashMap::new();
        for (place, entry) in log.entries.iter().enumerate() {
            let harm = |harm, what: &str| {
                Err(Violation::new(harm, entry.len, format!("{entry:?} {what}")))
            };
            let Some(&(operation, len)) = called.get(&entry.id) else {
                return harm(Harm::FalselyReported, "was called by nobody");
            };
            if len != entry.len {
                return harm(Harm::Lost, "has another length than was asked for");
            }
            if places.insert(entry.id, place).is_some() {
                return harm(Harm::Doubled, "is there a second time");
            }
            let before = latest_calls.insert(operation.client, operation.called);
            if before.is_some_and(|before| before > operation.called) {
                return harm(Harm::Reordered, "is behind a later one of its client");
            }
        }
        let moments = Moments::new(log.entries.len());
        let conflicts = Vec::new();
        Ok(Self {
            operations,
            log,
            places,
            moments,
            conflicts,
        })
    }

    /// Takes in what an operation says about the log and its moments.
    fn take(&mut self, at: usize, operation: &Operation) -> Verdict {
        match operation.action {
            Action::Append { len: 0, .. } | Action::Unanswered => Ok(()),
            Action::Append { outcome, .. } => match outcome {
                Outcome::Stored { offset } => self.take_stored(operation, offset),
                Outcome::Unknown => self.take_unknown(operation),
                Outcome::NotStored => self.take_failed(operation),
                Outcome::Conflict => self.take_conflict(at, operation),
            },
            Action::Tail { tail } => self.take_tail(operation, tail),
            Action::Read { end } => self.take_read(operation, end),
        }
    }

    fn place(&self, operation: &Operation) -> Option<usize> {
        match operation.action {
            Action::Append { id, .. } => self.places.get(&id).copied(),
            _ => None,
        }
    }

    fn take_stored(&mut self, operation: &Operation, told: Option<u64>) -> Verdict {
        let Some(place) = self.place(operation) else {
            return found(Harm::Lost, operation, "is not in the log");
        };
        let offset = self.log.entries.get(place).map(|entry| entry.offset);
        if told.is_some() && told != offset {
            return found(Harm::Reordered, operation, "is elsewhere in the log");
        }
        self.take_entry(operation, place)
    }

    fn take_unknown(&mut self, operation: &Operation) -> Verdict {
        match self.place(operation) {
            Some(place) => self.take_entry(operation, place),
            None => Ok(()),
        }
    }

    /// An append that is in the log.
    fn take_entry(&mut self, operation: &Operation, place: usize) -> Verdict {
        let offset = self.log.entries.get(place).map(|entry| entry.offset);
        if let Action::Append {
            expected: Some(expected),
            ..
        } = operation.action
            && offset != Some(expected)
        {
            return found(Harm::Reordered, operation, "is not where it was expected");
        }
        self.moments.not_before(place, operation.called);
        self.moments.not_after(place, operation.latest());
        Ok(())
    }

    fn take_failed(&mut self, operation: &Operation) -> Verdict {
        match self.place(operation) {
            Some(_) => found(Harm::FalselyReported, operation, "is in the log"),
            None => Ok(()),
        }
    }

    fn take_conflict(&mut self, at: usize, operation: &Operation) -> Verdict {
        self.take_failed(operation)?;
        let Action::Append {
            expected: Some(expected),
            ..
        } = operation.action
        else {
            return found(Harm::FalselyReported, operation, "had no condition");
        };
        if let Some(entries) = self.log.entries_at(expected) {
            self.conflicts.push(Elsewhere {
                entries,
                called: operation.called,
                returned: operation.latest(),
                operation: at,
            });
        }
        Ok(())
    }

    fn take_tail(&mut self, operation: &Operation, tail: u64) -> Verdict {
        let Some(entries) = self.log.entries_at(tail) else {
            return found(Harm::FalselyReported, operation, "was never the tail");
        };
        if let Some(last) = entries.checked_sub(1) {
            self.moments.not_after(last, operation.latest());
        }
        if entries < self.log.entries.len() {
            self.moments.not_before(entries, operation.called);
        }
        Ok(())
    }

    fn take_read(&mut self, operation: &Operation, end: u64) -> Verdict {
        if end > self.log.tail() {
            return found(Harm::Lost, operation, "is not all in the log");
        }
        let entries = &self.log.entries;
        let last = entries.partition_point(|entry| entry.end() < end);
        if end > self.log.start {
            self.moments.not_after(last, operation.latest());
        }
        Ok(())
    }

    fn find_moments(self) -> Verdict {
        let Self {
            operations, log, ..
        } = self;
        if let Some(entry) = self.moments.impossible().and_then(|at| log.entries.get(at)) {
            let what = format!("{entry:?} cannot have been stored in this order");
            return Err(Violation::new(Harm::Reordered, entry.len, what));
        }
        match self.moments.satisfy(&self.conflicts) {
            Ok(_) => Ok(()),
            Err(at) => match operations.get(at) {
                Some(operation) => {
                    let what = "but the segment ended where it was expected";
                    found(Harm::FalselyReported, operation, what)
                }
                None => Err(Violation::broken("a conflict of no operation")),
            },
        }
    }
}

fn found(harm: Harm, operation: &Operation, what: &str) -> Verdict {
    let bytes = match operation.action {
        Action::Append { len, .. } => len,
        _ => 1,
    };
    let until = match operation.latest() {
        NEVER => "now".to_owned(),
        latest => latest.to_string(),
    };
    let Operation {
        client,
        called,
        action,
        ..
    } = operation;
    let what = format!("{action:?} of client {client}, from {called} to {until}, {what}");
    Err(Violation::new(harm, bytes, what))
}
