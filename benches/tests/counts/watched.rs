//! What it costs to be looked at: a recorder of numbers, and a subscriber of spans and events.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, with_local_recorder,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing::{Dispatch, Subscriber, span, subscriber::NoSubscriber};

use crate::{
    scene::{MODES, REPLY, Scene, wide},
    writing::write_small,
};

/// Writes of 100 B before anything is counted, and while it is.
const WARM_UP: u64 = 500_000;
const WRITES: u64 = 1_000_000;
/// Replies that are read.
const REPLIES: usize = 256;
/// Calls of the recorder for a MiB of small writes, less than a hundredth of what one for each write would be. Each
/// reply of the store makes a few; nine were seen.
const CALLS_PER_MIB: u64 = 64;

/// Counts how often anybody is told anything.
#[derive(Debug, Default, Clone)]
struct Calls(Arc<AtomicU64>);

impl Calls {
    fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Relaxed)
    }
}

impl CounterFn for Calls {
    fn increment(&self, _: u64) {
        self.count();
    }

    fn absolute(&self, _: u64) {
        self.count();
    }
}

impl GaugeFn for Calls {
    fn increment(&self, _: f64) {
        self.count();
    }

    fn decrement(&self, _: f64) {
        self.count();
    }

    fn set(&self, _: f64) {
        self.count();
    }
}

impl HistogramFn for Calls {
    fn record(&self, _: f64) {
        self.count();
    }
}

impl Recorder for Calls {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(self.clone()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(self.clone()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(self.clone()))
    }
}

/// Wants everything that our crates say.
impl Subscriber for Calls {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("pravega_")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        self.count();
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {
        self.count();
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {
        self.count();
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.count();
    }

    fn enter(&self, _: &span::Id) {
        self.count();
    }

    fn exit(&self, _: &span::Id) {
        self.count();
    }
}

#[test]
fn a_small_write_allocates_almost_never_with_a_recorder_too() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let scene = with_local_recorder(&recorder, Scene::new);
    for mode in MODES {
        let mut writer = scene.writer(mode);
        let mut write = async |writes| write_small(&mut writer, writes).await;
        scene.runtime.block_on(write(WARM_UP));
        scene.seam.take(&[]);
        let cost = scene.cost(async || write(WRITES).await);
        assert!(
            cost.allocations.count_total <= WRITES / 1_000,
            "{mode:?}: {cost:?}"
        );
    }
    let written = wide(MODES.len()) * (WARM_UP + WRITES) * 100;
    let counted = format!("pravega_client_durable_bytes_total {written}\n");
    let told = recorder.handle().render();
    assert!(told.contains(&counted), "{told}");
}

#[test]
fn small_writes_share_their_calls_of_the_recorder() {
    let calls = Calls::default();
    let scene = with_local_recorder(&calls, Scene::new);
    for mode in MODES {
        let mut writer = scene.writer(mode);
        let mut write = async |writes| write_small(&mut writer, writes).await;
        scene.runtime.block_on(write(WARM_UP));
        assert!(calls.take() > 0, "it is told something");
        scene.runtime.block_on(write(WRITES));
        let called = calls.take();
        assert!(
            called <= CALLS_PER_MIB * ((WRITES * 100) >> 20),
            "{mode:?}: {called}"
        );
    }
}

#[test]
fn nothing_is_said_of_single_writes_and_reads() {
    let calls = Calls::default();
    // For one subscriber alone, whoever meets an event first decides whether it is wanted, and most threads have none.
    let _second = Dispatch::new(NoSubscriber::new());
    tracing::subscriber::with_default(calls.clone(), || {
        let scene = Scene::new();
        for mode in MODES {
            let mut writer = scene.writer(mode);
            scene.runtime.block_on(write_small(&mut writer, 1));
            assert!(calls.take() > 0, "a writer is opened with a word");
            scene.runtime.block_on(write_small(&mut writer, WRITES));
            assert_eq!(calls.take(), 0, "{mode:?}");
        }
        let mut reader = scene.reader();
        let mut read = async |replies| {
            let mut received = 0;
            while received < replies * REPLY {
                received += reader.read_chunk(REPLY).await.unwrap().unwrap().len();
            }
        };
        // A reader finds its store when it is read from.
        scene.runtime.block_on(read(1));
        assert!(calls.take() > 0, "a reader is opened with a word");
        scene.runtime.block_on(read(REPLIES));
        assert_eq!(calls.take(), 0, "reading");
    });
}
