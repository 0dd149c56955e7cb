//! Counts of the faults that took effect.

use std::collections::BTreeMap;

/// Faults that took effect, each with the state that it met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(&'static str, &'static str), u64>);

impl Tally {
    /// One more fault took effect, in this state.
    pub fn count(&mut self, fault: &'static str, state: &'static str) {
        self.add(fault, state, 1);
    }

    /// More faults took effect, in this state.
    pub fn add(&mut self, fault: &'static str, state: &'static str, times: u64) {
        if times > 0 {
            *self.0.entry((fault, state)).or_default() += times;
        }
    }

    /// How many took effect in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How often a fault met a state.
    #[must_use]
    pub fn of(&self, fault: &'static str, state: &'static str) -> u64 {
        self.0.get(&(fault, state)).copied().unwrap_or_default()
    }

    /// Takes in what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (&(fault, state), &times) in &other.0 {
            self.add(fault, state, times);
        }
    }

    /// Fault, state and how often, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        self.0
            .iter()
            .map(|(&(fault, state), &times)| (fault, state, times))
    }
}
