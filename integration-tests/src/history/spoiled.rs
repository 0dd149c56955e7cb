//! Histories that cannot have happened, each made from one that can have.

use super::{
    Action, Entry, Operation, Outcome,
    generated::{Sample, has_room, plain, tile},
};
use crate::Random;

/// Spoils a history in one way; none if this history cannot be spoiled so.
pub(super) type Spoil = fn(Sample, &mut Random) -> Option<Sample>;

/// Every way, with its name.
pub(super) const WAYS: &[(&str, Spoil)] = &[
    ("a stored block is gone", lost),
    (
        "a stored block is gone and the log closed up",
        lost_and_closed,
    ),
    ("a block is there twice", doubled),
    ("a block was torn", torn),
    ("a block of nobody", stranger),
    (
        "a stored block was reported as a conflict",
        stored_as_conflict,
    ),
    (
        "a stored block was reported as not stored",
        stored_as_not_stored,
    ),
    ("a conflict though the segment ended there", unjustified),
    ("a conflict without a condition", unconditional),
    ("an earlier block lies behind a later one", swapped_in_time),
    ("a client's own blocks are swapped", swapped_in_client),
    ("an ack for another offset", other_offset),
    ("a block stored where it was not expected", other_condition),
    ("a tail from the past", old_tail),
    ("a tail from the future", early_tail),
    ("a tail inside a block", split_tail),
    ("bytes read before they were written", early_read),
    ("bytes read behind the tail", read_beyond),
    ("two conflicts that exclude each other", excluding),
];

/// A stored entry, and its place.
fn stored(sample: &Sample, random: &mut Random) -> Option<(usize, Entry)> {
    let is_stored = |(_, entry): &(usize, &Entry)| {
        let operation = sample.called(entry.id).unwrap();
        matches!(
            operation.action,
            Action::Append {
                outcome: Outcome::Stored { .. },
                ..
            }
        )
    };
    let all: Vec<_> = sample
        .log
        .entries
        .iter()
        .enumerate()
        .filter(is_stored)
        .collect();
    random.pick(&all).map(|(at, entry)| (*at, **entry))
}

fn lost(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let (at, _) = stored(&sample, random)?;
    sample.log.entries.remove(at);
    Some(sample)
}

fn lost_and_closed(sample: Sample, random: &mut Random) -> Option<Sample> {
    let mut sample = lost(plain(sample), random)?;
    tile(&mut sample.log);
    Some(sample)
}

fn doubled(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let entry = *random.pick(&sample.log.entries)?;
    let offset = sample.log.tail();
    sample.log.entries.push(Entry { offset, ..entry });
    Some(sample)
}

fn torn(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let at = random.below(sample.log.entries.len());
    let entry = sample.log.entries.get_mut(at)?;
    entry.len = entry.len.checked_sub(1).filter(|len| *len > 0)?;
    let mut sample = plain(sample);
    tile(&mut sample.log);
    Some(sample)
}

fn stranger(mut sample: Sample, _: &mut Random) -> Option<Sample> {
    let offset = sample.log.tail();
    let (id, len) = (1 << 40, 4);
    sample.log.entries.push(Entry { offset, id, len });
    Some(sample)
}

fn report(sample: &mut Sample, id: u64, told: Outcome) {
    if let Action::Append { outcome, .. } = &mut sample.called_mut(id).action {
        *outcome = told;
    }
}

fn stored_as_conflict(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let (_, entry) = stored(&sample, random)?;
    report(&mut sample, entry.id, Outcome::Conflict);
    Some(sample)
}

fn stored_as_not_stored(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let (_, entry) = stored(&sample, random)?;
    report(&mut sample, entry.id, Outcome::NotStored);
    Some(sample)
}

/// A call of a client of its own.
fn add(sample: &mut Sample, called: u64, returned: u64, action: Action) {
    sample.operations.push(Operation {
        client: 1_000,
        called,
        returned: Some(returned),
        action,
    });
}

fn conflict(id: u64, expected: u64) -> Action {
    Action::Append {
        id,
        len: 4,
        expected: Some(expected),
        outcome: Outcome::Conflict,
    }
}

fn unjustified(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let entries = &sample.log.entries;
    let times: Vec<_> = entries.iter().map(|entry| sample.times(*entry)).collect();
    let gap = random.below(entries.len() + 1);
    let since = gap.checked_sub(1).map_or(0, |last| times[last].1);
    let until = times.get(gap).map_or(u64::MAX - 1, |next| next.0);
    if !has_room(since, until) {
        return None;
    }
    let expected = entries
        .get(gap)
        .map_or(sample.log.tail(), |next| next.offset);
    let last = (since + 8).min(until - 1);
    add(&mut sample, since + 1, last, conflict(1 << 40, expected));
    Some(sample)
}

fn unconditional(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let is_conflict = |one: &&mut Operation| {
        matches!(
            one.action,
            Action::Append {
                outcome: Outcome::Conflict,
                ..
            }
        )
    };
    let mut conflicts: Vec<_> = sample.operations.iter_mut().filter(is_conflict).collect();
    let at = random.below(conflicts.len());
    if let Action::Append { expected, .. } = &mut conflicts.get_mut(at)?.action {
        *expected = None;
    }
    Some(sample)
}

/// Two neighbours in the log for which `wanted` holds change places.
fn swapped(
    sample: Sample,
    random: &mut Random,
    wanted: fn(&Operation, &Operation) -> bool,
) -> Option<Sample> {
    let mut sample = plain(sample);
    let called = |entry: &Entry| sample.called(entry.id).unwrap();
    let pairs = sample.log.entries.windows(2).enumerate();
    let pairs = pairs.filter(|(_, pair)| wanted(called(&pair[0]), called(&pair[1])));
    let places: Vec<_> = pairs.map(|(at, _)| at).collect();
    let at = *random.pick(&places)?;
    sample.log.entries.swap(at, at + 1);
    tile(&mut sample.log);
    Some(sample)
}

fn swapped_in_time(sample: Sample, random: &mut Random) -> Option<Sample> {
    swapped(sample, random, |first, second| {
        first.latest() < second.called
    })
}

fn swapped_in_client(sample: Sample, random: &mut Random) -> Option<Sample> {
    swapped(sample, random, |first, second| {
        first.client == second.client
    })
}

fn other_offset(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let (_, entry) = stored(&sample, random)?;
    let offset = Some(entry.offset + 1 + random.next() % 9);
    report(&mut sample, entry.id, Outcome::Stored { offset });
    Some(sample)
}

fn other_condition(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let (_, entry) = stored(&sample, random)?;
    if let Action::Append { expected, .. } = &mut sample.called_mut(entry.id).action {
        *expected = Some(entry.offset + 1 + random.next() % 9);
    }
    Some(sample)
}

fn old_tail(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let entry = *random.pick(&sample.log.entries)?;
    let (_, latest) = sample.times(entry);
    let at = latest.checked_add(1)?;
    let tail = entry.offset;
    add(&mut sample, at, at + 3, Action::Tail { tail });
    Some(sample)
}

fn early_tail(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let entry = *random.pick(&sample.log.entries)?;
    let (called, _) = sample.times(entry);
    let tail = entry.end();
    add(&mut sample, called - 2, called - 1, Action::Tail { tail });
    Some(sample)
}

fn split_tail(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let entry = *random.pick(&sample.log.entries)?;
    let tail = (entry.len > 1).then_some(entry.offset + 1)?;
    add(&mut sample, 0, 1_000_000, Action::Tail { tail });
    Some(sample)
}

fn early_read(mut sample: Sample, random: &mut Random) -> Option<Sample> {
    let entry = *random.pick(&sample.log.entries)?;
    let (called, _) = sample.times(entry);
    let end = entry.offset + 1;
    add(&mut sample, called - 2, called - 1, Action::Read { end });
    Some(sample)
}

fn read_beyond(mut sample: Sample, _: &mut Random) -> Option<Sample> {
    let end = sample.log.tail() + 1;
    add(&mut sample, 0, 1_000_000, Action::Read { end });
    Some(sample)
}

/// One long append: an early conflict says that it was stored at once, a late one that it was not stored yet.
fn excluding(mut sample: Sample, _: &mut Random) -> Option<Sample> {
    let end = |one: &Operation| one.returned.unwrap_or(one.called);
    let now = sample.operations.iter().map(end).max()? + 1;
    // An append that may still come could come in between.
    let is_open = |one: &Operation| {
        let is_append = matches!(one.action, Action::Append { .. });
        let is_there = |one: &Operation| match one.action {
            Action::Append { id, .. } => sample.log.entries.iter().any(|entry| entry.id == id),
            _ => false,
        };
        is_append && one.latest() > now && is_there(one)
    };
    if sample.operations.iter().any(is_open) {
        return None;
    }
    let before = sample.log.tail();
    let (offset, id, len) = (before, 1 << 40, 4);
    sample.log.entries.push(Entry { offset, id, len });
    let outcome = Outcome::Stored { offset: None };
    let expected = None;
    add(
        &mut sample,
        now,
        now + 10,
        Action::Append {
            id,
            len,
            expected,
            outcome,
        },
    );
    add(&mut sample, now + 1, now + 3, conflict(id + 1, before));
    add(
        &mut sample,
        now + 6,
        now + 8,
        conflict(id + 2, before + len),
    );
    Some(sample)
}
