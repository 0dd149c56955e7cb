//! What a run is made of.

use std::time::Duration;

use pravega_segment_session::{AppendOptions, BackoffPolicy, WriteMode};

use super::{start::Start, store::Rules};
use crate::Random;

/// How the writers of a run write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Modes {
    Exclusive,
    Shared,
    /// Each writer as it likes.
    Mixed,
}

/// How long submissions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lengths {
    /// All the same: a competitor's block then ends where the lost one would have.
    Equal(usize),
    /// From 0 to so many.
    Mixed(usize),
    /// None, one, and around the longest that a block can be.
    Limits,
}

/// What a run is made of, beside its seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) rules: Rules,
    pub(crate) modes: Modes,
    pub(crate) writers: usize,
    pub(crate) readers: usize,
    pub(crate) lengths: Lengths,
    /// Bytes that are there before the first step.
    pub(crate) before: usize,
    pub(crate) steps: usize,
    /// One step in so many is a fault.
    pub(crate) fault_every: usize,
    /// How often in a row a writer may be refused.
    pub(crate) patience: u32,
    /// The store tells readers what no store tells.
    pub(crate) lies: bool,
    /// Where the run starts, if not with idle clients.
    pub(crate) start: Option<Start>,
}

impl Scene {
    /// The scene of a seed: all kinds, a third of them from a directed start.
    pub(crate) fn of(random: &mut Random) -> Self {
        let mut scene = match random.below(32) {
            0..=11 => Self::mixed(random),
            12..=19 => Self::writing(random),
            20..=26 => Self::reading(random),
            27 => Self::losing(random),
            _ => Self::competing(random),
        };
        if random.one_in(3) {
            scene.start_from(random);
        }
        scene
    }

    fn base(random: &mut Random) -> Self {
        let lengths = match random.below(6) {
            0..=2 => Lengths::Equal(1 + random.below(8)),
            3 | 4 => Lengths::Mixed(9),
            _ => Lengths::Limits,
        };
        Self {
            rules: Rules {
                fences: random.one_in(3),
                shows_late: random.one_in(3),
                tells_tail_early: false,
                loses_acked: false,
            },
            modes: Modes::Mixed,
            writers: 0,
            readers: 0,
            lengths,
            before: random.below(20) * random.below(2),
            steps: 70 + random.below(70),
            fault_every: 8 + random.below(5),
            patience: if random.one_in(8) { 2 } else { PATIENT },
            lies: false,
            start: None,
        }
    }

    /// Writers of both modes and readers, two to five in all.
    pub(crate) fn mixed(random: &mut Random) -> Self {
        Self {
            writers: 1 + random.below(3),
            readers: 1 + random.below(2),
            ..Self::base(random)
        }
    }

    /// Writers of one mode.
    pub(crate) fn writing(random: &mut Random) -> Self {
        let modes = [Modes::Exclusive, Modes::Exclusive, Modes::Shared];
        Self {
            modes: random.pick(&modes).copied().unwrap_or(Modes::Mixed),
            writers: 2 + random.below(3),
            ..Self::base(random)
        }
    }

    /// Readers of a segment that is long for them.
    pub(crate) fn reading(random: &mut Random) -> Self {
        Self {
            readers: 1 + random.below(2),
            writers: random.below(2),
            before: 60 + random.below(500),
            lies: random.one_in(4),
            ..Self::base(random)
        }
    }

    /// Exclusive writers whose blocks all have the same length, from a start at which they are in one another's
    /// way: a refused block must never leave a hole.
    pub(crate) fn competing(random: &mut Random) -> Self {
        let start = random.pick(&Start::CONFLICTS).copied();
        let mut scene = Self {
            modes: Modes::Exclusive,
            lengths: Lengths::Equal(1 + random.below(8)),
            writers: 2 + random.below(2),
            steps: 40 + random.below(40),
            ..Self::base(random)
        };
        if let Some(start) = start {
            start.shape(&mut scene);
        }
        scene
    }

    /// Writers of any mode at a store that fences.
    pub(crate) fn fenced(random: &mut Random) -> Self {
        let mut scene = Self::writing(random);
        scene.rules.fences = true;
        scene
    }

    /// Clients of all kinds at a store that may lose what it acknowledged.
    pub(crate) fn losing(random: &mut Random) -> Self {
        let mut scene = Self::mixed(random);
        scene.rules.loses_acked = true;
        scene
    }

    /// One writer, and a fault at every third step.
    pub(crate) fn relentless(random: &mut Random) -> Self {
        Self {
            writers: 1,
            fault_every: 3,
            ..Self::writing(random)
        }
    }

    /// Competing writers that nothing protects but what they know themselves: the store does not fence, it tells
    /// of a tail that it may lose, and the first writer's block, of which a copy is on its way, belongs above the
    /// tail.
    pub(crate) fn above_tail(random: &mut Random) -> Self {
        let mut scene = Self::competing(random);
        scene.rules = Rules {
            fences: false,
            shows_late: false,
            tells_tail_early: true,
            loses_acked: false,
        };
        Start::OffsetAboveTailCopyUnderway.shape(&mut scene);
        scene
    }

    /// One writer that sends blocks of four bytes, and nothing that the run does not do itself.
    pub(crate) fn exchange(modes: Modes) -> Self {
        Self {
            rules: Rules::default(),
            modes,
            writers: 1,
            readers: 0,
            lengths: Lengths::Equal(4),
            before: 0,
            steps: 0,
            fault_every: 1,
            patience: PATIENT,
            lies: false,
            start: None,
        }
    }

    fn start_from(&mut self, random: &mut Random) {
        let fitting = if self.lies {
            &Start::READING
        } else {
            &Start::ALL[..]
        };
        if let Some(start) = random.pick(fitting).copied() {
            start.shape(self);
        }
    }

    /// The mode of a writer.
    pub(crate) fn mode(&self, random: &mut Random) -> WriteMode {
        match self.modes {
            Modes::Exclusive => WriteMode::Exclusive,
            Modes::Shared => WriteMode::Shared,
            Modes::Mixed if random.one_in(2) => WriteMode::Exclusive,
            Modes::Mixed => WriteMode::Shared,
        }
    }

    /// The options of a writer.
    pub(crate) fn options(&self, random: &mut Random) -> AppendOptions {
        let longest = match self.lengths {
            Lengths::Equal(len) => len.max(8),
            Lengths::Mixed(_) | Lengths::Limits => 8,
        };
        let windows = [2_000, 2_000, 2_000, 600, 40];
        let window = random.pick(&windows).copied().unwrap_or(2_000);
        let linger = if random.one_in(4) { 3 } else { 0 };
        AppendOptions::default()
            .with_mode(self.mode(random))
            .with_max_unacked_bytes(window)
            .with_max_block_bytes(longest + random.below(4 * longest))
            .with_pipeline_block_bytes(1 + random.below(10))
            .with_linger(Duration::from_millis(linger))
            .with_backoff(BackoffPolicy::default().with_seed(random.next()))
            .with_max_setup_failures(self.patience)
    }

    /// The length of the next submission to a writer whose blocks have at most `longest` bytes.
    pub(crate) fn length(&self, random: &mut Random, longest: usize) -> usize {
        match self.lengths {
            Lengths::Equal(len) => len,
            Lengths::Mixed(most) => random.below(most + 1),
            Lengths::Limits => {
                let limits = [0, 1, longest.saturating_sub(1), longest, longest + 1];
                random.pick(&limits).copied().unwrap_or(1)
            }
        }
    }
}

/// A writer that may be refused so often never gives up.
const PATIENT: u32 = 1_000_000;
