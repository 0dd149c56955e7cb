//! The embedded server's store on such a disk, beside a model of it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_standalone::{
    DirectoryError, StoreError,
    storage::{
        AppendFailure, Appending, NewAppend, Pending, Read, SteppedOptions, SteppedStore, Writer,
    },
};

use crate::{disk::Disk, tape::Tape};

/// The names of the segments.
const NAMES: [&str; 2] = ["scope/stream/0.#epoch.0", "scope/stream/1.#epoch.0"];
/// The one writer of each.
const WRITER: u128 = 7;
/// "No number", as a store says it.
const NO_NUMBER: i64 = i64::MIN;

/// What a store must say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    segments: BTreeMap<&'static str, Segment>,
    catalog: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Segment {
    head: usize,
    is_sealed: bool,
    /// All bytes ever; in a store that was looked at, zeros for those below the head.
    content: Vec<u8>,
    number: i64,
}

/// Something that is asked of a store.
#[derive(Debug, Clone)]
pub enum Request {
    /// Makes a segment.
    Create(&'static str),
    /// Gives its writer the right to append.
    SetUp(&'static str),
    /// Appends a block.
    Append {
        /// The segment.
        name: &'static str,
        /// The bytes of the block.
        length: usize,
        /// Numbers left out in front of its number.
        number: i64,
        /// The tail that is asked for.
        at: Option<u64>,
    },
    /// Ends a segment.
    Seal(&'static str),
    /// Moves the head.
    Truncate(&'static str, u64),
    /// Removes a segment.
    Delete(&'static str),
    /// Changes an entry of the catalog.
    Catalog(u8, Option<u8>),
}

impl Request {
    /// What the tape decides.
    pub fn new(tape: &mut Tape<'_>) -> Self {
        let name = *tape.pick(&NAMES);
        match tape.below(12) {
            0 => Self::Create(name),
            1 => Self::SetUp(name),
            2..=6 => Self::Append {
                name,
                length: *tape.pick(&[1, 40, 700, 3_000, 5_000, 20_000, 70_000]),
                number: tape.below(8).try_into().unwrap(),
                at: tape.one_in(4).then(|| tape.byte().into()),
            },
            7 => Self::Seal(name),
            8 => Self::Truncate(name, u64::from(tape.byte()) * u64::from(tape.byte())),
            9 => Self::Delete(name),
            _ => Self::Catalog(tape.byte() % 4, (!tape.one_in(3)).then(|| tape.byte())),
        }
    }
}

impl Request {
    fn changes_names(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Delete(_))
    }
}

/// An answer that is waited for.
enum Waiting {
    Bool(Pending<bool>),
    Length(Pending<u64>),
    Unit(Pending<()>),
    Writer(&'static str, Pending<Writer>),
    Append(Appending),
}

/// What a model or a store answers; none where a writer would be needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done(u64),
    NoSuchSegment,
    Sealed,
    Refused,
    /// The disk has failed.
    Stopped,
}

impl State {
    /// What a request does and is answered.
    fn apply(&mut self, request: &Request) -> Answer {
        match *request {
            Request::Create(name) => {
                let is_new = !self.segments.contains_key(name);
                self.segments.entry(name).or_insert_with(|| Segment {
                    number: NO_NUMBER,
                    ..Segment::default()
                });
                Answer::Done(is_new.into())
            }
            Request::Catalog(key, value) => {
                match value {
                    Some(value) => self.catalog.insert(vec![key], vec![value; 20]),
                    None => self.catalog.remove(&vec![key]),
                };
                Answer::Done(0)
            }
            Request::Delete(name) => match self.segments.remove(name) {
                Some(_) => Answer::Done(0),
                None => Answer::NoSuchSegment,
            },
            Request::SetUp(name)
            | Request::Seal(name)
            | Request::Truncate(name, _)
            | Request::Append { name, .. } => match self.segments.get_mut(name) {
                Some(segment) => segment.apply(request),
                None => Answer::NoSuchSegment,
            },
        }
    }

    /// As a store shows it: nothing below the head.
    fn shown(mut self) -> Self {
        for segment in self.segments.values_mut() {
            segment.content[..segment.head].fill(0);
        }
        self
    }
}

impl std::fmt::Debug for Segment {
    /// The bytes are too many to print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (head, tail, number) = (self.head, self.content.len(), self.number);
        let sealed = if self.is_sealed { ", sealed" } else { "" };
        let sum = self.content.iter().fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
        });
        write!(f, "{head}..{tail}{sealed}, number {number}, sum {sum:x}")
    }
}

impl Segment {
    fn apply(&mut self, request: &Request) -> Answer {
        let tail = u64::try_from(self.content.len()).unwrap();
        match *request {
            Request::Append {
                length, number, at, ..
            } => {
                if self.is_sealed {
                    return Answer::Sealed;
                }
                if at.is_some_and(|at| at != tail) {
                    return Answer::Refused;
                }
                self.number = next(self.number, number);
                let first = self.content.len();
                self.content.extend((first..first + length).map(byte_at));
                Answer::Done(u64::try_from(self.content.len()).unwrap())
            }
            Request::Seal(_) => {
                self.is_sealed = true;
                Answer::Done(tail)
            }
            Request::Truncate(_, offset) if offset > tail => Answer::Refused,
            Request::Truncate(_, offset) => {
                self.head = self.head.max(usize::try_from(offset).unwrap());
                Answer::Done(0)
            }
            _ => Answer::Done(0),
        }
    }
}

/// The byte at `offset` of every segment.
fn byte_at(offset: usize) -> u8 {
    (offset ^ (offset >> 8) * 37).to_le_bytes()[0]
}

/// The number of a block behind `last`.
fn next(last: i64, step: i64) -> i64 {
    last.max(0) + 1 + step
}

/// A store and its model.
pub struct Store {
    store: SteppedStore,
    writers: BTreeMap<&'static str, Writer>,
    connection: u64,
    /// Everything that was acknowledged.
    pub state: State,
}

/// Bounds that make a small store of it.
pub fn options() -> SteppedOptions {
    let mut options = SteppedOptions::default();
    options.cache = 64 * 1024;
    options.reserve = 4096;
    options.clock = || 1_700_000_000_000;
    options
}

impl Store {
    /// Opens what is on a disk, which must be `state`.
    ///
    /// # Errors
    /// As the store says.
    pub fn open(disk: &Disk, state: State) -> Result<Self, DirectoryError> {
        Ok(Self {
            store: SteppedStore::open(Arc::new(disk.clone()), &options())?,
            writers: BTreeMap::new(),
            connection: 0,
            state,
        })
    }

    /// Asks for several things at once, but for what makes or deletes a segment, which comes alone; and compares the answers with the model's. What may be found when the
    /// disk failed on the way: the states from the last acknowledged one on, as many as were asked for.
    pub fn group(&mut self, requests: &[Request]) -> Vec<State> {
        let mut may_be = vec![self.state.clone()];
        let mut waiting = Vec::new();
        let mut model = self.state.clone();
        for request in requests {
            // Which segment a name stands for is decided when a request comes, not when it is its turn.
            if request.changes_names() && !waiting.is_empty() {
                break;
            }
            let Some(asked) = self.ask(request, &model) else {
                continue;
            };
            let expected = model.apply(request);
            may_be.push(model.clone());
            waiting.push((request, expected, asked));
            if request.changes_names() {
                break;
            }
        }
        while self.store.turn() {}
        let mut acknowledged = 0;
        for (number, (request, expected, asked)) in waiting.into_iter().enumerate() {
            let answer = self.answer(asked);
            if answer != Answer::Stopped {
                assert_eq!(answer, expected, "{request:?}");
                // What changes nothing may be answered in front of what was asked before.
                if may_be[number] != may_be[number + 1] {
                    acknowledged = number + 1;
                }
            }
        }
        may_be.drain(..acknowledged);
        self.state = may_be[0].clone();
        self.writers
            .retain(|name, _| self.state.segments.contains_key(name));
        may_be
    }

    fn ask(&mut self, request: &Request, model: &State) -> Option<Waiting> {
        let store = self.store.requests();
        Some(match *request {
            Request::Create(name) => Waiting::Bool(store.create(name)),
            Request::Seal(name) => Waiting::Length(store.seal(name)),
            Request::Truncate(name, offset) => Waiting::Unit(store.truncate(name, offset)),
            Request::Delete(name) => {
                self.writers.remove(name);
                Waiting::Unit(store.delete(name))
            }
            Request::Catalog(key, value) => {
                let change = (vec![key], value.map(|value| vec![value; 20]));
                Waiting::Unit(store.write_catalog(vec![change]))
            }
            Request::SetUp(name) => {
                self.connection += 1;
                self.writers.remove(name);
                let writer = WriterId::from_wire(WRITER);
                Waiting::Writer(name, store.set_up(name, writer, self.connection))
            }
            Request::Append {
                name,
                length,
                number,
                at,
            } => {
                let writer = self.writers.get(name)?;
                let segment = model.segments.get(name)?;
                let after = segment.number;
                let first = segment.content.len();
                let data: Bytes = (first..first + length).map(byte_at).collect();
                let number = next(after, number);
                Waiting::Append(store.append(
                    writer,
                    NewAppend {
                        after,
                        number,
                        at,
                        data,
                    },
                ))
            }
        })
    }

    fn answer(&mut self, asked: Waiting) -> Answer {
        match asked {
            Waiting::Bool(mut pending) => answer(pending.take().map(|done| done.map(u64::from))),
            Waiting::Length(mut pending) => answer(pending.take()),
            Waiting::Unit(mut pending) => answer(pending.take().map(|done| done.map(|()| 0))),
            Waiting::Writer(name, mut pending) => {
                let taken = pending
                    .take()
                    .map(|writer| writer.map(|writer| self.keep(name, writer)));
                answer(taken)
            }
            Waiting::Append(mut append) => match append.take() {
                Some(Ok(tail)) => Answer::Done(tail),
                Some(Err(AppendFailure::Sealed)) => Answer::Sealed,
                Some(Err(AppendFailure::NoSuchSegment)) => Answer::NoSuchSegment,
                Some(Err(AppendFailure::Lost | AppendFailure::ReadOnly)) | None => Answer::Stopped,
                Some(Err(_)) => Answer::Refused,
            },
        }
    }

    fn keep(&mut self, name: &'static str, writer: Writer) -> u64 {
        self.writers.insert(name, writer);
        0
    }

    /// Everything that the store says; an error where it says that it cannot.
    ///
    /// # Errors
    /// As the store says.
    pub fn look(&mut self) -> Result<State, StoreError> {
        let requests = self.store.requests();
        let mut found = State::default();
        for name in NAMES {
            let extent = match requests.extent(name) {
                Ok(extent) => extent,
                Err(StoreError::NoSuchSegment) => continue,
                Err(error) => return Err(error),
            };
            let mut content = vec![0; usize::try_from(extent.head).unwrap()];
            loop {
                let at = u64::try_from(content.len()).unwrap();
                assert!(at <= extent.tail, "more bytes than the tail says");
                if at == extent.tail {
                    break;
                }
                match requests.read(name, at, 32 * 1024)? {
                    Read::Bytes(bytes) if !bytes.is_empty() => content.extend_from_slice(&bytes),
                    other => panic!("{name} ends at {}, and at {at} {other:?}", extent.tail),
                }
            }
            let mut number = requests.number(name, WRITER);
            while self.store.turn() {}
            let segment = Segment {
                head: usize::try_from(extent.head).unwrap(),
                is_sealed: extent.is_sealed,
                content,
                number: number.take().unwrap_or(Err(StoreError::ShuttingDown))?,
            };
            found.segments.insert(name, segment);
        }
        found.catalog = requests.catalog()?.into_iter().collect();
        Ok(found)
    }
}

fn answer(done: Option<Result<u64, StoreError>>) -> Answer {
    match done {
        Some(Ok(value)) => Answer::Done(value),
        Some(Err(StoreError::NoSuchSegment)) => Answer::NoSuchSegment,
        Some(Err(StoreError::Sealed { .. })) => Answer::Sealed,
        Some(Err(StoreError::Stopped { .. } | StoreError::ShuttingDown)) | None => Answer::Stopped,
        Some(Err(_)) => Answer::Refused,
    }
}

/// True when what was found is one of several states, as a store shows them.
pub fn is_one_of(found: &State, states: &[State]) -> bool {
    states.iter().any(|state| state.clone().shown() == *found)
}
