//! Looks for a violation until there is one.

use super::{Plan, Report, Violation};

/// What a hunt came to.
#[derive(Debug, Clone)]
pub struct Hunted {
    /// How many seeds it took: up to and with the first that found something, or all of them.
    pub seeds: u64,
    /// What was found.
    pub found: Option<Violation>,
}

/// Makes the runs of `campaign` from the first seed of `plan` on, in batches of 1, 10, 100 and so on, until one of
/// them finds something or the runs of `plan` have been made.
pub fn hunt(campaign: impl Fn(&Plan) -> Report, plan: &Plan) -> Hunted {
    let (mut made, mut batch) = (0, 1);
    while made < plan.runs {
        let runs = batch.min(plan.runs - made);
        let part = Plan {
            seed: plan.seed.wrapping_add(made),
            runs,
            ..*plan
        };
        if let Some((seed, violation)) = campaign(&part).first_failure() {
            return Hunted {
                seeds: seed.wrapping_sub(plan.seed).saturating_add(1),
                found: Some(violation.clone()),
            };
        }
        made += runs;
        batch = batch.saturating_mul(10);
    }
    Hunted {
        seeds: made,
        found: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::over_seeds;

    #[test]
    fn a_hunt_ends_with_the_first_seed_that_finds_something() {
        let nth = |bad: u64| {
            move |plan: &Plan| {
                over_seeds("example", plan, |seed, _| match seed % 1_000 >= bad {
                    true => Err(Violation::broken("here")),
                    false => Ok(0),
                })
            }
        };
        let plan = Plan::new(5_000).from_seed(1_000);
        for bad in [0, 1, 10, 11, 57, 111, 500] {
            let hunted = hunt(nth(bad), &plan);
            assert_eq!(hunted.seeds, bad + 1);
            assert!(hunted.found.is_some());
        }
        let hunted = hunt(nth(5_000), &plan);
        assert_eq!((hunted.seeds, hunted.found), (5_000, None));
    }
}
