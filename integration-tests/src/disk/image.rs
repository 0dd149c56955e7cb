//! What was done to a disk, and what a loss of power leaves of it.

use std::{collections::BTreeMap, sync::Arc};

use super::folder::put;
use crate::random::Random;

/// What a disk writes whole or not at all, bytes.
const SECTOR: usize = 512;

/// One step of a server on its disk.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A file was made.
    Make { name: String, file: usize },
    /// A file got another name.
    Rename { from: String, to: String },
    /// A name was removed.
    Remove { name: String },
    /// The names were made durable.
    SyncNames,
    /// Bytes were written.
    Write {
        file: usize,
        offset: usize,
        data: Vec<u8>,
    },
    /// A file was cut, or made longer.
    SetLength { file: usize, length: usize },
    /// A file was made durable.
    Sync { file: usize },
    /// A sync failed. The system takes what was written for written, and never tries again.
    FailedSync { file: usize },
}

/// Files and their names, all of it durable.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    names: BTreeMap<String, usize>,
    files: BTreeMap<usize, Arc<Vec<u8>>>,
}

impl Image {
    /// An image of these files.
    pub(super) fn new(files: impl Iterator<Item = (String, Vec<u8>)>) -> Self {
        let mut image = Self::default();
        for (file, (name, content)) in files.enumerate() {
            image.names.insert(name, file);
            image.files.insert(file, Arc::new(content));
        }
        image
    }

    /// Names and contents.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.names.iter().map(|(name, file)| {
            let content = self.files.get(file).map(|content| content.as_slice());
            (name.as_str(), content.unwrap_or_default())
        })
    }

    /// The content of a file.
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.files().find(|(found, _)| *found == name);
        found.map(|(_, content)| content)
    }

    /// The same with another content of a file, or without it.
    pub(super) fn with(&self, name: &str, content: Option<Vec<u8>>) -> Self {
        let others = self.files().filter(|(found, _)| *found != name);
        let others = others.map(|(name, content)| (name.to_owned(), content.to_vec()));
        let changed = content.map(|content| (name.to_owned(), content));
        Self::new(others.chain(changed))
    }

    fn content(&mut self, file: usize) -> &mut Vec<u8> {
        Arc::make_mut(self.files.entry(file).or_default())
    }

    /// Does a step.
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { file, offset, data } => put(self.content(*file), *offset, data),
            Step::SetLength { file, length } => self.content(*file).resize(*length, 0),
            Step::Make { name, file } => {
                self.names.insert(name.clone(), *file);
            }
            Step::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Step::Remove { name } => {
                self.names.remove(name);
            }
            Step::SyncNames | Step::Sync { .. } | Step::FailedSync { .. } => {}
        }
    }

    /// Does a part of steps, in their order, as a loss of power leaves it.
    fn apply_some<'a>(&mut self, steps: impl Iterator<Item = &'a Step>, random: &mut Random) {
        let keep = Keep::pick(random);
        let mut last = None;
        for step in steps {
            let Step::Write { file, offset, data } = step else {
                if keep.step(random) {
                    self.apply(step);
                }
                continue;
            };
            for (index, sector) in data.chunks(SECTOR).enumerate() {
                if keep.step(random) {
                    let at = offset + index * SECTOR;
                    put(self.content(*file), at, sector);
                    last = Some((*file, at, sector.len()));
                }
            }
        }
        // The sector that was being written when the power went.
        if let Some((file, at, length)) = last.filter(|_| random.one_in(3)) {
            let garbage = (0..length).map(|_| random.next().to_le_bytes()[0]);
            put(self.content(file), at, &garbage.collect::<Vec<_>>());
        }
    }
}

/// How much of what was not synced is there after a loss of power.
#[derive(Debug, Clone, Copy)]
enum Keep {
    Nothing,
    Everything,
    Half,
    Most,
    Little,
}

impl Keep {
    fn pick(random: &mut Random) -> Self {
        match random.below(8) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 | 3 => Self::Most,
            4 => Self::Little,
            _ => Self::Half,
        }
    }

    fn step(self, random: &mut Random) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Half => random.one_in(2),
            Self::Most => !random.one_in(12),
            Self::Little => random.one_in(12),
        }
    }
}

/// What is durable, and what is on its way.
#[derive(Debug, Clone)]
struct Disk {
    durable: Image,
    /// Steps by their places in the recording.
    pending: Vec<usize>,
}

impl Disk {
    fn step(&mut self, at: usize, steps: &[Step]) {
        let Some(step) = steps.get(at) else {
            return;
        };
        let is_done = |other: &usize| match (step, steps.get(*other)) {
            (
                Step::Sync { file } | Step::FailedSync { file },
                Some(Step::Write { file: of, .. } | Step::SetLength { file: of, .. }),
            ) => of == file,
            (
                Step::SyncNames,
                Some(Step::Make { .. } | Step::Rename { .. } | Step::Remove { .. }),
            ) => true,
            _ => false,
        };
        let done: Vec<usize> = self
            .pending
            .extract_if(.., |other| is_done(other))
            .collect();
        let done = done.iter().filter_map(|other| steps.get(*other));
        match step {
            Step::Sync { .. } | Step::SyncNames => done.for_each(|step| self.durable.apply(step)),
            Step::FailedSync { .. } => {
                let mut random = Random::new(u64::try_from(at).unwrap_or_default());
                self.durable.apply_some(done, &mut random);
            }
            _ => self.pending.push(at),
        }
    }
}

/// Everything that was done to a disk.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    steps: Vec<Step>,
    /// The disk after so many steps: at the start, and behind each sync.
    known: Vec<(usize, Disk)>,
}

impl Recording {
    /// The recording of these steps on a disk that had this on it.
    pub(super) fn new(start: &Image, steps: Vec<Step>) -> Self {
        let mut disk = Disk {
            durable: start.clone(),
            pending: Vec::new(),
        };
        let mut known = vec![(0, disk.clone())];
        for (at, step) in steps.iter().enumerate() {
            disk.step(at, &steps);
            if matches!(
                step,
                Step::Sync { .. } | Step::FailedSync { .. } | Step::SyncNames
            ) {
                known.push((at + 1, disk.clone()));
            }
        }
        Self { steps, known }
    }

    /// How many steps there were.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// What is there after the power went when so many steps were done.
    pub(super) fn crash(&self, steps: usize, random: &mut Random) -> Image {
        let behind = self.known.partition_point(|(at, _)| *at <= steps);
        let Some((from, disk)) = self.known.get(behind.saturating_sub(1)) else {
            return Image::default();
        };
        let mut disk = disk.clone();
        for at in *from..steps {
            disk.step(at, &self.steps);
        }
        let mut image = disk.durable;
        let pending = disk.pending.iter().filter_map(|at| self.steps.get(*at));
        image.apply_some(pending, random);
        image
    }
}
