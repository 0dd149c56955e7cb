//! Whether what several clients saw at the same time can have happened one after the other.
//!
//! A [`History`] is what clients asked for and were told, each with the time of the question and of the answer;
//! a [`Log`] is what the segment holds in the end. Appends, conflicts and reads are *linearizable* when every
//! one of them can be given a moment between its question and its answer, such that, done one at a time in the
//! order of these moments, they give the same answers and the same log. Two checkers decide that:
//!
//! | checker | for | how |
//! | --- | --- | --- |
//! | [`tiling::check`] | histories of any length | offsets are the order, so only the moments must be found |
//! | [`search::check`] | up to [`search::MAX_OPERATIONS`] operations | tries every order that the times allow |
//!
//! Both are exact, and neither knows of the other, so that each is a check of the other: a history that one
//! accepts and the other does not is an error in a checker.
//!
//! Beyond linearizability both demand that the appends of one client lie in the order in which it called them.
//!
//! ```
//! use pravega_integration_tests::history::{Entry, History, Log, Outcome, tiling};
//!
//! let mut history = History::new();
//! let first = history.append(1, 100, 4, Some(0));
//! let second = history.append(2, 200, 4, Some(0));
//! history.finish(first, Outcome::Stored { offset: Some(0) });
//! history.finish(second, Outcome::Conflict);
//! let entry = Entry { offset: 0, id: 100, len: 4 };
//! let log = Log { start: 0, entries: vec![entry] };
//! assert!(tiling::check(history.operations(), &log).is_ok());
//!
//! // Nobody wrote to the segment before the second client was told that somebody had.
//! let empty = Log { start: 0, entries: Vec::new() };
//! assert!(tiling::check(&history.operations()[1..], &empty).is_err());
//! ```

mod log;
mod moments;
mod operation;
pub mod search;
pub mod tiling;

#[cfg(test)]
mod generated;
#[cfg(test)]
mod spoiled;
#[cfg(test)]
mod tests;

pub use self::{
    log::{Entry, Log},
    operation::{Action, History, Operation, Outcome, Pending},
};
