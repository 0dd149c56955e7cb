//! Both checkers accept what can have happened, reject what cannot, and always agree.

use super::{
    Action, Entry, Log, Operation, Outcome,
    generated::{Clients, Sample, finished, history},
    search,
    spoiled::WAYS,
    tiling,
};
use crate::Random;

fn clients(seed: u64) -> Clients {
    let mut random = Random::new(!seed);
    Clients {
        count: 2 + random.below(4),
        calls: 3 + random.below(12),
        len: if random.one_in(2) { 4 } else { 0 },
        open: 1 + random.below(2),
    }
}

/// Both verdicts, which must be the same.
fn is_accepted(seed: u64, sample: &Sample) -> bool {
    let fast = tiling::check(&sample.operations, &sample.log);
    let general = search::check(&sample.operations, &sample.log);
    assert_eq!(
        fast.is_ok(),
        general.is_ok(),
        "seed {seed}: {fast:?}, {general:?}: {sample:#?}"
    );
    fast.is_ok()
}

#[test]
fn both_accept_what_can_have_happened() {
    let (mut stored, mut conflicts, mut unknown_stored, mut unknown_missing) = (0, 0, 0, 0);
    for seed in 0..4_000 {
        let sample = finished(history(seed, clients(seed)));
        assert!(is_accepted(seed, &sample), "seed {seed}: {sample:#?}");
        for operation in &sample.operations {
            let Action::Append { id, outcome, .. } = operation.action else {
                continue;
            };
            let is_there = sample.log.entries.iter().any(|entry| entry.id == id);
            match outcome {
                Outcome::Stored { .. } => stored += 1,
                Outcome::Conflict => conflicts += 1,
                Outcome::Unknown if is_there => unknown_stored += 1,
                Outcome::Unknown => unknown_missing += 1,
                Outcome::NotStored => {}
            }
        }
    }
    for count in [stored, conflicts, unknown_stored, unknown_missing] {
        assert!(
            count > 1_000,
            "{:?}",
            (stored, conflicts, unknown_stored, unknown_missing)
        );
    }
}

#[test]
fn the_fast_one_accepts_long_histories() {
    for seed in 0..200 {
        let long = Clients {
            calls: 100,
            ..clients(seed)
        };
        let sample = finished(history(seed, long));
        tiling::check(&sample.operations, &sample.log).unwrap();
    }
}

#[test]
fn both_reject_every_way_of_spoiling() {
    for (name, spoil) in WAYS {
        let mut spoiled = 0;
        for seed in 0.. {
            assert!(
                seed < 200_000,
                "{name}: only {spoiled} histories could be spoiled"
            );
            let sample = finished(history(seed, clients(seed)));
            let Some(sample) = spoil(sample, &mut Random::new(seed)) else {
                continue;
            };
            assert!(
                !is_accepted(seed, &sample),
                "{name}, seed {seed}: {sample:#?}"
            );
            spoiled += 1;
            if spoiled == 1_000 {
                break;
            }
        }
    }
}

/// Changes something without asking whether it still can have happened.
fn disturb(sample: &mut Sample, random: &mut Random) {
    let at = random.below(sample.operations.len());
    let later = random.next() % 40;
    let operation = &mut sample.operations[at];
    match random.below(6) {
        0 => operation.called = operation.called.saturating_sub(later),
        1 => {
            let earlier = operation
                .returned
                .map(|returned| returned.saturating_sub(later));
            operation.returned = earlier.map(|returned| returned.max(operation.called));
        }
        2 => operation.called = (operation.called + later).min(operation.latest()),
        3 => {
            let told = [
                Outcome::Conflict,
                Outcome::Unknown,
                Outcome::Stored { offset: None },
            ];
            if let Action::Append { outcome, .. } = &mut operation.action {
                *outcome = *random.pick(&told).unwrap();
            }
        }
        4 => {
            let offsets: Vec<_> = sample.log.entries.iter().map(Entry::end).collect();
            if let Action::Append { expected, .. } = &mut operation.action {
                *expected = random.pick(&offsets).copied();
            }
        }
        _ => {
            let entries = &mut sample.log.entries;
            if entries.len() > 1 {
                let at = random.below(entries.len() - 1);
                entries.swap(at, at + 1);
                super::generated::tile(&mut sample.log);
            }
        }
    }
}

#[test]
fn both_agree_on_what_may_or_may_not_have_happened() {
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..6_000 {
        let mut sample = finished(history(seed, clients(seed)));
        if seed % 2 == 0 {
            sample = super::generated::plain(sample);
        }
        let mut random = Random::new(seed);
        for _ in 0..=random.below(3) {
            disturb(&mut sample, &mut random);
        }
        match is_accepted(seed, &sample) {
            true => accepted += 1,
            false => rejected += 1,
        }
    }
    assert!(
        accepted > 1_000 && rejected > 1_000,
        "{accepted} accepted, {rejected} rejected"
    );
}

/// Conflicts of random times around appends that overlap: each can be justified in two ways.
#[test]
fn both_agree_where_conflicts_compete_for_moments() {
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..6_000 {
        let mut random = Random::new(seed);
        let (mut operations, mut entries) = (Vec::new(), Vec::new());
        let blocks = 2 + random.next() % 4;
        for id in 0..blocks {
            let (offset, len) = (id * 4, 4);
            entries.push(Entry { offset, id, len });
            let outcome = Outcome::Stored { offset: None };
            let called = 6 * id + random.next() % 8;
            operations.push(Operation {
                client: u32::try_from(id).unwrap(),
                called,
                returned: Some(called + 4 + random.next() % 20),
                action: Action::Append {
                    id,
                    len,
                    expected: None,
                    outcome,
                },
            });
        }
        for id in 100..103 + random.next() % 6 {
            let called = random.next() % (6 * blocks + 8);
            let expected = Some(random.next() % (blocks + 1) * 4);
            let outcome = Outcome::Conflict;
            operations.push(Operation {
                client: u32::try_from(id).unwrap(),
                called,
                returned: Some(called + random.next() % 6),
                action: Action::Append {
                    id,
                    len: 4,
                    expected,
                    outcome,
                },
            });
        }
        let log = Log { start: 0, entries };
        match is_accepted(seed, &Sample { operations, log }) {
            true => accepted += 1,
            false => rejected += 1,
        }
    }
    assert!(
        accepted > 500 && rejected > 500,
        "{accepted} accepted, {rejected} rejected"
    );
}

#[test]
fn a_long_history_is_not_searched() {
    let operation = Operation {
        client: 1,
        called: 1,
        returned: None,
        action: Action::Unanswered,
    };
    let operations = vec![operation; search::MAX_OPERATIONS + 1];
    assert!(search::check(&operations, &Log::default()).is_err());
}
