//! Writers whose store never answers: what they take stays below their bound.

use pravega_client_shared::WriterId;
use pravega_segment_session::{AppendOptions, AppendSession, SubmitError, WriteMode};

use crate::{
    Random,
    campaign::{Plan, Report, Tally, Verdict, Violation, over_seeds},
};

/// A writer that is filled until it refuses, for each seed.
pub(super) fn run(plan: &Plan) -> Report {
    over_seeds("window", plan, fill)
}

fn fill(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let mut random = Random::new(seed);
    let bound = 1 + random.below(100_000);
    let mode = match random.one_in(2) {
        true => WriteMode::Exclusive,
        false => WriteMode::Shared,
    };
    let options = AppendOptions::default()
        .with_mode(mode)
        .with_max_unacked_bytes(bound);
    let mut session = AppendSession::new(WriterId::from_wire(1), "s/t/0".into(), options);
    let longest = 1 + random.below(2_000);
    for _ in 0..=bound {
        let bytes = vec![7; 1 + random.below(longest)];
        let before = session.accepted();
        match session.submit(super::moment(), &bytes) {
            Ok(_) => {}
            Err(SubmitError::Full { .. } | SubmitError::TooLarge { .. }) => {
                tally.count("submission refused", "window full");
                return check_room(&session, before, bound).map(|()| before);
            }
            Err(error) => return Err(Violation::broken(error.to_string())),
        }
        check_room(&session, session.accepted(), bound)?;
    }
    Err(Violation::broken(format!(
        "{} bytes taken, and no end",
        session.accepted()
    )))
}

fn check_room(session: &AppendSession, accepted: u64, bound: usize) -> Verdict {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    match session.accepted() == accepted && session.unacked_bytes() <= bound {
        true => Ok(()),
        false => {
            let unacked = session.unacked_bytes();
            let what = format!("{unacked} bytes wait where at most {bound} may");
            Err(Violation::broken(what))
        }
    }
}
