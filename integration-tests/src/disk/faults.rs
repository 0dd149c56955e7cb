//! What a simulated disk does wrong.

use std::io;

use crate::random::Random;

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Open,
    Make,
    Rename,
    Remove,
    SyncNames,
    SetLength,
    Sync,
    Read,
    Write,
}

/// The faults of a disk, and how often they took effect.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    script: Option<Script>,
    /// Reads and writes that are interrupted, or move less than asked.
    short: Option<Random>,
    /// Blocks that the disk has room for.
    capacity: Option<usize>,
    hits: u64,
}

#[derive(Debug, Clone, Copy)]
struct Script {
    fault: Fault,
    /// So many go well before.
    after: usize,
    error: io::ErrorKind,
    /// Once, and not from then on.
    is_once: bool,
}

impl Faults {
    /// One operation of a kind fails, after so many that go well.
    pub(super) fn once(fault: Fault, after: usize, error: io::ErrorKind) -> Self {
        Self::scripted(fault, after, error, true)
    }

    /// All operations of a kind fail, after so many that go well.
    pub(super) fn from(fault: Fault, after: usize, error: io::ErrorKind) -> Self {
        Self::scripted(fault, after, error, false)
    }

    fn scripted(fault: Fault, after: usize, error: io::ErrorKind, is_once: bool) -> Self {
        let script = Some(Script {
            fault,
            after,
            error,
            is_once,
        });
        Self {
            script,
            ..Self::default()
        }
    }

    /// Reads and writes are interrupted and cut short.
    pub(super) fn short(random: Random) -> Self {
        Self {
            short: Some(random),
            ..Self::default()
        }
    }

    /// The disk has room for so many blocks.
    pub(super) fn full_at(blocks: usize) -> Self {
        Self {
            capacity: Some(blocks),
            ..Self::default()
        }
    }

    /// How often a fault took effect.
    pub(super) fn hits(&self) -> u64 {
        self.hits
    }

    /// Blocks that the disk has room for, if that is bounded.
    pub(super) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// A write found no room.
    pub(super) fn count_full(&mut self) {
        self.hits += 1;
    }

    /// Lets an operation pass, or not.
    pub(super) fn check(&mut self, fault: Fault) -> io::Result<()> {
        let Some(script) = self.script.as_mut().filter(|script| script.fault == fault) else {
            return Ok(());
        };
        if let Some(after) = script.after.checked_sub(1) {
            script.after = after;
            return Ok(());
        }
        let error = script.error;
        if script.is_once {
            self.script = None;
        }
        self.hits += 1;
        Err(error.into())
    }

    /// How many bytes a read may move.
    pub(super) fn reading(&mut self, most: usize) -> io::Result<usize> {
        self.check(Fault::Read)?;
        self.moving(most)
    }

    /// How many bytes a write may move.
    pub(super) fn writing(&mut self, most: usize) -> io::Result<usize> {
        self.check(Fault::Write)?;
        self.moving(most)
    }

    fn moving(&mut self, most: usize) -> io::Result<usize> {
        let Some(random) = &mut self.short else {
            return Ok(most);
        };
        match random.below(4) {
            0 => {
                self.hits += 1;
                Err(io::ErrorKind::Interrupted.into())
            }
            1 if most > 1 => {
                self.hits += 1;
                Ok(1 + random.below(most - 1))
            }
            _ => Ok(most),
        }
    }
}
