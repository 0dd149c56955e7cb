//! What is dropped, and in which state of the world.

mod asking;
mod closing;
mod controller;
mod durability;
mod opening;
mod permits;
mod pool;
mod reading;
mod room;
mod seeking;
mod sinks;
mod trouble;

use futures::future::BoxFuture;

use super::scene::Trial;
use crate::campaign::Verdict;

/// One operation in one state of the world.
#[derive(Clone, Copy)]
pub(super) struct Case {
    /// The public future, as [`public_futures`](crate::cancel::public_futures) names it.
    pub(super) operation: &'static str,
    pub(super) state: &'static str,
    /// It may wait for something that the case does not bring.
    pub(super) may_park: bool,
    /// It has to do with the connections to the segment store.
    pub(super) is_relayed: bool,
    /// It leaves the segment behind in a state that the next run has no use for.
    pub(super) spoils_the_segment: bool,
    pub(super) act: Act,
}

type Act = for<'a> fn(&'a mut Trial) -> BoxFuture<'a, Verdict>;

impl Case {
    const fn new(operation: &'static str, state: &'static str, act: Act) -> Self {
        Self {
            operation,
            state,
            may_park: false,
            is_relayed: true,
            spoils_the_segment: false,
            act,
        }
    }

    const fn parking(self) -> Self {
        Self {
            may_park: true,
            ..self
        }
    }

    const fn without_relay(self) -> Self {
        Self {
            is_relayed: false,
            ..self
        }
    }

    const fn spoiling(self) -> Self {
        Self {
            spoils_the_segment: true,
            ..self
        }
    }
}

/// All cases.
pub(super) fn all() -> Vec<Case> {
    [
        opening::CASES,
        room::CASES,
        permits::CASES,
        durability::CASES,
        sinks::CASES,
        trouble::CASES,
        closing::CASES,
        reading::CASES,
        seeking::CASES,
        asking::CASES,
        controller::CASES,
        pool::CASES,
    ]
    .concat()
}

/// Those in which a writer has failed before anybody was told.
pub(super) fn with_a_failure() -> Vec<Case> {
    trouble::CASES.to_vec()
}
