//! The checker for short histories, which tries every order.
//!
//! In the manner of Wing and Gong, with the memory that Lowe and Porcupine added: from a set of operations done,
//! every operation can be next that was called before any of the others was answered, if a segment in the state
//! reached answers as it did. The state is the number of entries of the log that are there, and follows from the
//! set, so each set is looked at once.

use std::collections::HashSet;

use super::{Action, Log, Operation, Outcome};
use crate::campaign::{Harm, Verdict, Violation};

/// The longest history that is searched. Its sets of operations are at most so many as bits can be set.
pub const MAX_OPERATIONS: usize = 20;

/// Whether the history is linearizable and leads to this log.
///
/// # Errors
/// There is no such order, or the history is longer than [`MAX_OPERATIONS`].
pub fn check(operations: &[Operation], log: &Log) -> Verdict {
    if operations.len() > MAX_OPERATIONS {
        return Err(Violation::broken(format!(
            "{} operations are too many to search",
            operations.len()
        )));
    }
    let mut search = Search {
        operations,
        log,
        seen: HashSet::new(),
        furthest: 0,
    };
    if search.can_finish(Done::default()) {
        return Ok(());
    }
    let what = format!(
        "no order of the operations leads further than {} of {} entries",
        search.furthest,
        log.entries.len()
    );
    Err(Violation::new(Harm::FalselyReported, 1, what))
}

/// The operations done so far, and the segment behind them.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    set: u64,
    entries: usize,
}

struct Search<'a> {
    operations: &'a [Operation],
    log: &'a Log,
    seen: HashSet<u64>,
    furthest: usize,
}

impl Search<'_> {
    fn can_finish(&mut self, done: Done) -> bool {
        self.furthest = self.furthest.max(done.entries);
        if !self.seen.insert(done.set) {
            return false;
        }
        let left = |at: usize| done.set & (1 << at) == 0;
        let mut open = self.operations.iter().enumerate();
        let all_done = open.all(|(at, operation)| !left(at) || may_never_happen(operation));
        if all_done && done.entries == self.log.entries.len() {
            return true;
        }
        // What was answered before another was called comes before it.
        let first_answer = self.operations.iter().enumerate();
        let first_answer = first_answer
            .filter(|(at, _)| left(*at))
            .map(|(_, operation)| operation.latest())
            .min();
        for (at, operation) in self.operations.iter().enumerate() {
            let is_next = left(at) && first_answer.is_none_or(|first| operation.called <= first);
            if is_next
                && let Some(entries) = self.step(operation, done)
                && self.can_finish(Done {
                    set: done.set | (1 << at),
                    entries,
                })
            {
                return true;
            }
        }
        false
    }

    /// The entries behind an operation that happens now, if it is answered as it was.
    fn step(&self, operation: &Operation, done: Done) -> Option<usize> {
        let before = done.entries;
        let tail = match before.checked_sub(1) {
            Some(last) => self.log.entries.get(last)?.end(),
            None => self.log.start,
        };
        let agrees = |is_so: bool| is_so.then_some(before);
        match operation.action {
            Action::Unanswered | Action::Append { len: 0, .. } => Some(before),
            Action::Tail { tail: told } => agrees(told == tail),
            Action::Read { end } => agrees(end <= tail),
            Action::Append {
                id,
                len,
                expected,
                outcome,
            } => {
                let entry = self.log.entries.get(before);
                let is_entry = entry.is_some_and(|entry| {
                    (entry.id, entry.len, entry.offset) == (id, len, tail) && len > 0
                });
                let holds = expected.is_none_or(|expected| expected == tail);
                let is_stored = is_entry && holds && self.is_in_turn(operation, done);
                match outcome {
                    Outcome::Stored { offset } => {
                        let as_told = offset.is_none_or(|offset| offset == tail);
                        (is_stored && as_told).then_some(before + 1)
                    }
                    Outcome::Unknown => is_stored.then_some(before + 1),
                    Outcome::Conflict => agrees(expected.is_some() && !holds),
                    Outcome::NotStored => Some(before),
                }
            }
        }
    }

    /// No append that this client called later is stored already.
    fn is_in_turn(&self, operation: &Operation, done: Done) -> bool {
        let later = |(at, other): (usize, &Operation)| {
            done.set & (1 << at) != 0
                && other.client == operation.client
                && other.called > operation.called
                && matches!(
                    other.action,
                    Action::Append {
                        outcome: Outcome::Stored { .. } | Outcome::Unknown,
                        len: 1..,
                        ..
                    }
                )
        };
        !self.operations.iter().enumerate().any(later)
    }
}

/// True when a history is complete though this was never done.
fn may_never_happen(operation: &Operation) -> bool {
    match operation.action {
        Action::Append { len, outcome, .. } => len == 0 || outcome == Outcome::Unknown,
        Action::Unanswered => true,
        Action::Tail { .. } | Action::Read { .. } => false,
    }
}
