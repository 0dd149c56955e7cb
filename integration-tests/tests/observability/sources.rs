//! Every span and event in the sources has a name, and stands in the documentation; also those that only a
//! broken disk brings about.

use std::{collections::BTreeMap, fs, path::Path};

use crate::documented::{repository, signals};

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// The folders of the crates that the documentation has a table for, as `pravega_connection_pool`.
fn folder(layer: &str) -> String {
    layer.trim_start_matches("pravega_").replace('_', "-")
}

#[test]
fn what_the_sources_emit_is_what_is_documented() {
    let documented = signals();
    let mut layers: Vec<_> = documented.values().map(|signal| &signal.layer).collect();
    layers.dedup();
    let mut found = BTreeMap::new();
    for layer in layers {
        scan(
            &repository().join(folder(layer)).join("src"),
            &mut |name, kind, level| {
                found.insert(name, (layer.clone(), kind, level));
            },
        );
    }
    let documented: BTreeMap<_, _> = documented
        .into_iter()
        .map(|(name, signal)| (name, (signal.layer, signal.kind, signal.level)))
        .collect();
    assert_eq!(found, documented);
}

fn scan(path: &Path, found: &mut impl FnMut(String, String, String)) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if !path.ends_with("tests") && !path.ends_with("tests.rs") {
                scan(&path, found);
            }
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    for level in LEVELS {
        for rest in after(&text, &format!("{level}!(")) {
            let name = rest.trim_start().strip_prefix("name: ");
            let name =
                name.unwrap_or_else(|| panic!("{}: an event without a name", path.display()));
            found(quoted(name), "event".to_owned(), level.to_owned());
        }
        for rest in after(&text, &format!("{level}_span!(")) {
            found(quoted(rest), "span".to_owned(), level.to_owned());
        }
    }
    for rest in after(&text, "instrument(") {
        let (_, name) = rest.split_once("name = ").unwrap();
        let (_, level) = rest.split_once("level = ").unwrap();
        found(quoted(name), "span".to_owned(), quoted(level));
    }
}

/// What follows each `word` that is not the end of a longer one.
fn after<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.match_indices(word)
        .filter(|&(at, _)| {
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
        })
        .map(|(at, _)| &text[at + word.len()..])
        .collect()
}

fn quoted(text: &str) -> String {
    let rest = text.trim_start().strip_prefix('"').unwrap();
    rest[..rest.find('"').unwrap()].to_owned()
}
