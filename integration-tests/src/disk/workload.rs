//! A few rounds of requests to a store, the same ones for a seed, and the model beside it.

use pravega_standalone::storage::{Requests, SteppedStore, Writer};

use super::{
    request::{Asked, Line, Went, append, set_up},
    state::{ModelAppend, StoreState},
};
use crate::{campaign::Verdict, random::Random};

/// The names of segments; the last differs from the second in a way that only a path would mind.
pub(super) const SEGMENTS: [&str; 3] = ["s/a/0.#epoch.0", "s/b/0.#epoch.0", "s/b/./0.#epoch.0"];

/// The ids of writers.
pub(super) const WRITERS: [u128; 3] = [7, 8, 1 << 90];

/// The ids of other numbers.
pub(super) const OTHERS: [u128; 2] = [1 << 64, 5];

/// The keys of the catalog.
const KEYS: [&[u8]; 4] = [b"ss", b"ts/a", b"ns/a", b"ts/b"];

/// Sizes of blocks, bytes: nothing much, and what fills pages and chunks of the file.
const SIZES: [usize; 12] = [0, 1, 1, 16, 300, 900, 900, 3000, 3840, 5000, 9000, 66_000];

/// A writer that was set up by the workload.
#[derive(Debug)]
struct Pen {
    segment: &'static str,
    id: u128,
    writer: Writer,
    /// The last number given to it.
    last: i64,
    /// Somebody else has set the writer up.
    is_fenced: bool,
}

/// Makes requests and keeps account.
#[derive(Debug)]
pub(super) struct Workload {
    random: Random,
    pens: Vec<Pen>,
    connections: u64,
    number: i64,
    /// What everybody may see.
    pub(super) model: StoreState,
    /// The same when everything asked for in this round is done.
    whole: StoreState,
    /// An append that was done, to be sent again.
    done: Option<ModelAppend>,
    /// Segments that are not touched again in this round.
    closed: Vec<&'static str>,
    /// Segments that are deleted in this round.
    deleted: Vec<&'static str>,
    asked: Vec<Asked>,
}

/// What became of a round.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The state with everything that was asked for.
    pub(super) whole: StoreState,
    /// Something failed on the way, so that the whole round may have been done.
    pub(super) is_open: bool,
    /// Requests that were refused for want of a disk.
    pub(super) refused: usize,
    /// Requests that were done, or refused as the model says.
    pub(super) played: usize,
}

impl Workload {
    /// The workload of a seed on a store in this state.
    pub(super) fn new(random: Random, model: StoreState) -> Self {
        Self {
            random,
            pens: Vec::new(),
            connections: 0,
            number: 100,
            whole: model.clone(),
            model,
            done: None,
            closed: Vec::new(),
            deleted: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Makes the requests of a round. They wait for the store's next turn.
    pub(super) fn ask(&mut self, requests: &Requests) {
        self.whole = self.model.clone();
        self.closed.clear();
        self.deleted.clear();
        for name in SEGMENTS {
            if !self.model.segments.contains_key(name) && !self.random.one_in(3) {
                self.asked.push(Asked::Create(name, requests.create(name)));
                self.whole.segments.entry(name).or_default();
                self.closed.push(name);
            }
        }
        for _ in 0..1 + self.random.below(4) {
            match self.random.below(18) {
                0..=5 => self.ask_append(requests),
                6 | 7 => self.ask_copy(requests),
                8 | 9 => self.ask_set_up(requests),
                10..=12 => self.ask_truncate(requests),
                13 => self.ask_replace(requests),
                14 | 15 => self.ask_catalog(requests),
                16 if self.random.one_in(2) => self.ask_seal(requests),
                _ => self.ask_delete(requests),
            }
        }
    }

    /// Takes the answers, after the turn.
    pub(super) fn settle(&mut self) -> Verdict<Round> {
        let mut round = Round {
            whole: std::mem::take(&mut self.whole),
            ..Round::default()
        };
        for mut asked in std::mem::take(&mut self.asked) {
            match asked.settle(&mut self.model)? {
                Went::Refused => round.refused += 1,
                Went::Lost => round.is_open = true,
                Went::AsPlayed(writer) => {
                    round.played += 1;
                    if let (Some(writer), Asked::SetUp(segment, id, _)) = (writer, &asked)
                        && !self.deleted.contains(segment)
                    {
                        self.pens.push(Pen {
                            segment,
                            id: *id,
                            last: writer.last_number(),
                            writer,
                            is_fenced: false,
                        });
                    }
                    if let Asked::Append { append, .. } = asked {
                        self.remember(append);
                    }
                }
            }
        }
        for pen in &mut self.pens {
            let segment = self.model.segments.get(pen.segment);
            pen.last = segment.map_or(pen.last, |segment| segment.number(pen.id));
        }
        Ok(round)
    }

    /// Sets up two writers on every segment, which takes nothing but a turn.
    pub(super) fn set_up_all(&mut self, store: &mut SteppedStore) -> Verdict<Round> {
        self.whole = self.model.clone();
        self.deleted.clear();
        self.pens.retain(|pen| !pen.is_fenced);
        let requests = store.requests();
        let names: Vec<_> = self.model.segments.keys().copied().collect();
        for name in names {
            for id in WRITERS.into_iter().take(2) {
                self.connections += 1;
                let asked = set_up(&requests, name, id, self.connections);
                self.asked.push(asked);
                for pen in &mut self.pens {
                    pen.is_fenced |= pen.segment == name && pen.id == id;
                }
            }
        }
        store.turn();
        self.settle()
    }

    /// Keeps an append that was done, to send it again; rather one that asked for an offset.
    fn remember(&mut self, append: ModelAppend) {
        let segment = self.model.segments.get(append.segment);
        let is_done = segment.is_some_and(|s| s.number(append.writer) == append.number);
        let is_better = append.at.is_some() || self.done.as_ref().is_none_or(|d| d.at.is_none());
        if is_done && is_better {
            self.done = Some(append);
        }
    }

    /// Makes a round: its requests, the turn in which they are done, and the turns for garbage behind it.
    pub(super) fn round(&mut self, store: &mut SteppedStore) -> Verdict<Round> {
        self.ask(&store.requests());
        store.turn();
        self.settle()
    }

    fn open_segment(&mut self) -> Option<&'static str> {
        let name = self.random.pick(&SEGMENTS).copied()?;
        let is_there = self.whole.segments.contains_key(name);
        (is_there && !self.closed.contains(&name)).then_some(name)
    }

    fn ask_append(&mut self, requests: &Requests) {
        let at = self.random.below(self.pens.len());
        let times = 1 + self.random.below(2);
        for _ in 0..times {
            let size = self.random.pick(&SIZES).copied().unwrap_or_default();
            // The largest ones take most of the time.
            let size = if size > 60_000 && !self.random.one_in(8) {
                64
            } else {
                size
            };
            let data = bytes(&mut self.random, size);
            let Some(pen) = self.pens.get_mut(at) else {
                return;
            };
            if self.closed.contains(&pen.segment) {
                return;
            }
            let tail = self.whole.segments.get(pen.segment);
            let tail = tail.map_or(0, super::state::SegmentState::tail);
            let at = match self.random.below(6) {
                0 => Some(tail),
                1 => Some(tail.saturating_sub(1)),
                _ => None,
            };
            self.number += 1;
            let made = ModelAppend {
                segment: pen.segment,
                writer: pen.id,
                after: pen.last,
                number: self.number,
                at,
                data,
            };
            if !pen.is_fenced && self.whole.append(&made).is_ok() {
                pen.last = made.number;
            }
            let asked = append(requests, &pen.writer, made, pen.is_fenced);
            self.asked.push(asked);
        }
    }

    /// Sends an append again that was done: no connection delivers twice, but a client that has lost one does.
    fn ask_copy(&mut self, requests: &Requests) {
        let Some(copy) = self.done.clone() else {
            return;
        };
        let is_its = |pen: &&Pen| {
            pen.segment == copy.segment && pen.id == copy.writer && pen.last >= copy.number
        };
        let Some(pen) = self.pens.iter().find(is_its) else {
            return;
        };
        if self.closed.contains(&pen.segment) {
            return;
        }
        if !pen.is_fenced {
            self.whole.append(&copy).ok();
        }
        let asked = append(requests, &pen.writer, copy, pen.is_fenced);
        self.asked.push(asked);
    }

    fn ask_set_up(&mut self, requests: &Requests) {
        let id = self.random.pick(&WRITERS).copied();
        let (Some(segment), Some(id)) = (self.open_segment(), id) else {
            return;
        };
        // What was queued for the writer in this round would be refused now.
        let is_queued = |asked: &Asked| match asked {
            Asked::Append { append, .. } => append.segment == segment && append.writer == id,
            Asked::SetUp(of, other, _) => *of == segment && *other == id,
            _ => false,
        };
        if self.asked.iter().any(is_queued) {
            return;
        }
        self.connections += 1;
        let asked = set_up(requests, segment, id, self.connections);
        self.asked.push(asked);
        for pen in &mut self.pens {
            pen.is_fenced |= pen.segment == segment && pen.id == id;
        }
    }

    fn ask_truncate(&mut self, requests: &Requests) {
        let Some(name) = self.open_segment() else {
            return;
        };
        let segment = self.whole.segments.get_mut(name);
        let Some(segment) = segment else {
            return;
        };
        let readable = segment.readable().len();
        let step = match self.random.below(4) {
            0 => readable,
            1 => readable + 1,
            _ => self.random.below(readable + 1),
        };
        let offset = segment.head.saturating_add(long(step));
        if offset <= segment.tail() {
            segment.head = offset;
        }
        let pending = requests.truncate(name, offset);
        self.asked.push(Asked::Truncate(name, offset, pending));
    }

    fn ask_replace(&mut self, requests: &Requests) {
        let id = self.random.pick(&OTHERS).copied();
        let (Some(name), Some(id)) = (self.open_segment(), id) else {
            return;
        };
        let segment = self.whole.segments.get_mut(name);
        let Some(segment) = segment else {
            return;
        };
        self.number += 1;
        let expected = match self.random.one_in(4) {
            true => 99,
            false => segment.number(id),
        };
        if expected == segment.number(id) && !segment.is_sealed {
            segment.numbers.insert(id, self.number);
        }
        let pending = requests.replace_number(name, id, expected, self.number);
        let asked = Asked::Replace(name, id, [expected, self.number], pending);
        self.asked.push(asked);
    }

    fn ask_catalog(&mut self, requests: &Requests) {
        self.number += 1;
        let number = self.number.to_be_bytes();
        let mut lines: Vec<Line> = Vec::new();
        for key in KEYS {
            if self.random.one_in(2) {
                let value = (!self.random.one_in(4)).then(|| number.to_vec());
                lines.push((key.to_vec(), value));
            }
        }
        for (key, value) in lines.clone() {
            match value {
                Some(value) => self.whole.catalog.insert(key, value),
                None => self.whole.catalog.remove(&key),
            };
        }
        let pending = requests.write_catalog(lines.clone());
        self.asked.push(Asked::Catalog(lines, pending));
    }

    fn ask_seal(&mut self, requests: &Requests) {
        let Some(name) = self.open_segment() else {
            return;
        };
        if let Some(segment) = self.whole.segments.get_mut(name) {
            segment.is_sealed = true;
        }
        let pending = requests.seal(name);
        self.asked.push(Asked::Seal(name, pending));
        self.closed.push(name);
    }

    /// Deletes a segment, and perhaps makes one of the same name in the same breath.
    fn ask_delete(&mut self, requests: &Requests) {
        let Some(name) = self.open_segment() else {
            return;
        };
        self.closed.push(name);
        self.deleted.push(name);
        self.whole.segments.remove(name);
        self.pens.retain(|pen| pen.segment != name);
        self.done = None;
        let pending = requests.delete(name);
        self.asked.push(Asked::Delete(name, pending));
        if self.random.one_in(2) {
            let pending = requests.create(name);
            self.asked.push(Asked::Create(name, pending));
            self.whole.segments.entry(name).or_default();
        }
    }
}

fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
