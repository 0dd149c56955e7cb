//! The differences between the embedded server and a real Pravega 0.13.0 that are wanted: all of them.
//!
//! Each names the scripts in which it shows, with the lines of both servers there. So both behaviours are
//! asserted, and a difference that disappears is noticed too.

mod list;

use self::list::WANTED;
use crate::transcript::Transcript;

/// A difference that is meant.
pub(crate) struct Wanted {
    /// What differs.
    pub(crate) what: &'static str,
    /// Why it is wanted.
    pub(crate) reason: &'static str,
    /// Where it shows.
    pub(crate) shows: &'static [Shows],
}

/// Lines of transcripts that differ.
pub(crate) struct Shows {
    /// In which scripts, each as group and id.
    pub(crate) scripts: &'static [&'static str],
    /// What the real server makes of it, wherever in those scripts these lines come.
    pub(crate) real: &'static [&'static str],
    /// What ours makes of it.
    pub(crate) ours: &'static [&'static str],
}

/// Puts our lines in the place of the real server's. Returns complaints.
pub(crate) fn apply(group: &str, transcript: &mut Transcript) -> String {
    let script = format!("{group}/{}", transcript.script);
    let mut complaints = String::new();
    for Wanted {
        what,
        reason,
        shows,
    } in WANTED
    {
        let shown = shows
            .iter()
            .filter(|shows| shows.scripts.contains(&&*script));
        for Shows { real, ours, .. } in shown {
            if !replace(&mut transcript.lines, real, ours) {
                complaints += &format!(
                    "\n{script}: a wanted difference does not show\n  {what}: {reason}\n  {real:#?}\n"
                );
            }
        }
    }
    complaints
}

/// Replaces `from` wherever it comes; false when it comes nowhere.
fn replace(lines: &mut Vec<String>, from: &[&str], to: &[&str]) -> bool {
    let mut found = false;
    let mut at = 0;
    while at + from.len() <= lines.len() {
        if lines[at..at + from.len()] == *from {
            lines.splice(at..at + from.len(), to.iter().map(ToString::to_string));
            found = true;
            at += to.len();
        } else {
            at += 1;
        }
    }
    found
}

#[test]
fn every_wanted_difference_names_scripts_that_are_recorded() {
    let shows = WANTED.iter().flat_map(|wanted| wanted.shows);
    for script in shows.flat_map(|shows| shows.scripts) {
        let (group, id) = script.rsplit_once('/').unwrap();
        let recorded = crate::transcript::recorded(group);
        assert!(
            recorded.iter().any(|transcript| transcript.script == id),
            "{script}"
        );
    }
}
