//! Whether two servers answered alike.

use std::fmt::Write;

use crate::{
    transcript::{self, Transcript, difference},
    wanted,
};

/// Set it to write the record anew, from the real server.
const RECORD: &str = "PRAVEGA_DIFFERENTIAL_RECORD";

/// Compares what the embedded server answered to a group of scripts, in memory and on disk, with what a real
/// one did: the one that was asked just now, if there is one, and the record.
///
/// # Panics
/// When there is a difference that is not wanted, or a wanted one is gone.
pub(crate) fn assert_alike(
    group: &str,
    [in_memory, on_disk]: [&[Transcript]; 2],
    real: Option<Vec<Transcript>>,
) {
    let mut problems = String::new();
    if std::env::var_os(RECORD).is_some() {
        let real = real.as_ref().expect("only a real Pravega can be recorded");
        transcript::record(group, real);
    }
    let recorded = transcript::recorded(group);
    if let Some(real) = &real {
        let title = "the real server does not do what was recorded (- recorded, + now)";
        problems += &differences(title, &recorded, real);
    }
    let mut expected = real.unwrap_or(recorded);
    for transcript in &mut expected {
        problems += &wanted::apply(group, transcript);
    }
    let title = "the embedded server, in memory, differs from the real one (- real, + embedded)";
    problems += &differences(title, &expected, in_memory);
    let title = "the embedded server, on disk, differs from the real one (- real, + embedded)";
    problems += &differences(title, &expected, on_disk);
    assert!(problems.is_empty(), "{problems}");
}

fn differences(title: &str, expected: &[Transcript], got: &[Transcript]) -> String {
    let mut text = String::new();
    for transcript in expected {
        let script = &transcript.script;
        match got.iter().find(|other| other.script == *script) {
            None => writeln!(text, "\n{title}\n{script}: not played").unwrap(),
            Some(other) if other == transcript => {}
            Some(other) => {
                let difference = difference(transcript, other);
                writeln!(text, "\n{title}\n{script}\n{difference}").unwrap();
            }
        }
    }
    let is_new = |other: &&Transcript| expected.iter().all(|known| known.script != other.script);
    for other in got.iter().filter(is_new) {
        writeln!(text, "\n{title}\n{}: was never recorded", other.script).unwrap();
    }
    text
}
