//! Tables of what was measured, for a terminal and for `RESULTS.md`.

use std::{fmt::Write as _, fs, io, path::Path};

use crate::{
    plan::{Comparison, Gate, Place},
    results::{Measured, Results},
};

/// Everything as Markdown.
#[must_use]
pub fn markdown(results: &Results, plans: &[Comparison]) -> String {
    let mut text = String::new();
    for (name, value) in &results.circumstances {
        // Writing into a string does not fail.
        writeln!(text, "- {name}: {value}").ok();
    }
    text +=
        "\n### Goals\n\n| work | ours | than | asked | stretch | found | lowest … highest | |\n";
    text += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    let planned = results
        .comparisons
        .iter()
        .filter_map(|it| it.plan(plans).map(|plan| (it, plan)));
    for (measured, plan) in planned.clone() {
        for gate in &plan.gates {
            text += &goal(measured, plan, gate).unwrap_or_default();
        }
    }
    for (measured, plan) in planned {
        writeln!(text, "\n### {}\n", plan.title).ok();
        text += &table(measured, plan);
    }
    text
}

/// One line of the goals.
fn goal(measured: &Measured, plan: &Comparison, gate: &Gate) -> Option<String> {
    let verdict = measured.verdict(gate)?;
    let is_ratio = gate.than.is_some();
    let show = |value: f64| {
        if is_ratio {
            format!("{value:.2}")
        } else {
            gate.figure.show(value)
        }
    };
    let label = |place: Place| measured.rows.get(place).map(|row| row.label.clone());
    let than = match gate.than {
        Some(than) => label(than)?,
        None => "a fixed bound".to_owned(),
    };
    let relation = if gate.figure.is_rate() { "≥" } else { "≤" };
    let stretch = gate
        .stretch
        .map(|stretch| format!("{relation} {}", show(stretch)));
    let word = match (verdict.holds, verdict.stretches) {
        (_, true) => "stretch",
        (true, false) => "yes",
        (false, false) => "**no**",
    };
    let [lowest, middle, highest] = verdict.found;
    Some(format!(
        "| {}, {} | {} | {than} | {relation} {} | {} | **{}** | {} … {} | {word} |\n",
        plan.id,
        gate.figure.title(),
        label(gate.ours)?,
        show(gate.bound),
        stretch.unwrap_or_default(),
        show(middle),
        show(lowest),
        show(highest),
    ))
}

/// One comparison as a table of medians. The first entry is what the others are set against.
#[must_use]
pub fn table(measured: &Measured, plan: &Comparison) -> String {
    let mut text = "| |".to_owned();
    for figure in plan.figures {
        write!(text, " {} |", figure.title()).ok();
    }
    text += " of the first |\n| --- |";
    text += &" --- |".repeat(plan.figures.len() + 1);
    text.push('\n');
    for (place, row) in measured
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !row.rounds.is_empty())
    {
        write!(text, "| {} |", row.label).ok();
        for &figure in plan.figures {
            let median = row.median(figure).map(|median| figure.show(median));
            write!(text, " {} |", median.unwrap_or_default()).ok();
        }
        let ratio = plan.figures.first().and_then(|&figure| {
            let against_first = Gate {
                ours: place,
                than: Some(0),
                figure,
                bound: 0.0,
                stretch: None,
            };
            measured.verdict(&against_first)
        });
        let ratio = ratio.map(|verdict| format!("{:.2}", verdict.found[1]));
        writeln!(text, " {} |", ratio.unwrap_or_default()).ok();
    }
    text
}

/// Puts the tables between the two lines of a file that name `place`, and leaves what was written there by hand.
///
/// # Errors
/// When the file cannot be read or written, or has no place for tables.
pub fn put_into(file: &Path, place: &str, tables: &str) -> io::Result<()> {
    let [begin, end] = ["begin", "end"].map(|edge| format!("<!-- {place}: {edge} -->"));
    let old = fs::read_to_string(file)?;
    let places = old
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) =
        places.ok_or_else(|| io::Error::other(format!("no {begin} and {end}")))?;
    fs::write(file, format!("{before}{begin}\n{tables}{end}{after}"))
}
