//! A workload with the power going at every step, in recovery too.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use pravega_standalone::storage::SteppedStore;

use super::{
    folder::SimulatedFolder,
    image::{Image, Recording},
    look::look,
    place::{self, open},
    start::{self, start},
    state::StoreState,
    workload::{SEGMENTS, Workload},
};
use crate::{
    campaign::{Tally, Verdict, Violation},
    random::{Random, Trace},
};

/// Runs with the same workload: its seed is the seed of the run divided by this. A workload has about as many
/// steps; the runs behind its last step lose power in recovery.
pub(super) const POINTS: u64 = 100;

/// A workload makes no further round from so many steps on.
const ENOUGH_STEPS: usize = 48;

/// A workload that went well, with everything it did to its disk.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pub(super) recording: Recording,
    pub(super) marks: Vec<Mark>,
}

/// A state that was acknowledged.
#[derive(Debug)]
pub(super) struct Mark {
    /// After so many steps.
    pub(super) steps: usize,
    /// What it was doing before, in a word.
    pub(super) doing: &'static str,
    pub(super) state: StoreState,
    /// After so many steps some of it was shown already.
    pub(super) shown: Option<usize>,
}

/// Runs a workload without any fault.
pub(super) fn rehearse(workload: u64) -> Verdict<Rehearsal> {
    let random = Random::new(workload.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let (image, model) = start(workload)?;
    let folder = SimulatedFolder::from_image(&image);
    let mut store = open(&folder)?;
    let mark = |doing, state: &StoreState, shown| Mark {
        steps: folder.steps(),
        doing,
        state: state.clone(),
        shown,
    };
    let mut marks = vec![mark("opening", &model, None)];
    let mut workload = Workload::new(random, model);
    workload.set_up_all(&mut store)?;
    marks.push(mark("removing garbage", &workload.model, None));
    while folder.steps() < ENOUGH_STEPS {
        let shown = watch(&folder, &store, &workload.model);
        workload.round(&mut store)?;
        let shown = *shown.lock().unwrap_or_else(PoisonError::into_inner);
        marks.push(mark("in a group", &workload.model, shown));
        if marks.len() % 3 == 0 && store.turn() {
            marks.push(mark("removing garbage", &workload.model, None));
        }
    }
    folder.watch(None);
    workload.model.compare(&look(&mut store)?)?;
    drop(store);
    marks.push(mark("closing", &workload.model, None));
    Ok(Rehearsal {
        recording: folder.recording(),
        marks,
    })
}

/// Notes the first step before which something else can be seen than was acknowledged.
fn watch(
    folder: &SimulatedFolder,
    store: &SteppedStore,
    acknowledged: &StoreState,
) -> Arc<Mutex<Option<usize>>> {
    let extents: Vec<_> = SEGMENTS
        .into_iter()
        .map(|name| {
            let segment = acknowledged.segments.get(name);
            segment.map(|segment| (segment.head, segment.tail(), segment.is_sealed))
        })
        .collect();
    let shown = Arc::new(Mutex::new(None));
    let note = Arc::clone(&shown);
    let requests = store.requests();
    folder.watch(Some(Box::new(move |steps| {
        let seen = SEGMENTS.into_iter().map(|name| {
            let extent = requests.extent(name).ok()?;
            Some((extent.head, extent.tail, extent.is_sealed))
        });
        if seen.ne(extents.iter().copied()) {
            let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
            note.get_or_insert(steps);
        }
    })));
    shown
}

impl Rehearsal {
    /// The states that may be found when the power went after so many steps: the first was acknowledged, or
    /// shown; the others may be found instead.
    fn allowed(&self, steps: usize) -> Vec<&StoreState> {
        let behind = self.marks.partition_point(|mark| mark.steps <= steps);
        let acknowledged = behind.checked_sub(1).and_then(|at| self.marks.get(at));
        let next = self.marks.get(behind);
        let is_shown = next.is_some_and(|next| next.shown.is_some_and(|shown| shown <= steps));
        let acknowledged = acknowledged.filter(|_| !is_shown);
        let both = acknowledged.into_iter().chain(next);
        both.map(|mark| &mark.state).collect()
    }

    fn doing(&self, steps: usize) -> &'static str {
        let behind = self.marks.partition_point(|mark| mark.steps <= steps);
        self.marks.get(behind).map_or("closed", |mark| mark.doing)
    }
}

thread_local! {
    static REHEARSED: RefCell<Option<(u64, Rc<Rehearsal>)>> = const { RefCell::new(None) };
}

fn rehearsed(workload: u64) -> Verdict<Rc<Rehearsal>> {
    let known = REHEARSED.with_borrow(Clone::clone);
    if let Some((_, rehearsal)) = known.filter(|(of, _)| *of == workload) {
        return Ok(rehearsal);
    }
    let rehearsal = Rc::new(rehearse(workload)?);
    REHEARSED.set(Some((workload, Rc::clone(&rehearsal))));
    Ok(rehearsal)
}

/// Forgets what the last run on this thread had; it may have had a bug in it.
pub(super) fn forget() {
    REHEARSED.set(None);
    place::forget();
    start::forget();
}

/// One loss of power, or two or three where it goes again in recovery.
pub(super) fn run(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let rehearsal = rehearsed(seed / POINTS)?;
    let mut random = Random::new(seed);
    let slot = usize::try_from(seed % POINTS).unwrap_or_default();
    let last = rehearsal.recording.len();
    let points = usize::try_from(POINTS).unwrap_or_default();
    let steps = match slot {
        // One workload in a hundred has more steps than runs.
        slot if last >= points => slot * last / (points - 1),
        slot if slot <= last => slot,
        _ => random.below(last + 1),
    };
    let allowed = rehearsal.allowed(steps);
    tally.count("power lost", rehearsal.doing(steps));
    let mut image = rehearsal.recording.crash(steps, &mut random);
    let mut again = Again::new(&allowed);
    if slot > last {
        for _ in 0..1 + random.below(2) {
            let recovered = again.recover(&image)?;
            let steps = random.below(recovered.recording.len() + 1);
            image = recovered.crash(steps, &mut random, tally);
            again = recovered.behind(steps);
        }
    }
    let folder = SimulatedFolder::from_image(&image);
    let mut store = open(&folder)?;
    let found = again.check(&mut store)?;
    match random.below(8) {
        0 => {
            tally.count("killed", "after recovery");
            let folder = SimulatedFolder::from_image(&folder.now());
            found.compare(&look(&mut open(&folder)?)?)?;
        }
        1 => {
            let mut workload = Workload::new(Random::new(random.next()), found);
            workload.round(&mut store)?;
            drop(store);
            workload.model.compare(&look(&mut open(&folder)?)?)?;
        }
        _ => drop(store),
    }
    let mut trace = Trace::new();
    trace.add(u64::try_from(last).unwrap_or_default());
    for (name, content) in folder.now().files() {
        trace.add_bytes(name.as_bytes());
        trace.add_bytes(content);
    }
    Ok(trace.value())
}

/// One loss of power while a store is made in an empty folder, and used for the first time.
pub(super) fn run_making(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let mut random = Random::new(seed);
    let folder = SimulatedFolder::default();
    let mut store = open(&folder)?;
    let opened = folder.steps();
    let mut workload = Workload::new(Random::new(random.next()), StoreState::default());
    workload.round(&mut store)?;
    let recording = folder.recording();
    let steps = random.below(recording.len() + 1);
    let mut allowed = vec![StoreState::default(), workload.model];
    if steps == recording.len() {
        allowed.remove(0);
    }
    let doing = if steps < opened {
        "opening"
    } else {
        "in a group"
    };
    tally.count("power lost", doing);
    let image = recording.crash(steps, &mut random);
    Again { allowed }.recover(&image)?;
    Ok(u64::try_from(steps).unwrap_or_default())
}

/// All losses of power in the recovery from one, and in the recovery from those.
pub(super) fn run_deep(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let rehearsal = rehearsed(seed)?;
    let mut random = Random::new(seed);
    let steps = random.below(rehearsal.recording.len() + 1);
    let again = Again::new(&rehearsal.allowed(steps));
    let image = rehearsal.recording.crash(steps, &mut random);
    tally.count("power lost", rehearsal.doing(steps));
    let first = again.recover(&image)?;
    for steps in 0..=first.recording.len() {
        let image = first.crash(steps, &mut random, tally);
        let second = first.behind(steps).recover(&image)?;
        for steps in 0..=second.recording.len() {
            let image = second.crash(steps, &mut random, tally);
            second.behind(steps).recover(&image)?;
        }
    }
    Ok(u64::try_from(steps).unwrap_or_default())
}

/// What may be found; the first was acknowledged or shown.
struct Again {
    allowed: Vec<StoreState>,
}

/// A recovery, and what it found.
struct Recovered {
    recording: Recording,
    /// It was done after so many steps, and shown from then on.
    opened: usize,
    found: StoreState,
    allowed: Vec<StoreState>,
}

impl Recovered {
    /// The power goes in the recovery, or a moment later.
    fn crash(&self, steps: usize, random: &mut Random, tally: &mut Tally) -> Image {
        let state = match steps < self.opened {
            true => "in recovery",
            false => "after recovery",
        };
        tally.count("power lost again", state);
        self.recording.crash(steps, random)
    }

    /// What may be found then.
    fn behind(&self, steps: usize) -> Again {
        let allowed = match steps < self.opened {
            true => self.allowed.clone(),
            false => vec![self.found.clone()],
        };
        Again { allowed }
    }
}

impl Again {
    fn new(allowed: &[&StoreState]) -> Self {
        let allowed = allowed.iter().copied().cloned().collect();
        Self { allowed }
    }

    /// Looks at a store, and says what it is if that may be.
    fn check(&self, store: &mut SteppedStore) -> Verdict<StoreState> {
        let found = look(store)?;
        let mut first = None;
        for allowed in &self.allowed {
            match allowed.compare(&found) {
                Ok(()) => return Ok(allowed.clone()),
                Err(violation) => first = first.or(Some(violation)),
            }
        }
        Err(first.unwrap_or_else(|| Violation::broken("nothing may be found")))
    }

    /// Recovers, looks, and closes in order.
    fn recover(&self, image: &Image) -> Verdict<Recovered> {
        let folder = SimulatedFolder::from_image(image);
        let mut store = open(&folder)?;
        let opened = folder.steps();
        let found = self.check(&mut store)?;
        drop(store);
        Ok(Recovered {
            recording: folder.recording(),
            opened,
            found,
            allowed: self.allowed.clone(),
        })
    }
}
