//! Moments for the entries of a log.

/// For each entry of a log, in order, the earliest and the latest moment at which it can have been stored.
///
/// The moments never go back, so raising the earliest of one raises those behind it, and lowering the latest of
/// one lowers those before it.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    earliest: Vec<u64>,
    latest: Vec<u64>,
}

/// A call that found the segment ending elsewhere than behind `entries` entries, at some moment of its own.
///
/// It holds if the last of these entries was stored after the call, or the entry behind them before the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elsewhere {
    pub(super) entries: usize,
    pub(super) called: u64,
    pub(super) returned: u64,
    /// Its place in the history, for the report.
    pub(super) operation: usize,
}

/// What is still open about an [`Elsewhere`].
enum Standing {
    Holds,
    OnlyByLateStart,
    OnlyByEarlyEnd,
    Open,
    Fails,
}

impl Moments {
    /// Entries that can have been stored at any time.
    pub(super) fn new(entries: usize) -> Self {
        Self {
            earliest: vec![0; entries],
            latest: vec![u64::MAX; entries],
        }
    }

    /// Entry `at` was not stored before `moment`.
    pub(super) fn not_before(&mut self, at: usize, moment: u64) {
        for earliest in self.earliest.iter_mut().skip(at) {
            if *earliest >= moment {
                break;
            }
            *earliest = moment;
        }
    }

    /// Entry `at` was not stored after `moment`.
    pub(super) fn not_after(&mut self, at: usize, moment: u64) {
        for latest in self.latest.iter_mut().take(at + 1).rev() {
            if *latest <= moment {
                break;
            }
            *latest = moment;
        }
    }

    /// The first entry that has no moment left.
    pub(super) fn impossible(&self) -> Option<usize> {
        let mut both = self.earliest.iter().zip(&self.latest);
        both.position(|(earliest, latest)| earliest > latest)
    }

    /// Finds moments for which all of `calls` hold, or a call for which there are none.
    ///
    /// Each call leaves two ways. Whatever one way enforces is followed to its end; if that contradicts nothing,
    /// it takes nothing away from the calls that it did not touch, so the choice need never be taken back.
    pub(super) fn satisfy(mut self, calls: &[Elsewhere]) -> Result<Self, usize> {
        self.enforce(calls)?;
        for call in calls {
            if !matches!(self.standing(call), Standing::Open) {
                continue;
            }
            let mut late = self.clone();
            late.start_late(call);
            if late.enforce(calls).is_ok() {
                self = late;
            } else {
                self.end_early(call);
                self.enforce(calls)?;
            }
        }
        Ok(self)
    }

    /// Takes the only way left of every call that has only one, until nothing changes.
    fn enforce(&mut self, calls: &[Elsewhere]) -> Result<(), usize> {
        loop {
            let mut is_settled = true;
            for call in calls {
                match self.standing(call) {
                    Standing::Holds | Standing::Open => continue,
                    Standing::OnlyByLateStart => self.start_late(call),
                    Standing::OnlyByEarlyEnd => self.end_early(call),
                    Standing::Fails => return Err(call.operation),
                }
                is_settled = false;
                if self.impossible().is_some() {
                    return Err(call.operation);
                }
            }
            if is_settled {
                return Ok(());
            }
        }
    }

    fn standing(&self, call: &Elsewhere) -> Standing {
        let last = call.entries.checked_sub(1);
        let started = |moments: &[u64]| last.and_then(|last| moments.get(last).copied());
        let ended = |moments: &[u64]| moments.get(call.entries).copied();
        let after = |moment: Option<u64>| moment.is_some_and(|moment| moment >= call.called);
        let before = |moment: Option<u64>| moment.is_some_and(|moment| moment <= call.returned);
        if after(started(&self.earliest)) || before(ended(&self.latest)) {
            return Standing::Holds;
        }
        match (after(started(&self.latest)), before(ended(&self.earliest))) {
            (true, true) => Standing::Open,
            (true, false) => Standing::OnlyByLateStart,
            (false, true) => Standing::OnlyByEarlyEnd,
            (false, false) => Standing::Fails,
        }
    }

    fn start_late(&mut self, call: &Elsewhere) {
        if let Some(last) = call.entries.checked_sub(1) {
            self.not_before(last, call.called);
        }
    }

    fn end_early(&mut self, call: &Elsewhere) {
        self.not_after(call.entries, call.returned);
    }
}
