//! What a server did when a script was played to it, as lines of text.

use std::{fmt::Write, fs, path::PathBuf};

/// The answers to one script. Two servers that behave alike have equal transcripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transcript {
    /// The script's id, unique in its group.
    pub(crate) script: String,
    pub(crate) lines: Vec<String>,
}

/// What a heading in a file of transcripts begins with.
const HEADING: &str = "== ";

/// The recorded answers of the real server to a group of scripts.
pub(crate) fn recorded(group: &str) -> Vec<Transcript> {
    let path = path(group);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(&text)
}

/// Writes the answers of the real server to a group of scripts.
pub(crate) fn record(group: &str, transcripts: &[Transcript]) {
    let path = path(group);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, print(transcripts)).unwrap();
}

fn path(group: &str) -> PathBuf {
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/recorded");
    PathBuf::from(recorded).join(group).with_extension("txt")
}

fn print(transcripts: &[Transcript]) -> String {
    let mut text = String::new();
    for Transcript { script, lines } in transcripts {
        let separator = if text.is_empty() { "" } else { "\n" };
        writeln!(text, "{separator}{HEADING}{script}").unwrap();
        for line in lines {
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

fn parse(text: &str) -> Vec<Transcript> {
    let mut transcripts: Vec<Transcript> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(script) = line.strip_prefix(HEADING) {
            let script = script.to_owned();
            transcripts.push(Transcript {
                script,
                lines: Vec::new(),
            });
        } else {
            let last = transcripts.last_mut().expect("a heading comes first");
            last.lines.push(line.to_owned());
        }
    }
    transcripts
}

/// How many equal lines are shown around a difference.
const CONTEXT: usize = 4;

/// The lines of both transcripts where they differ, for people.
pub(crate) fn difference(expected: &Transcript, got: &Transcript) -> String {
    let (a, b) = (&expected.lines, &got.lines);
    let same = |(a, b): &(&String, &String)| a == b;
    let front = a.iter().zip(b).take_while(same).count();
    let (a_rest, b_rest) = (&a[front..], &b[front..]);
    let back = a_rest
        .iter()
        .rev()
        .zip(b_rest.iter().rev())
        .take_while(same)
        .count();
    let mut text = String::new();
    let mut put = |mark: &str, lines: &[String]| {
        for line in lines {
            writeln!(text, "  {mark} {line}").unwrap();
        }
    };
    let (a_rest, a_back) = a_rest.split_at(a_rest.len() - back);
    put(" ", &a[front.saturating_sub(CONTEXT)..front]);
    put("-", a_rest);
    put("+", &b_rest[..b_rest.len() - back]);
    put(" ", &a_back[..back.min(CONTEXT)]);
    text
}

#[test]
fn what_is_written_is_read_again() {
    let transcripts = ["one", "two"].map(|script| Transcript {
        script: script.to_owned(),
        lines: vec!["0> KeepAlive".to_owned(), "0< KeepAlive".to_owned()],
    });
    assert_eq!(parse(&print(&transcripts)), transcripts);
}
