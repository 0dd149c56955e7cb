//! The whole: writer, connection, embedded server in memory, and back.

#![expect(
    clippy::expect_used,
    clippy::as_conversions,
    reason = "a benchmark that cannot be set up ends; sizes are constants"
)]

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ReadFrom, ScopedStream, WriteMode};
use pravega_standalone::{Standalone, StandaloneHandle};
use tokio::runtime::Runtime;

/// Bytes moved in one iteration.
const VOLUME: usize = 16 << 20;

const SIZES: [usize; 3] = [100, 64 << 10, 1 << 20];

struct Setup {
    runtime: Runtime,
    factory: ClientFactory,
    _server: StandaloneHandle,
}

fn set_up() -> Setup {
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime
        .block_on(Standalone::builder().memory().start())
        .expect("the embedded server starts");
    let config = ClientConfigBuilder::default().controller_uri(server.controller_uri());
    let factory = ClientFactory::new(config.build().expect("a configuration"));
    Setup {
        runtime,
        factory,
        _server: server,
    }
}

impl Setup {
    /// A new stream for every iteration, so that the server's memory does not grow without end.
    async fn fresh(&self, number: &mut u64) -> ScopedStream {
        *number += 1;
        let stream: ScopedStream = format!("bench/s{number}").parse().expect("a name");
        self.factory
            .ensure_byte_stream(&stream)
            .await
            .expect("a stream");
        stream
    }

    async fn remove(&self, stream: &ScopedStream) {
        let controller = self.factory.controller().expect("a controller");
        controller.seal_stream(stream).await.expect("sealed");
        controller.delete_stream(stream).await.expect("deleted");
    }
}

fn append(c: &mut Criterion) {
    let setup = set_up();
    let mut number = 0;
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let mut group = c.benchmark_group(format!("append {mode:?}"));
        group
            .throughput(Throughput::Bytes(VOLUME as u64))
            .sample_size(10);
        for len in SIZES {
            let piece = Bytes::from(vec![7; len]);
            group.bench_function(BenchmarkId::from_parameter(len), |b| {
                b.iter(|| {
                    setup.runtime.block_on(async {
                        let stream = setup.fresh(&mut number).await;
                        let opening = setup.factory.open_byte_writer(stream.clone()).mode(mode);
                        let mut writer = opening.await.expect("a writer");
                        for _ in 0..VOLUME / len {
                            writer.append(piece.clone()).await.expect("accepted");
                        }
                        writer.close().await.expect("durable");
                        setup.remove(&stream).await;
                    });
                });
            });
        }
        group.finish();
    }
}

fn write_and_flush(c: &mut Criterion) {
    let setup = set_up();
    let stream = setup.runtime.block_on(setup.fresh(&mut 0));
    let opening = setup.factory.open_byte_writer(stream);
    let mut writer = setup
        .runtime
        .block_on(async move { opening.await })
        .expect("a writer");
    c.bench_function("write 100 B and flush", |b| {
        b.iter(|| {
            setup.runtime.block_on(async {
                writer.write(&[7; 100]).await.expect("accepted");
                writer.flush().await.expect("durable")
            })
        });
    });
    let _inside = setup.runtime.enter();
    drop(writer);
}

fn read(c: &mut Criterion) {
    let setup = set_up();
    let stream = setup.runtime.block_on(async {
        let stream = setup.fresh(&mut 0).await;
        let mut writer = setup
            .factory
            .open_byte_writer(stream.clone())
            .await
            .expect("a writer");
        writer.write_all(&vec![7; VOLUME]).await.expect("accepted");
        writer.seal().await.expect("sealed");
        stream
    });
    let mut group = c.benchmark_group("read");
    group
        .throughput(Throughput::Bytes(VOLUME as u64))
        .sample_size(20);
    for len in SIZES {
        group.bench_function(BenchmarkId::from_parameter(len), |b| {
            let mut buffer = vec![0; len];
            b.iter(|| {
                setup.runtime.block_on(async {
                    let opening = setup.factory.open_byte_reader(stream.clone());
                    let mut reader = opening.from(ReadFrom::Offset(0)).await.expect("a reader");
                    while reader.read(&mut buffer).await.expect("bytes") > 0 {}
                });
            });
        });
    }
    group.finish();
}

criterion_group!(stream, append, write_and_flush, read);
criterion_main!(stream);
