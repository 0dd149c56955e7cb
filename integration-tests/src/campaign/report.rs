//! The account of a campaign.

use std::{collections::BTreeMap, fmt};

use super::{Harm, Plan, Tally, Verdict, Violation};

/// A report names so many failing seeds; more of them would say nothing more.
const MAX_FAILURES: usize = 10;

/// What the runs of a campaign found.
#[derive(Debug, Clone)]
pub struct Report {
    name: &'static str,
    seed: u64,
    runs: u64,
    tally: Tally,
    /// The sum of the hashes of all traces: the same for the same seeds, in whatever order they ran.
    trace: u64,
    harm: BTreeMap<Harm, u64>,
    failed: u64,
    /// The first ones, by seed.
    failures: BTreeMap<u64, Violation>,
    never_reached: Vec<(&'static str, &'static str)>,
    notes: Vec<String>,
}

impl Report {
    /// The account before the first run.
    #[must_use]
    pub fn new(name: &'static str, plan: &Plan) -> Self {
        Self {
            name,
            seed: plan.seed,
            runs: 0,
            tally: Tally::default(),
            trace: 0,
            harm: BTreeMap::new(),
            failed: 0,
            failures: BTreeMap::new(),
            never_reached: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes in one run: the faults that took effect and the hash of its trace, or what was wrong.
    pub fn add_run(&mut self, seed: u64, tally: &Tally, verdict: Verdict<u64>) {
        self.runs += 1;
        self.tally.merge(tally);
        match verdict {
            Ok(trace) => self.trace = self.trace.wrapping_add(trace),
            Err(violation) => self.add_violation(seed, violation),
        }
    }

    /// Takes in something found beside the runs.
    pub fn add_violation(&mut self, seed: u64, violation: Violation) {
        *self.harm.entry(violation.harm).or_default() += violation.bytes;
        self.failed += 1;
        self.failures.insert(seed, violation);
        while self.failures.len() > MAX_FAILURES {
            self.failures.pop_last();
        }
    }

    /// Says something more, on a line of its own.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// From so many runs on, each of these faults must have met its state.
    #[must_use]
    pub fn expecting(mut self, runs: u64, pairs: &[(&'static str, &'static str)]) -> Self {
        if self.runs >= runs {
            let missing = |&&(fault, state): &&(_, _)| self.tally.of(fault, state) == 0;
            self.never_reached = pairs.iter().filter(missing).copied().collect();
        }
        self
    }

    /// Takes in another part of the same campaign.
    pub fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.tally.merge(&other.tally);
        self.trace = self.trace.wrapping_add(other.trace);
        self.failed += other.failed;
        for (harm, bytes) in other.harm {
            *self.harm.entry(harm).or_default() += bytes;
        }
        self.failures.extend(other.failures);
        while self.failures.len() > MAX_FAILURES {
            self.failures.pop_last();
        }
        self.never_reached.extend(other.never_reached);
        self.notes.extend(other.notes);
    }

    /// How many runs were made.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The faults that took effect.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The hash of all traces.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// How many bytes met this harm; of [`Harm::Broken`], how many runs.
    #[must_use]
    pub fn bytes(&self, harm: Harm) -> u64 {
        self.harm.get(&harm).copied().unwrap_or_default()
    }

    /// The failing run with the lowest seed.
    #[must_use]
    pub fn first_failure(&self) -> Option<(u64, &Violation)> {
        let (seed, violation) = self.failures.first_key_value()?;
        Some((*seed, violation))
    }

    /// True when nothing was found and everything expected was reached.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.never_reached.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: first seed {}, trace {:016x}",
            self.name, self.seed, self.trace
        )?;
        for (fault, state, times) in self.tally.iter() {
            writeln!(f, "  {fault:<28} {state:<28} {times:>12}")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        for (fault, state) in &self.never_reached {
            writeln!(f, "never reached: {fault} in {state}")?;
        }
        for (seed, violation) in &self.failures {
            writeln!(f, "seed {seed}: {violation}")?;
        }
        write!(
            f,
            "{}: {} runs, {} faults took effect",
            self.name,
            self.runs,
            self.tally.total()
        )?;
        for harm in [
            Harm::Lost,
            Harm::Doubled,
            Harm::Reordered,
            Harm::FalselyReported,
        ] {
            let unit = if harm == Harm::Lost { " bytes" } else { "" };
            write!(f, ", {}{unit} {}", self.bytes(harm), harm.word())?;
        }
        match self.bytes(Harm::Broken) {
            0 => Ok(()),
            broken => write!(f, ", {broken} runs broken"),
        }
    }
}
