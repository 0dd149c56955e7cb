//! Runs a campaign over its seeds, on all cores.

use std::{
    any::Any,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{Report, Tally, Verdict, Violation};

/// Which runs to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The first seed.
    pub seed: u64,
    /// How many runs, each with the seed after the one before.
    pub runs: u64,
    /// How many at the same time. What a run does must not depend on it.
    pub threads: usize,
}

impl Plan {
    /// So many runs from seed 0 on, on all cores.
    #[must_use]
    pub fn new(runs: u64) -> Self {
        Self {
            seed: 0,
            runs,
            threads: thread::available_parallelism().map_or(1, NonZero::get),
        }
    }

    /// From another seed on.
    #[must_use]
    pub fn from_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// So many at the same time, for campaigns that need the machine for themselves.
    #[must_use]
    pub fn on_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }
}

/// Makes the runs of a plan. `run` gets a seed and a tally for the faults that take effect, and gives the hash
/// of its trace: the same for the same seed. A panic is a violation.
pub fn over_seeds<F>(name: &'static str, plan: &Plan, run: F) -> Report
where
    F: Fn(u64, &mut Tally) -> Verdict<u64> + Sync,
{
    let next = AtomicU64::new(0);
    let whole = Mutex::new(Report::new(name, plan));
    let work = || {
        let mut part = Report::new(name, plan);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= plan.runs {
                break;
            }
            let seed = plan.seed.wrapping_add(number);
            let mut tally = Tally::default();
            let verdict = catch_unwind(AssertUnwindSafe(|| run(seed, &mut tally)));
            let verdict = verdict.unwrap_or_else(|panic| Err(Violation::broken(said(&*panic))));
            part.add_run(seed, &tally, verdict);
        }
        whole
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .merge(part);
    };
    thread::scope(|scope| {
        for _ in 1..plan.threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    whole.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Harm;

    fn odd_seeds_lose(seed: u64, tally: &mut Tally) -> Verdict<u64> {
        tally.count("cut", if seed < 50 { "early" } else { "late" });
        match seed % 10 {
            3 => Err(Violation::new(Harm::Lost, 7, "gone")),
            5 => panic!("seed {seed}"),
            _ => Ok(seed * 31),
        }
    }

    #[test]
    fn the_account_is_the_same_on_any_number_of_threads() {
        let plan = Plan::new(100);
        let one = over_seeds("example", &plan.on_threads(1), odd_seeds_lose);
        let many = over_seeds("example", &plan.on_threads(4), odd_seeds_lose);
        assert_eq!(one.to_string(), many.to_string());
        assert_eq!(one.bytes(Harm::Lost), 70);
        assert_eq!(one.bytes(Harm::Broken), 10);
        assert_eq!(one.tally().of("cut", "early"), 50);
        assert!(!one.is_clean());
        let text = one.to_string();
        assert!(text.contains("seed 5: broken: panic: seed 5"), "{text}");
        let last = text.lines().last().unwrap();
        assert_eq!(
            last,
            "example: 100 runs, 100 faults took effect, 70 bytes lost, 0 doubled, 0 reordered, \
             0 falsely reported, 10 runs broken"
        );
    }

    #[test]
    fn what_was_never_reached_fails_a_campaign_that_is_long_enough() {
        let clean = |_, tally: &mut Tally| {
            tally.count("cut", "early");
            Ok(0)
        };
        let report = || over_seeds("example", &Plan::new(10), clean);
        assert!(report().expecting(10, &[("cut", "early")]).is_clean());
        assert!(!report().expecting(10, &[("cut", "late")]).is_clean());
        assert!(report().expecting(11, &[("cut", "late")]).is_clean());
    }
}
