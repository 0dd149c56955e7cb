//! How long it took, and whose time that was.

use std::time::Duration;

use tokio::time::Instant;

use super::{clients::Four, probe::Probe};

/// The longest that a client should take once its segment is served again.
const GOAL: Duration = Duration::from_secs(1);
/// Bytes that were under way before an interruption have arrived after this time.
const AFTERGLOW: Duration = Duration::from_secs(1);

/// Nobody served the segments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interruption {
    /// The store was killed, or has answered for the last time.
    pub(super) began: Instant,
    /// The first answer after that.
    pub(super) ended: Instant,
}

impl Interruption {
    /// From when on progress shows that a client has gone on.
    pub(super) fn settled(&self) -> Instant {
        (self.began + AFTERGLOW).min(self.ended)
    }

    /// How long the cluster took.
    fn theirs(&self) -> Duration {
        self.ended.saturating_duration_since(self.began)
    }

    /// How long a client took that has gone on at `progress`.
    fn ours(&self, progress: Option<Instant>) -> Duration {
        progress.map_or(Duration::MAX, |at| at.saturating_duration_since(self.ended))
    }
}

/// The delays of all runs.
#[derive(Debug, Default)]
pub(super) struct Delays {
    rows: Vec<String>,
    /// What the cluster did meanwhile, one line for each row.
    met: Vec<String>,
    longest: Duration,
}

impl Delays {
    /// A store was killed, and all clients have gone on.
    pub(super) fn lost_store(
        &mut self,
        lost: &str,
        probe: &Probe,
        outage: &Interruption,
        four: &Four,
    ) {
        self.add("killed", Some(lost), probe, outage, four);
    }

    /// The segments were moved to a store that is back, and all clients have gone on.
    pub(super) fn moved_back(&mut self, probe: &Probe, moved: &Interruption, four: &Four) {
        self.add("moved", None, probe, moved, four);
    }

    fn add(
        &mut self,
        what: &str,
        lost: Option<&str>,
        probe: &Probe,
        interruption: &Interruption,
        four: &Four,
    ) {
        let number = self.rows.len() + 1;
        let owner = probe.owner().unwrap_or_default();
        let mut row = format!(
            "{number:>3}  {what:<6}  {:<15}  {owner:<15}  {:>7.2} s",
            lost.unwrap_or_default(),
            interruption.theirs().as_secs_f64()
        );
        for progress in four.progress_since(interruption.settled()) {
            let ours = interruption.ours(progress);
            self.longest = self.longest.max(ours);
            row.push_str(&format!("  {:>7.2} s", ours.as_secs_f64()));
        }
        self.rows.push(row);
        let met = probe.met_during(interruption).into_iter();
        let met = met.map(|(why, until)| format!("{why} until {:.1} s", until.as_secs_f64()));
        self.met.push(format!(
            "{number:>3}  {}",
            met.collect::<Vec<_>>().join(", ")
        ));
    }

    /// One line for each interruption, with a head and a sum.
    pub(super) fn table(&self) -> Vec<String> {
        let head = format!(
            "{:>3}  {:<6}  {:<15}  {:<15}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}",
            "", "what", "lost", "new owner", "cluster", "shared", "exclusive", "reading", "at tail"
        );
        let goal = if self.longest < GOAL {
            "reached"
        } else {
            "NOT REACHED"
        };
        let sum = format!(
            "the client's longest part: {:.2} s; the goal of less than {} s is {goal}",
            self.longest.as_secs_f64(),
            GOAL.as_secs()
        );
        let met = "     what an attempt to set up an append met meanwhile".to_owned();
        let met = [vec![met], self.met.clone()].concat();
        [vec![head], self.rows.clone(), met, vec![sum]].concat()
    }
}
