//! What a store must say: a model of segments, numbers and catalog that every request is played to.

use std::{collections::BTreeMap, fmt, sync::Arc};

use pravega_standalone::storage::AppendFailure;

use crate::campaign::{Harm, Verdict, Violation};

/// "No number", as a store says it.
pub(super) const NO_NUMBER: i64 = i64::MIN;

/// A segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SegmentState {
    pub(super) head: u64,
    pub(super) is_sealed: bool,
    /// All bytes ever, those below the head too.
    pub(super) content: Arc<Vec<u8>>,
    /// Numbers of writers and attributes, under their ids.
    pub(super) numbers: BTreeMap<u128, i64>,
}

impl SegmentState {
    /// The offset of the next byte.
    pub(super) fn tail(&self) -> u64 {
        u64::try_from(self.content.len()).unwrap_or(u64::MAX)
    }

    /// The number under an id.
    pub(super) fn number(&self, id: u128) -> i64 {
        self.numbers.get(&id).copied().unwrap_or(NO_NUMBER)
    }

    /// The readable bytes.
    pub(super) fn readable(&self) -> &[u8] {
        let head = usize::try_from(self.head).unwrap_or(usize::MAX);
        self.content.get(head..).unwrap_or_default()
    }
}

/// Everything in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StoreState {
    pub(super) segments: BTreeMap<&'static str, SegmentState>,
    pub(super) catalog: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// One append as the model takes it.
#[derive(Clone)]
pub(super) struct ModelAppend {
    pub(super) segment: &'static str,
    pub(super) writer: u128,
    pub(super) after: i64,
    pub(super) number: i64,
    pub(super) at: Option<u64>,
    pub(super) data: Vec<u8>,
}

impl fmt::Debug for ModelAppend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} after {} of {} in {}, {} bytes at {:?}",
            self.number,
            self.after,
            self.writer,
            self.segment,
            self.data.len(),
            self.at
        )
    }
}

impl StoreState {
    /// What an append does, in the order of the checks that the protocol wants: sealed, number, offset.
    pub(super) fn append(&mut self, append: &ModelAppend) -> Result<u64, AppendFailure> {
        let segment = self.segments.get_mut(append.segment);
        let segment = segment.ok_or(AppendFailure::NoSuchSegment)?;
        if segment.is_sealed {
            return Err(AppendFailure::Sealed);
        }
        if segment.number(append.writer) != append.after {
            return Err(AppendFailure::WrongNumber);
        }
        if append.at.is_some_and(|at| at != segment.tail()) {
            return Err(AppendFailure::WrongOffset);
        }
        segment.numbers.insert(append.writer, append.number);
        Arc::make_mut(&mut segment.content).extend_from_slice(&append.data);
        Ok(segment.tail())
    }

    /// Compares what was found with this, which was acknowledged or shown; says what is wrong with it.
    pub(super) fn compare(&self, found: &Self) -> Verdict {
        for (name, known) in &self.segments {
            let Some(segment) = found.segments.get(name) else {
                let what = format!("segment {name} is gone");
                return Err(Violation::new(Harm::Lost, known.tail(), what));
            };
            known.compare(name, segment)?;
        }
        for name in found.segments.keys() {
            if !self.segments.contains_key(name) {
                let what = format!("segment {name} is there again");
                return Err(Violation::new(Harm::FalselyReported, 1, what));
            }
        }
        match self.catalog == found.catalog {
            true => Ok(()),
            false => {
                let what = format!("the catalog is {:?}, not {:?}", found.catalog, self.catalog);
                Err(Violation::new(Harm::Lost, 1, what))
            }
        }
    }
}

impl SegmentState {
    fn compare(&self, name: &str, found: &Self) -> Verdict {
        let (known, tail) = (self.tail(), found.tail());
        if tail < known {
            let what = format!("{name} ends at {tail}, not at {known}");
            return Err(Violation::new(Harm::Lost, known - tail, what));
        }
        if tail > known {
            let what = format!("{name} ends at {tail}, not at {known}");
            return Err(Violation::new(Harm::FalselyReported, tail - known, what));
        }
        if found.head != self.head {
            let what = format!("the head of {name} is {}, not {}", found.head, self.head);
            let off = found.head.abs_diff(self.head);
            return Err(Violation::new(Harm::FalselyReported, off, what));
        }
        if found.readable() != self.readable() {
            let pairs = found.readable().iter().zip(self.readable());
            let wrong = pairs.filter(|(one, other)| one != other).count();
            let what = format!("{wrong} bytes of {name} are others");
            let wrong = u64::try_from(wrong).unwrap_or(u64::MAX);
            return Err(Violation::new(Harm::Reordered, wrong, what));
        }
        if found.numbers != self.numbers {
            let what = format!(
                "the numbers of {name} are {:?}, not {:?}",
                found.numbers, self.numbers
            );
            return Err(Violation::new(Harm::Lost, 1, what));
        }
        match found.is_sealed == self.is_sealed {
            true => Ok(()),
            false => Err(Violation::new(
                Harm::FalselyReported,
                1,
                format!("the seal of {name} is {}", found.is_sealed),
            )),
        }
    }
}
