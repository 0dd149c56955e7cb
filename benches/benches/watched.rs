//! What it costs to be looked at: by nobody, by a recorder of numbers, by a subscriber that wants INFO and above.
//!
//! The client runs on this thread, a server that stores nothing on another. A run gives one time for each watcher; the
//! cost is their ratio, and its noise shows in several runs.

#![expect(
    clippy::expect_used,
    clippy::as_conversions,
    reason = "a benchmark that cannot be set up ends; sizes are constants"
)]

use std::{io, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use metrics::with_local_recorder;
use metrics_exporter_prometheus::PrometheusBuilder;
use pravega_benches::null_server::NullServer;
use pravega_byte_stream::{ByteWriter, ClientConfigBuilder, ClientFactory, ScopedStream};
use tokio::runtime::{Builder, Runtime};
use tracing::subscriber::set_default;
use tracing_subscriber::EnvFilter;

/// Bytes moved in one iteration.
const VOLUME: usize = 16 << 20;
const PIECE: usize = 100;

/// Who looks.
const WATCHERS: [&str; 3] = ["nobody", "recorder", "subscriber"];

struct Scene {
    runtime: Runtime,
    writer: ByteWriter,
}

impl Scene {
    /// The numbers of the client go to the recorder that this thread has now.
    fn new(controller: &str, watcher: &str) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let config = ClientConfigBuilder::default().controller_uri(controller);
        let factory = ClientFactory::new(config.build().expect("a configuration"));
        let stream: ScopedStream = format!("watched/{watcher}").parse().expect("a name");
        let writer = runtime.block_on(async { factory.open_byte_writer(stream).await });
        let writer = writer.expect("a writer");
        Self { runtime, writer }
    }

    fn write(&mut self, count: usize) {
        let writer = &mut self.writer;
        self.runtime.block_on(async {
            for _ in 0..count {
                writer.write_all(&[7; PIECE]).await.expect("accepted");
            }
            writer.flush().await.expect("durable");
        });
    }

    fn end(self) {
        let _inside = self.runtime.enter();
        drop(self.writer);
    }
}

fn null_server() -> String {
    let server = NullServer {
        delay: Duration::ZERO,
        reply: VOLUME,
    };
    server.start_beside().expect("a server")
}

/// Runs `work` with a client that `watcher` looks at.
fn watched(controller: &str, watcher: &str, work: impl FnOnce(&mut Scene)) {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("info"))
        .with_writer(io::sink)
        .finish();
    let _listening = (watcher == "subscriber").then(|| set_default(subscriber));
    let recorder = PrometheusBuilder::new().build_recorder();
    let mut scene = if watcher == "recorder" {
        with_local_recorder(&recorder, || Scene::new(controller, watcher))
    } else {
        Scene::new(controller, watcher)
    };
    work(&mut scene);
    scene.end();
}

fn many(c: &mut Criterion) {
    let controller = null_server();
    let mut group = c.benchmark_group("watched writes of 100 B");
    group.throughput(Throughput::Bytes(VOLUME as u64));
    for watcher in WATCHERS {
        watched(&controller, watcher, |scene| {
            group.bench_function(watcher, |b| b.iter(|| scene.write(VOLUME / PIECE)));
        });
    }
    group.finish();
}

fn one(c: &mut Criterion) {
    let controller = null_server();
    let mut group = c.benchmark_group("watched write and flush of 100 B");
    for watcher in WATCHERS {
        watched(&controller, watcher, |scene| {
            group.bench_function(watcher, |b| b.iter(|| scene.write(1)));
        });
    }
    group.finish();
}

criterion_group!(stream, many, one);
criterion_main!(stream);
