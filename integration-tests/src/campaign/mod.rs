//! What all fault campaigns have in common: runs from seeds, what a run found, and the account at the end.
//!
//! A campaign is a function from a seed to a verdict. It counts the faults that took effect, each with the
//! state it met, so that a campaign that looked thorough and reached nothing is told from one that did.

mod hunt;
mod report;
mod runner;
mod tally;
mod violation;

pub use self::{
    hunt::{Hunted, hunt},
    report::Report,
    runner::{Plan, over_seeds},
    tally::Tally,
    violation::{Harm, Verdict, Violation},
};
