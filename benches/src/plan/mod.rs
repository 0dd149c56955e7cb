//! What is compared, and what is asked of ours.

mod entry;
mod list;

use serde::{Deserialize, Serialize};

pub(crate) use self::entry::bytes;
pub use self::{
    entry::{Against, Entry, Who},
    list::{CHART_SIZES, chart, comparisons, on_given},
};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Figure {
    /// Payload.
    BytesPerSecond,
    /// Calls.
    CallsPerSecond,
    /// Half of the calls took at most this long.
    P50,
    /// All but a hundredth of them did.
    P99,
    /// Processor time of the client, system included, for each GiB: what holds on a loaded machine too.
    Cpu,
    /// Minor page faults of the client, for each GiB.
    PageFaults,
    /// Connections of the client.
    Connections,
    /// Memory for each open writer or reader.
    BytesEach,
    /// Times that the idle client woke up, in a second.
    IdleWakeups,
    /// Appends that reached their reader.
    Reached,
    /// From the call of the program until it can be used.
    Ready,
    /// Memory that the idle program holds.
    Resident,
}

impl Figure {
    /// What the contenders call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BytesPerSecond => "bytes_per_second",
            Self::CallsPerSecond => "calls_per_second",
            Self::P50 => "p50_ns",
            Self::P99 => "p99_ns",
            Self::Cpu => "cpu_seconds_per_gib",
            Self::PageFaults => "page_faults_per_gib",
            Self::Connections => "connections",
            Self::BytesEach => "bytes_each",
            Self::IdleWakeups => "idle_wakeups_per_second",
            Self::Reached => "reached",
            Self::Ready => "ready_ns",
            Self::Resident => "resident_bytes",
        }
    }

    /// For the heads of tables: the name, and the unit that [`Figure::show`] prints in.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::BytesPerSecond => "GB/s",
            Self::CallsPerSecond => "calls/s",
            Self::P50 => "p50, µs",
            Self::P99 => "p99, µs",
            Self::Cpu => "CPU s/GiB",
            Self::PageFaults => "page faults/GiB",
            Self::Connections => "connections",
            Self::BytesEach => "bytes each",
            Self::IdleWakeups => "idle wake-ups/s",
            Self::Reached => "reached",
            Self::Ready => "ready, ms",
            Self::Resident => "resident, MiB",
        }
    }

    /// The value as text, in the unit of the title.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::BytesPerSecond => format!("{:.3}", value / 1e9),
            Self::Cpu => format!("{value:.3}"),
            Self::P50 | Self::P99 => format!("{:.1}", value / 1e3),
            Self::Ready => format!("{:.1}", value / 1e6),
            Self::Resident => format!("{:.1}", value / f64::from(1 << 20)),
            _ => format!("{value:.0}"),
        }
    }

    /// True where more is better.
    #[must_use]
    pub fn is_rate(self) -> bool {
        matches!(
            self,
            Self::BytesPerSecond | Self::CallsPerSecond | Self::Reached
        )
    }
}

/// Something that must hold: a figure of one entry, as a multiple of another's in the same round.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Which entry.
    pub ours: Place,
    /// Compared with which; none for a limit on the figure itself.
    pub than: Option<Place>,
    /// Of what.
    pub figure: Figure,
    /// At least this for rates, at most for the others.
    pub bound: f64,
    /// What would be nicer.
    pub stretch: Option<f64>,
}

/// The place of an entry in its comparison.
pub type Place = usize;

/// Entries that run side by side.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// For the command line.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// All programs share one processor.
    pub is_pinned: bool,
    /// What the table shows.
    pub figures: &'static [Figure],
    /// Who takes part.
    pub entries: Vec<Entry>,
    /// What is asked.
    pub gates: Vec<Gate>,
}

impl Comparison {
    fn new(id: &'static str, title: &'static str, figures: &'static [Figure]) -> Self {
        Self {
            id,
            title,
            is_pinned: false,
            figures,
            entries: Vec::new(),
            gates: Vec::new(),
        }
    }

    fn pinned(self) -> Self {
        Self {
            is_pinned: true,
            ..self
        }
    }

    fn add(&mut self, entry: Entry) -> Place {
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// Asks for a multiple of another entry's first figure.
    fn asks(&mut self, ours: Place, than: Place, bound: f64, stretch: impl Into<Option<f64>>) {
        let figure = self
            .figures
            .first()
            .copied()
            .unwrap_or(Figure::BytesPerSecond);
        self.asks_of(figure, ours, Some(than), bound, stretch);
    }

    fn asks_of(
        &mut self,
        figure: Figure,
        ours: Place,
        than: Option<Place>,
        bound: f64,
        stretch: impl Into<Option<f64>>,
    ) {
        let stretch = stretch.into();
        self.gates.push(Gate {
            ours,
            than,
            figure,
            bound,
            stretch,
        });
    }
}
