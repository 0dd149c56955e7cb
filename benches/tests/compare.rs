//! The runner runs: each comparison for a moment, without the peers. Nothing is said about figures.

#![cfg(test)]
#![cfg(target_os = "linux")]

use std::process::Command;

use pravega_benches::{plan, plan::Who, results::Results};

#[test]
fn every_contender_but_the_peers_has_figures_in_a_quick_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let (json, svg) = (
        folder.path().join("all.json"),
        folder.path().join("chart.svg"),
    );
    let document = folder.path().join("RESULTS.md");
    std::fs::write(
        &document,
        "before <!-- compare: begin -->old<!-- compare: end --> after",
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(["run", "--quick", "--json"])
        .arg(&json)
        .arg("--chart")
        .arg(&svg)
        .arg("--into")
        .arg(&document)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let results: Results = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(results.comparisons.len(), plan::comparisons().len() + 1);
    let plans: Vec<_> = plan::comparisons()
        .into_iter()
        .chain([plan::chart()])
        .collect();
    for measured in &results.comparisons {
        let figures = measured.plan(&plans).unwrap().figures;
        for row in measured
            .rows
            .iter()
            .filter(|row| takes_part(row.who, row.size, &measured.id))
        {
            for &figure in figures {
                let median = row.median(figure);
                assert!(
                    median.is_some(),
                    "{}: {} has no {figure:?}",
                    measured.id,
                    row.label
                );
            }
        }
    }
    let document = std::fs::read_to_string(document).unwrap();
    assert!(document.starts_with("before ") && document.ends_with(" after"));
    assert!(document.contains("| raw socket, append(Bytes), 1 MiB |") && !document.contains("old"));
    assert!(
        std::fs::read_to_string(svg)
            .unwrap()
            .contains("ours, shared")
    );
}

/// Neither peers nor the command line are given, and a quick crowd is small.
fn takes_part(who: Who, size: usize, id: &str) -> bool {
    matches!(who, Who::Raw | Who::Shared | Who::Exclusive) && (id != "crowd" || size <= 100)
}
