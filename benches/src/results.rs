//! What was measured: figures of every round, their medians, and ratios within a round.

use serde::{Deserialize, Serialize};

use crate::{
    plan::{Comparison, Entry, Figure, Gate, Place, Who},
    programs::Figures,
};

/// Everything of one run, as it is kept in a file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// Where and when.
    pub circumstances: Vec<(String, String)>,
    /// What was measured.
    pub comparisons: Vec<Measured>,
}

/// One comparison.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Which.
    pub id: String,
    /// Its entries, in their places.
    pub rows: Vec<Row>,
}

/// One entry.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    /// Who.
    pub who: Who,
    /// Bytes in a call.
    pub size: usize,
    /// What tells it from the others.
    pub label: String,
    /// The figures of each round; none where it did not take part.
    pub rounds: Vec<Figures>,
}

impl Row {
    pub(crate) fn new(entry: &Entry) -> Self {
        Self {
            who: entry.who,
            size: entry.size,
            label: entry.label(),
            rounds: Vec::new(),
        }
    }

    /// The median of a figure.
    #[must_use]
    pub fn median(&self, figure: Figure) -> Option<f64> {
        median(self.values(figure))
    }

    fn values(&self, figure: Figure) -> impl Iterator<Item = f64> {
        self.rounds
            .iter()
            .filter_map(move |round| round.get(figure.name()).copied())
    }
}

/// A gate, and what was measured.
#[derive(Debug)]
pub struct Verdict {
    /// The figure, or its ratio to the other's in the same round: lowest, median, highest.
    pub found: [f64; 3],
    /// Whether it is as good as asked.
    pub holds: bool,
    /// Whether it is better than that.
    pub stretches: bool,
}

impl Measured {
    /// How a gate fares; none when one of its entries did not take part.
    #[must_use]
    pub fn verdict(&self, gate: &Gate) -> Option<Verdict> {
        let values = |place: Place| self.rows.get(place).map(|row| row.values(gate.figure));
        let mut found: Vec<f64> = match gate.than {
            None => values(gate.ours)?.collect(),
            Some(than) => values(gate.ours)?
                .zip(values(than)?)
                .map(|(ours, than)| ours / than)
                .collect(),
        };
        found.sort_by(f64::total_cmp);
        let middle = median(found.iter().copied())?;
        let is_met = |bound: f64| {
            if gate.figure.is_rate() {
                middle >= bound
            } else {
                middle <= bound
            }
        };
        Some(Verdict {
            found: [*found.first()?, middle, *found.last()?],
            holds: is_met(gate.bound),
            stretches: gate.stretch.is_some_and(is_met),
        })
    }

    /// The comparison that this was.
    #[must_use]
    pub fn plan<'a>(&self, all: &'a [Comparison]) -> Option<&'a Comparison> {
        all.iter().find(|comparison| comparison.id == self.id)
    }
}

/// The value in the middle; of an even number, the lower one of the two.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64]) -> Row {
        let name = Figure::BytesPerSecond.name().to_owned();
        let rounds = values
            .iter()
            .map(|value| [(name.clone(), *value)].into())
            .collect();
        Row {
            who: Who::Raw,
            size: 1,
            label: String::new(),
            rounds,
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let measured = Measured {
            id: String::new(),
            rows: vec![row(&[10.0, 1.0, 40.0]), row(&[20.0, 1.0, 50.0])],
        };
        let mut gate = Gate {
            ours: 0,
            than: Some(1),
            figure: Figure::BytesPerSecond,
            bound: 0.8,
            stretch: Some(0.9),
        };
        let verdict = measured.verdict(&gate).unwrap();
        assert_eq!(verdict.found, [0.5, 0.8, 1.0]);
        assert!(verdict.holds && !verdict.stretches);
        gate.than = Some(2);
        assert!(measured.verdict(&gate).is_none());
        assert_eq!(
            row(&[3.0, 1.0, 2.0]).median(Figure::BytesPerSecond),
            Some(2.0)
        );
        assert_eq!(row(&[]).median(Figure::BytesPerSecond), None);
    }
}
