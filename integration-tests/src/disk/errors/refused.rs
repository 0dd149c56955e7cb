//! Directories that a server must not take, and must leave as they are (D8, D10).

use std::io::ErrorKind;

use pravega_standalone::DirectoryError;

use crate::{
    campaign::{Tally, Verdict, Violation},
    disk::{
        faults::{Fault, Faults},
        folder::SimulatedFolder,
        image::Image,
        look::look,
        place::{open, try_open},
        start::filled,
        workload::Workload,
    },
    random::Random,
};

/// The formats of others, of the future, and none.
const FORMATS: [&[u8]; 8] = [
    b"pravega-standalone 3\n",
    b"pravega-standalone 1\n",
    b"pravega-standalone 0\n",
    b"pravega-standalone two\n",
    b"pravega-standalone\n",
    b"something else 2\n",
    b"\xff\xfe",
    b"",
];

/// The directory is of another format, or a file of it is missing.
pub(super) fn other_formats(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, _) = filled(&mut random, 2)?;
    let changed = match random.below(10) {
        0 => image.with("format", None),
        1 => image.with("segments.redb", None),
        2 => image.with(
            "segments.redb",
            Some(b"a database of somebody else".to_vec()),
        ),
        at => image.with(
            "format",
            FORMATS.get(at % FORMATS.len()).map(|f| f.to_vec()),
        ),
    };
    let is_missing = changed.files().count() < image.files().count();
    let fault = if is_missing {
        "file missing"
    } else {
        "other format"
    };
    tally.count(fault, "at rest");
    refuses(&changed, Faults::default())
}

/// The directory cannot be written to, or another server has it.
pub(super) fn no_rights_or_taken(mut random: Random, tally: &mut Tally) -> Verdict<u64> {
    let (image, model) = filled(&mut random, 2)?;
    if random.one_in(2) {
        tally.count("no rights", "opening");
        let (fault, error) = match random.below(3) {
            0 => (Fault::Open, ErrorKind::PermissionDenied),
            1 => (Fault::Open, ErrorKind::ReadOnlyFilesystem),
            _ => (Fault::Write, ErrorKind::ReadOnlyFilesystem),
        };
        return refuses(&image, Faults::from(fault, 0, error));
    }
    tally.count("second server", "running");
    let folder = SimulatedFolder::from_image(&image);
    let mut first = open(&folder)?;
    match try_open(&folder) {
        Err(DirectoryError::Locked { .. }) => {}
        other => {
            let what = format!("a second server is answered {:?}", other.map(drop));
            return Err(Violation::broken(what));
        }
    }
    let mut workload = Workload::new(Random::new(random.next()), model);
    workload.round(&mut first)?;
    drop(first);
    workload.model.compare(&look(&mut open(&folder)?)?)?;
    Ok(1)
}

/// A server refuses, and every file is as it was; a lock file may be new.
fn refuses(image: &Image, faults: Faults) -> Verdict<u64> {
    let folder = SimulatedFolder::from_image(image);
    folder.set_faults(faults);
    if try_open(&folder).is_ok() {
        return Err(Violation::broken(
            "a directory was taken that must be refused",
        ));
    }
    let now = folder.now();
    for (name, content) in image.files() {
        if now.file(name) != Some(content) {
            return Err(Violation::broken(format!("{name} was changed")));
        }
    }
    let is_new = |name: &str| name != "lock" && image.file(name).is_none();
    match now.files().find(|(name, _)| is_new(name)) {
        Some((name, _)) => Err(Violation::broken(format!("{name} was added"))),
        None => Ok(1),
    }
}
