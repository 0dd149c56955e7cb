//! The differences between the embedded server and a real Pravega 0.13.0 that are wanted: all of them.
//!
//! Each names the scripts in which it shows, with the lines of both servers there. So both behaviours are
//! asserted, and a difference that disappears is noticed too.

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

/// Lines of one script's transcript that differ.
pub(crate) struct Shows {
    /// The script's group and id.
    pub(crate) script: &'static str,
    /// What the real server makes of it, wherever these lines come.
    pub(crate) real: &'static [&'static str],
    /// What ours makes of it.
    pub(crate) ours: &'static [&'static str],
}

/// The list.
pub(crate) const WANTED: &[Wanted] = &[];

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
        for Shows { real, ours, .. } in shows.iter().filter(|shows| shows.script == script) {
            if !replace(&mut transcript.lines, real, ours) {
                complaints += &format!(
                    "\n{script}: the real server no longer shows a wanted difference\n  {what}: {reason}\n  {real:#?}\n"
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
