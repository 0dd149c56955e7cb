//! The numbers of the client, as a recorder gets them.

use std::collections::{BTreeMap, BTreeSet};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, ReadUntil, ScopedStream, WriteError,
};
use pravega_standalone::Standalone;

use crate::documented;

/// The numbers so far, by name; of a histogram, how many values it has.
struct Numbers {
    snapshotter: Snapshotter,
    counted: BTreeMap<String, f64>,
}

impl Numbers {
    /// A snapshot takes away what it shows, so they are added up.
    fn look(&mut self) -> &BTreeMap<String, f64> {
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let change = match value {
                DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
                DebugValue::Gauge(change) => change.into_inner(),
                DebugValue::Histogram(values) => f64::from(u32::try_from(values.len()).unwrap()),
            };
            *self.counted.entry(key.key().name().to_owned()).or_default() += change;
        }
        &self.counted
    }
}

fn numbers_of(controller_uri: String) -> (ClientFactory, Numbers) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let config = ClientConfigBuilder::default()
        .controller_uri(controller_uri)
        .build();
    let factory = metrics::with_local_recorder(&recorder, || ClientFactory::new(config.unwrap()));
    let counted = BTreeMap::new();
    (
        factory,
        Numbers {
            snapshotter,
            counted,
        },
    )
}

#[tokio::test]
async fn the_metrics_are_those_that_are_documented() {
    let (factory, numbers) = numbers_of("localhost:9090".to_owned());
    let described: BTreeSet<_> = numbers
        .snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, unit, text, value)| {
            let kind = match value {
                DebugValue::Counter(_) => "counter",
                DebugValue::Gauge(_) => "gauge",
                DebugValue::Histogram(_) => "histogram",
            };
            assert!(text.is_some(), "{key:?} says nothing");
            let unit = unit.map(|unit| unit.as_str().to_owned());
            (
                key.key().name().to_owned(),
                kind.to_owned(),
                unit.unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(described, documented::metrics("Numbers of the client"));
    drop(factory);
}

#[tokio::test]
async fn what_is_written_and_read_is_counted() {
    let server = Standalone::builder().memory().start().await.unwrap();
    let (factory, mut numbers) = numbers_of(server.controller_uri());
    let stream = ScopedStream::from("numbers/stream");
    factory.ensure_byte_stream(&stream).await.unwrap();
    let mut writer = factory.open_byte_writer(stream.clone()).await.unwrap();
    let mut rival = factory.open_byte_writer(stream.clone()).await.unwrap();
    writer.write_all(&[7; 1000]).await.unwrap();
    writer.flush().await.unwrap();
    rival.write_all(b"late").await.unwrap();
    assert!(matches!(
        rival.flush().await,
        Err(WriteError::Conflict { .. })
    ));
    let opening = factory
        .open_byte_reader(stream)
        .until(ReadUntil::TailAtOpen);
    let mut reader = opening.await.unwrap();
    while reader.read_chunk(usize::MAX).await.unwrap().is_some() {}

    let seen = numbers.look();
    let number = |name: &str| seen[&format!("pravega_client_{name}")];
    assert_eq!(number("writers"), 2.0);
    assert_eq!(number("readers"), 1.0);
    assert_eq!(number("accepted_bytes_total"), 1004.0);
    assert_eq!(number("durable_bytes_total"), 1000.0);
    assert_eq!(number("unacked_bytes"), 0.0);
    assert_eq!(number("blocks_total"), 2.0);
    assert_eq!(number("blocks_resent_total"), 0.0);
    assert_eq!(number("conflicts_total"), 1.0);
    assert_eq!(number("flush_seconds"), 1.0, "the other flush had no ack");
    assert_eq!(number("read_bytes_total"), 1000.0);
    assert!(number("read_requests_total") >= 1.0);
    assert!(number("connections") >= 1.0);
    assert_eq!(number("connections"), number("connects_total"));

    drop((writer, rival, reader));
    factory.shutdown().await;
    let seen = numbers.look();
    for gone in ["writers", "readers", "unacked_bytes", "connections"] {
        assert_eq!(seen[&format!("pravega_client_{gone}")], 0.0, "{gone}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_counted() {
    let server = Standalone::builder().memory().start().await.unwrap();
    let (factory, mut numbers) = numbers_of(server.controller_uri());
    let stream = ScopedStream::from("numbers/gone");
    factory.ensure_byte_stream(&stream).await.unwrap();
    let mut writer = factory.open_byte_writer(stream).await.unwrap();
    writer.write_all(b"stored").await.unwrap();
    writer.flush().await.unwrap();
    server.shutdown().await;
    writer.write_all(b"not stored").await.unwrap();
    let watch = writer.watch().unwrap();
    let flushing = tokio::spawn(async move { watch.flush().await });
    // Each failed attempt passes on what the writer holds.
    while numbers.look()["pravega_client_connect_failures_total"] == 0.0 {
        tokio::task::yield_now().await;
    }
    let seen = numbers.look();
    assert_eq!(seen["pravega_client_unacked_bytes"], 10.0);
    assert_eq!(seen["pravega_client_durable_bytes_total"], 6.0);
    flushing.abort();
    factory.shutdown().await;
}
