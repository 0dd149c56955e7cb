//! Counts what a contender does, and prints it.

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// Latencies are kept to within a thousandth of their value.
const DIGITS: u8 = 3;
/// The longest latency that is told apart from longer ones, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;

/// One measurement.
#[derive(Debug)]
pub struct Meter {
    began: Instant,
    spent: Duration,
    calls: u64,
    bytes: u64,
    latencies: Option<Histogram<u64>>,
    before: Usage,
    after: Usage,
}

/// What the process has used of the machine so far.
#[derive(Debug, Default, Clone, Copy)]
struct Usage {
    page_faults: i64,
    switches: i64,
    cpu: Duration,
}

impl Usage {
    #[cfg(not(unix))]
    fn now() -> Self {
        Self::default()
    }

    #[cfg(unix)]
    fn now() -> Self {
        use nix::sys::resource::{UsageWho, getrusage};
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
            return Self::default();
        };
        let spent = [usage.user_time(), usage.system_time()];
        let spent = spent.map(|time| {
            let whole = Duration::from_secs(time.tv_sec().try_into().unwrap_or(0));
            whole + Duration::from_micros(time.tv_usec().try_into().unwrap_or(0))
        });
        Self {
            page_faults: usage.minor_page_faults(),
            switches: usage.voluntary_context_switches(),
            cpu: spent.iter().sum(),
        }
    }
}

impl Meter {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        let before = Usage::now();
        Self {
            began: Instant::now(),
            spent: Duration::ZERO,
            calls: 0,
            bytes: 0,
            latencies: Histogram::new_with_bounds(1, LONGEST, DIGITS).ok(),
            before,
            after: before,
        }
    }

    /// Time since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// One call that moved so many bytes.
    pub fn count(&mut self, bytes: usize) {
        self.calls += 1;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// One call that began so long after the beginning, and has ended now.
    pub fn record(&mut self, began: Duration) {
        let took = self.elapsed().saturating_sub(began);
        if let Some(latencies) = &mut self.latencies {
            latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Ends now.
    pub fn stop(&mut self) {
        self.spent = self.elapsed();
        self.after = Usage::now();
    }

    /// Prints every figure.
    pub fn print(&self) {
        let seconds = self.spent.as_secs_f64();
        let gib = float(self.bytes) / float(1 << 30);
        let used = |what: fn(&Usage) -> i64| what(&self.after).saturating_sub(what(&self.before));
        let used = |what| float(used(what).try_into().unwrap_or(0));
        print("bytes_per_second", float(self.bytes) / seconds);
        print("calls_per_second", float(self.calls) / seconds);
        print("page_faults_per_gib", used(|usage| usage.page_faults) / gib);
        print(
            "switches_per_second",
            used(|usage| usage.switches) / seconds,
        );
        let cpu = self.after.cpu.saturating_sub(self.before.cpu).as_secs_f64();
        print("cpu_seconds_per_gib", cpu / gib);
        if let Some(latencies) = self.latencies.as_ref().filter(|all| !all.is_empty()) {
            print("p50_ns", float(latencies.value_at_quantile(0.5)));
            print("p99_ns", float(latencies.value_at_quantile(0.99)));
        }
    }
}

/// Prints one figure.
#[expect(clippy::print_stdout, reason = "this is how a contender answers")]
pub fn print(name: &str, value: f64) {
    println!("{name}={value}");
}

/// As a fraction; what is beyond 2^53 is rounded.
#[must_use]
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures are rounded anyway"
)]
pub fn float(count: u64) -> f64 {
    count as f64
}
