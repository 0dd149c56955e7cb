//! Requests of a round: asked of the store, and played to the model when the store has answered.

use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_standalone::{
    StoreError,
    storage::{AppendFailure, Appending, NewAppend, Pending, Requests, Writer},
};

use super::state::{ModelAppend, StoreState};
use crate::campaign::{Harm, Verdict, Violation};

/// A change of the catalog: a key, and its value or none to remove it.
pub(super) type Line = (Vec<u8>, Option<Vec<u8>>);

/// A request that was made.
#[derive(Debug)]
pub(super) enum Asked {
    Create(&'static str, Pending<bool>),
    Seal(&'static str, Pending<u64>),
    Truncate(&'static str, u64, Pending<()>),
    Delete(&'static str, Pending<()>),
    Replace(&'static str, u128, [i64; 2], Pending<bool>),
    SetUp(&'static str, u128, Pending<Writer>),
    Catalog(Vec<Line>, Pending<()>),
    Append {
        append: ModelAppend,
        /// Another connection has the writer by now.
        is_fenced: bool,
        outcome: Appending,
    },
}

/// How a request went.
#[derive(Debug)]
pub(super) enum Went {
    /// As the model says; a writer, if one was set up.
    AsPlayed(Option<Writer>),
    /// It was refused for want of a disk: it was not done.
    Refused,
    /// It failed on the way: it may have been done.
    Lost,
}

/// Asks for an append.
pub(super) fn append(
    requests: &Requests,
    writer: &Writer,
    append: ModelAppend,
    is_fenced: bool,
) -> Asked {
    let outcome = requests.append(
        writer,
        NewAppend {
            after: append.after,
            number: append.number,
            at: append.at,
            data: Bytes::from(append.data.clone()),
        },
    );
    Asked::Append {
        append,
        is_fenced,
        outcome,
    }
}

/// Asks for a writer.
pub(super) fn set_up(
    requests: &Requests,
    segment: &'static str,
    writer: u128,
    connection: u64,
) -> Asked {
    let pending = requests.set_up(segment, WriterId::from_wire(writer), connection);
    Asked::SetUp(segment, writer, pending)
}

impl Asked {
    /// Takes the answer and plays the request to the model.
    pub(super) fn settle(&mut self, model: &mut StoreState) -> Verdict<Went> {
        match self {
            Self::Create(name, pending) => {
                let expected = !model.segments.contains_key(name);
                let answer = pending.take();
                let play = |model: &mut StoreState| {
                    model.segments.entry(name).or_default();
                };
                compare("create", answer, &Ok(expected), model, play)
            }
            Self::Seal(name, pending) => {
                let segment = model.segments.get(name);
                let expected = segment.map(|s| s.tail()).ok_or(Refusal::NoSuchSegment);
                let play = |model: &mut StoreState| {
                    if let Some(segment) = model.segments.get_mut(name) {
                        segment.is_sealed = true;
                    }
                };
                compare("seal", pending.take(), &expected, model, play)
            }
            Self::Truncate(name, offset, pending) => settle_truncate(name, *offset, pending, model),
            Self::Delete(name, pending) => {
                let is_there = model.segments.contains_key(name);
                let expected = is_there.then_some(()).ok_or(Refusal::NoSuchSegment);
                let play = |model: &mut StoreState| {
                    model.segments.remove(name);
                };
                compare("delete", pending.take(), &expected, model, play)
            }
            Self::Replace(name, id, numbers, pending) => {
                settle_replace(name, *id, *numbers, pending, model)
            }
            Self::SetUp(name, id, pending) => settle_set_up(name, *id, pending, model),
            Self::Catalog(lines, pending) => {
                let play = |model: &mut StoreState| {
                    for (key, value) in lines.iter() {
                        match value {
                            Some(value) => model.catalog.insert(key.clone(), value.clone()),
                            None => model.catalog.remove(key),
                        };
                    }
                };
                compare("catalog", pending.take(), &Ok(()), model, play)
            }
            Self::Append {
                append,
                is_fenced,
                outcome,
            } => settle_append(append, *is_fenced, outcome.take(), model),
        }
    }
}

/// What the store may say no for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NoSuchSegment,
    OutOfRange,
    Sealed,
}

fn compare<T: PartialEq + std::fmt::Debug>(
    what: &str,
    answer: Option<Result<T, StoreError>>,
    expected: &Result<T, Refusal>,
    model: &mut StoreState,
    play: impl FnOnce(&mut StoreState),
) -> Verdict<Went> {
    let Some(answer) = answer else {
        return Err(Violation::broken(format!("{what} was never answered")));
    };
    let answer = match answer {
        Ok(answer) => Ok(answer),
        Err(StoreError::NoSuchSegment) => Err(Refusal::NoSuchSegment),
        Err(StoreError::OutOfRange { .. }) => Err(Refusal::OutOfRange),
        Err(StoreError::Sealed) => Err(Refusal::Sealed),
        Err(StoreError::DiskFull) => return Ok(Went::Refused),
        Err(StoreError::Stopped { .. }) => return Ok(Went::Lost),
        Err(error) => return Err(Violation::broken(format!("{what}: {error:?}"))),
    };
    if answer != *expected {
        let said = format!("{what} was answered {answer:?}, not {expected:?}");
        return Err(Violation::new(Harm::FalselyReported, 1, said));
    }
    if expected.is_ok() {
        play(model);
    }
    Ok(Went::AsPlayed(None))
}

fn settle_truncate(
    name: &'static str,
    offset: u64,
    pending: &mut Pending<()>,
    model: &mut StoreState,
) -> Verdict<Went> {
    let expected = match model.segments.get(name) {
        None => Err(Refusal::NoSuchSegment),
        Some(segment) if (segment.head..=segment.tail()).contains(&offset) => Ok(()),
        Some(_) => Err(Refusal::OutOfRange),
    };
    let play = |model: &mut StoreState| {
        if let Some(segment) = model.segments.get_mut(name) {
            segment.head = offset;
        }
    };
    compare("truncate", pending.take(), &expected, model, play)
}

fn settle_replace(
    name: &'static str,
    id: u128,
    [expected_number, number]: [i64; 2],
    pending: &mut Pending<bool>,
    model: &mut StoreState,
) -> Verdict<Went> {
    let expected = match model.segments.get(name) {
        None => Err(Refusal::NoSuchSegment),
        Some(segment) if segment.is_sealed => Err(Refusal::Sealed),
        Some(segment) => Ok(segment.number(id) == expected_number),
    };
    let is_done = expected == Ok(true);
    let play = |model: &mut StoreState| {
        if let Some(segment) = model.segments.get_mut(name).filter(|_| is_done) {
            segment.numbers.insert(id, number);
        }
    };
    compare("replace", pending.take(), &expected, model, play)
}

fn settle_set_up(
    name: &'static str,
    id: u128,
    pending: &mut Pending<Writer>,
    model: &mut StoreState,
) -> Verdict<Went> {
    let segment = model.segments.get(name);
    let expected = segment.map(|segment| segment.number(id));
    let expected = expected.ok_or(Refusal::NoSuchSegment);
    let mut writer = None;
    let answer = pending.take().map(|answer| {
        answer.map(|set_up| {
            let last = set_up.last_number();
            writer = Some(set_up);
            last
        })
    });
    match compare("setup", answer, &expected, model, |_| ())? {
        Went::AsPlayed(_) => Ok(Went::AsPlayed(writer)),
        other => Ok(other),
    }
}

fn settle_append(
    append: &ModelAppend,
    is_fenced: bool,
    outcome: Option<Result<u64, AppendFailure>>,
    model: &mut StoreState,
) -> Verdict<Went> {
    let outcome = match outcome {
        None => return Err(Violation::broken("an append was never answered")),
        Some(Err(AppendFailure::ReadOnly)) => return Ok(Went::Refused),
        Some(Err(AppendFailure::Lost)) => return Ok(Went::Lost),
        Some(outcome) => outcome,
    };
    let expected = match is_fenced {
        true => Err(AppendFailure::Fenced),
        false => model.append(append),
    };
    if outcome == expected {
        return Ok(Went::AsPlayed(None));
    }
    let harm = match (outcome, expected) {
        (Ok(_), Err(_)) => Harm::Doubled,
        (Ok(_), Ok(_)) => Harm::Reordered,
        (Err(_), _) => Harm::FalselyReported,
    };
    let bytes = u64::try_from(append.data.len()).unwrap_or(u64::MAX);
    let what = format!("append {append:?} was answered {outcome:?}, not {expected:?}");
    Err(Violation::new(harm, bytes, what))
}
