//! The tables of docs/observability.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// A span or an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signal {
    /// The crate, as it is at the beginning of a target.
    pub(crate) layer: String,
    /// `span` or `event`.
    pub(crate) kind: String,
    pub(crate) level: String,
    pub(crate) fields: BTreeSet<String>,
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The rows of tables whose first cell is a name, with the heading above them.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(repository().join("docs/observability.md")).unwrap();
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
        {
            title.trim_matches('`').clone_into(&mut heading);
        } else if line.starts_with("| `") {
            let cells = line.trim_matches('|').split('|');
            let cells = cells.map(|cell| cell.trim().trim_matches('`').to_owned());
            rows.push((heading.clone(), cells.collect()));
        }
    }
    rows
}

/// Spans and events by name.
pub(crate) fn signals() -> BTreeMap<String, Signal> {
    let mut signals = BTreeMap::new();
    for (layer, cells) in rows() {
        let [name, kind, level, fields, _] = cells.as_slice() else {
            continue;
        };
        let fields = fields.split(',').map(|field| field.trim().to_owned());
        let signal = Signal {
            layer,
            kind: kind.clone(),
            level: level.clone(),
            fields: fields.filter(|field| !field.is_empty()).collect(),
        };
        assert!(
            signals.insert(name.clone(), signal).is_none(),
            "{name} is documented twice"
        );
    }
    assert!(signals.len() > 30, "the tables were not recognised");
    signals
}

/// Metrics under a heading: name, kind and unit.
pub(crate) fn metrics(section: &str) -> BTreeSet<(String, String, String)> {
    let metrics = rows().into_iter().filter(|(heading, _)| heading == section);
    let metrics: BTreeSet<_> = metrics
        .filter_map(|(_, cells)| match cells.as_slice() {
            [name, kind, unit, _] => Some((name.clone(), kind.clone(), unit.clone())),
            _ => None,
        })
        .collect();
    assert!(!metrics.is_empty(), "there is no table under {section:?}");
    metrics
}
