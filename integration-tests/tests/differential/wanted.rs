//! The differences between the embedded server and a real Pravega 0.13.0 that are wanted: the list is
//! `wanted.txt`, and there is no other.
//!
//! Each names the scripts in which it shows, with the lines of both servers there. So both behaviours are
//! asserted, and a difference that disappears is noticed too.

use crate::transcript::Transcript;

/// The list, in the form that its first lines explain.
const LIST: &str = include_str!("wanted.txt");

/// Lines of transcripts that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shows {
    /// In which scripts, each as group and id.
    scripts: Vec<&'static str>,
    /// What the real server makes of it.
    real: Vec<&'static str>,
    /// What ours makes of it.
    ours: Vec<&'static str>,
}

/// Puts our lines in the place of the real server's. Returns complaints.
pub(crate) fn apply(group: &str, transcript: &mut Transcript) -> String {
    let script = format!("{group}/{}", transcript.script);
    let mut complaints = String::new();
    for Shows {
        scripts,
        real,
        ours,
    } in parse(LIST)
    {
        if scripts.contains(&&*script) && !replace(&mut transcript.lines, &real, &ours) {
            let real = real.join("\n  ");
            complaints += &format!("\n{script}: a wanted difference does not show\n  {real}\n");
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

/// Reads the list. Several changes may follow one list of scripts.
fn parse(list: &'static str) -> Vec<Shows> {
    let mut all: Vec<Shows> = Vec::new();
    let mut shows = Shows::default();
    for line in list.lines() {
        let Some((mark, text)) = line.split_once(' ') else {
            continue;
        };
        match mark {
            "@" if !shows.real.is_empty() => {
                all.push(shows);
                shows = Shows {
                    scripts: vec![text],
                    ..Shows::default()
                };
            }
            "@" => shows.scripts.push(text),
            "-" if !shows.ours.is_empty() => {
                let scripts = shows.scripts.clone();
                all.push(shows);
                shows = Shows {
                    scripts,
                    real: vec![text],
                    ours: Vec::new(),
                };
            }
            "-" => shows.real.push(text),
            "+" => shows.ours.push(text),
            // What, why, and the head of the list.
            _ => {}
        }
    }
    all.push(shows);
    all
}

#[test]
fn the_list_is_understood() {
    let list = "head\n  - of it\n\n= what\n: why\n@ a/1\n@ a/2\n- r1\n- r2\n+ o\n- r\n+ o\n\n= x\n: y\n@ b/1\n- r\n+ o\n";
    let shows = |scripts: &[&'static str], real: &[&'static str]| Shows {
        scripts: scripts.to_vec(),
        real: real.to_vec(),
        ours: vec!["o"],
    };
    let expected = [
        shows(&["a/1", "a/2"], &["r1", "r2"]),
        shows(&["a/1", "a/2"], &["r"]),
        shows(&["b/1"], &["r"]),
    ];
    assert_eq!(parse(list), expected);
}

#[test]
fn every_wanted_difference_names_scripts_that_are_recorded() {
    for script in parse(LIST).iter().flat_map(|shows| &shows.scripts) {
        let (group, id) = script.rsplit_once('/').unwrap();
        let recorded = crate::transcript::recorded(group);
        assert!(
            recorded.iter().any(|transcript| transcript.script == id),
            "{script}"
        );
    }
}
