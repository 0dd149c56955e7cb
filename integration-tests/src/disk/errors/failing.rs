//! Operations of the disk that fail.

use std::io::ErrorKind;

use pravega_standalone::{StoreError, storage::Read};

use crate::{
    campaign::{Harm, Tally, Verdict, Violation},
    disk::{
        faults::{Fault, Faults},
        folder::SimulatedFolder,
        look::look,
        place::{open, try_open, whole},
        start::filled,
        state::StoreState,
        workload::{Round, SEGMENTS, Workload},
    },
    random::Random,
};

/// Syncs fail, once or from some time on (D4).
pub(super) fn sync_fails(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let after = random.below(12);
    let error = pick(&mut random, &[ErrorKind::Other, ErrorKind::StorageFull]);
    let faults = script(&mut random, Fault::Sync, after, error);
    let hits = stops(random, faults)?;
    tally.add("sync fails", "in a group", hits);
    Ok(hits)
}

/// Writes, or changes of length, fail for another reason than want of room.
pub(super) fn write_fails(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (fault, what) = match random.one_in(3) {
        true => (Fault::SetLength, "change of length fails"),
        false => (Fault::Write, "write fails"),
    };
    let after = random.below(if fault == Fault::Write { 40 } else { 3 });
    let faults = script(&mut random, fault, after, ErrorKind::Other);
    let hits = stops(random, faults)?;
    tally.add(what, "in a group", hits);
    Ok(hits)
}

fn pick(random: &mut Random, errors: &[ErrorKind]) -> ErrorKind {
    random.pick(errors).copied().unwrap_or(ErrorKind::Other)
}

fn script(random: &mut Random, fault: Fault, after: usize, error: ErrorKind) -> Faults {
    match random.one_in(2) {
        true => Faults::once(fault, after, error),
        false => Faults::from(fault, after, error),
    }
}

/// Works until the disk fails, and looks what is left: everything acknowledged can be read, nothing more is
/// written, and after a restart at most the round in which it failed has been done.
fn stops(mut random: Random, faults: Faults) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 4)?;
    let folder = SimulatedFolder::from_image(&image);
    let mut store = open(&folder)?;
    folder.set_faults(faults);
    let mut workload = Workload::new(Random::new(random.next()), model);
    let mut open_round: Option<Round> = None;
    for _ in 0..12 {
        let round = workload.round(&mut store)?;
        // A write that was only meant to make room in memory may fail without harm.
        if round.is_open || open_round.is_some() {
            open_round = open_round.or(Some(round));
            let steps = folder.steps();
            check_readable(&store.requests(), &workload.model)?;
            // Whatever comes later is refused, and never reaches the disk.
            let round = workload.round(&mut store)?;
            if round.played > 0 && !round.whole.eq(&workload.model) {
                return Err(Violation::broken(
                    "a request was done after the disk failed",
                ));
            }
            if folder.steps() != steps {
                return Err(Violation::broken(
                    "something was written after the disk failed",
                ));
            }
        }
    }
    let hits = folder.faults().hits();
    drop(store);
    let mut allowed = vec![workload.model];
    allowed.extend(open_round.map(|round| round.whole));
    let recording = folder.recording();
    for _ in 0..3 {
        let image = recording.crash(recording.len(), &mut random);
        check_allowed(&SimulatedFolder::from_image(&image), &allowed)?;
    }
    check_allowed(&SimulatedFolder::from_image(&folder.now()), &allowed)?;
    Ok(hits)
}

/// A store must open in one of these states; the first was acknowledged.
pub(super) fn check_allowed(folder: &SimulatedFolder, allowed: &[StoreState]) -> Verdict {
    let found = look(&mut open(folder)?)?;
    let mut first = None;
    for allowed in allowed {
        match allowed.compare(&found) {
            Ok(()) => return Ok(()),
            Err(violation) => first = first.or(Some(violation)),
        }
    }
    Err(first.unwrap_or_else(|| Violation::broken("no state is allowed")))
}

/// Everything that was acknowledged can be read, in memory and on the disk.
fn check_readable(requests: &pravega_standalone::storage::Requests, model: &StoreState) -> Verdict {
    for (name, segment) in &model.segments {
        for _ in 0..2 {
            let (mut at, tail) = (segment.head, segment.tail());
            while at < tail {
                let read = requests.read(name, at, 4096);
                let Ok(Read::Bytes(bytes)) = read else {
                    let what = format!("{name} cannot be read at {at} any more: {read:?}");
                    return Err(Violation::new(Harm::Lost, tail - at, what));
                };
                check_bytes(name, segment.content.as_slice(), at, &bytes)?;
                at += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            }
            let forgotten = requests.forget_recent(name);
            forgotten.map_err(|error| Violation::broken(whole(&error)))?;
        }
    }
    Ok(())
}

/// What was read must be what was written.
pub(super) fn check_bytes(name: &str, content: &[u8], at: u64, bytes: &[u8]) -> Verdict {
    let from = usize::try_from(at).unwrap_or(usize::MAX);
    let written = content.get(from..from.saturating_add(bytes.len()));
    match written == Some(bytes) {
        true => Ok(()),
        false => {
            let what = format!("wrong bytes in {name} at {at}");
            let wrong = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            Err(Violation::new(Harm::Reordered, wrong, what))
        }
    }
}

/// Reads fail while a group is decided or old bytes are read (D6).
pub(super) fn read_fails(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 6)?;
    let folder = SimulatedFolder::from_image(&image);
    let mut store = open(&folder)?;
    let after = random.below(6);
    folder.set_faults(script(&mut random, Fault::Read, after, ErrorKind::Other));
    let mut workload = Workload::new(Random::new(random.next()), model);
    let mut allowed = Vec::new();
    if random.one_in(2) {
        for _ in 0..4 {
            let round = workload.round(&mut store)?;
            if round.is_open {
                allowed.push(round.whole);
            }
        }
        tally.add("read fails", "in a group", folder.faults().hits());
    } else {
        let requests = store.requests();
        for name in SEGMENTS {
            let Some(segment) = workload.model.segments.get(name) else {
                continue;
            };
            match requests.read(name, segment.head, 100_000) {
                Ok(Read::Bytes(bytes)) => {
                    check_bytes(name, &segment.content, segment.head, &bytes)?;
                }
                Err(StoreError::Unreadable { .. }) | Ok(_) => {}
                Err(error) => return Err(Violation::broken(whole(&error))),
            }
        }
        tally.add("read fails", "reading", folder.faults().hits());
    }
    let hits = folder.faults().hits();
    drop(store);
    folder.set_faults(Faults::default());
    allowed.insert(0, workload.model);
    check_allowed(&SimulatedFolder::from_image(&folder.now()), &allowed)?;
    Ok(hits)
}

/// An operation fails while a store is made or recovered: it does not open, and opens when the disk is well.
pub(super) fn fails_while_opening(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let is_new = random.one_in(3);
    let (image, model) = match is_new {
        true => Default::default(),
        false => filled(&mut random, 3)?,
    };
    let (fault, what) = random
        .pick(&[
            (Fault::Sync, "sync fails"),
            (Fault::Write, "write fails"),
            (Fault::Read, "read fails"),
            (Fault::SetLength, "change of length fails"),
            (Fault::Rename, "change of names fails"),
            (Fault::SyncNames, "sync of names fails"),
            (Fault::Make, "file cannot be made"),
        ])
        .copied()
        .unwrap_or((Fault::Sync, "sync fails"));
    let folder = SimulatedFolder::from_image(&image);
    let after = random.below(if fault == Fault::Read { 20 } else { 4 });
    folder.set_faults(Faults::from(fault, after, ErrorKind::Other));
    let opened = try_open(&folder);
    let hits = folder.faults().hits();
    tally.add(what, "opening", hits);
    if opened.is_ok() && hits > 0 {
        return Err(Violation::broken(format!("opened although {what}")));
    }
    drop(opened);
    folder.set_faults(Faults::default());
    let recording = folder.recording();
    let image = recording.crash(recording.len(), &mut random);
    check_allowed(
        &SimulatedFolder::from_image(&image),
        std::slice::from_ref(&model),
    )?;
    check_allowed(&SimulatedFolder::from_image(&folder.now()), &[model])?;
    Ok(hits)
}

/// Reads and writes that are interrupted or move less than asked change nothing (D9).
pub(super) fn short_and_interrupted(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let folder = SimulatedFolder::default();
    folder.set_faults(Faults::short(Random::new(random.next())));
    let mut workload = Workload::new(Random::new(random.next()), StoreState::default());
    for _ in 0..3 {
        let mut store = open(&folder)?;
        for _ in 0..3 {
            workload.round(&mut store)?;
        }
        drop(store);
        workload.model.compare(&look(&mut open(&folder)?)?)?;
        workload = Workload::new(Random::new(random.next()), workload.model);
    }
    let hits = folder.faults().hits();
    tally.add("interrupted or short", "all the time", hits);
    Ok(hits)
}
