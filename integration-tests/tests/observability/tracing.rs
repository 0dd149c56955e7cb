//! Every span and event that a life of writers, readers and servers brings about, as a subscriber sees it.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, Credentials, OnTruncation, ReadFrom, RetryPolicy,
    ScopedStream, WriteError, WriteMode,
};
use pravega_client_shared::Endpoint;
use pravega_connection_pool::ConnectionPool;
use pravega_standalone::{Standalone, StandaloneHandle};
use tracing::{Event, Metadata, Subscriber, span};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

use crate::documented::{Signal, signals};

/// What this test does not bring about: hostile peers, broken disks and networks, and races. That they are
/// documented, `sources.rs` checks.
const UNSEEN: [&str; 31] = [
    "catalog.change_failed",
    "catalog.change_lost",
    "catalog.deletion_resumed",
    "catalog.segments_remain",
    "connection.address_silent",
    "connection.reply_ignored",
    "controller.list_empty",
    "controller.list_entry_unusable",
    "controller.list_refused",
    "controller.name_left_out",
    "server.accept_failed",
    "server.append_malformed",
    "server.changes_unfinished",
    "server.controller_ended",
    "server.handshake_failed",
    "server.handshake_slow",
    "server.message_unexpected",
    "server.message_unknown",
    "server.message_unreadable",
    "server.service_failed",
    "session.info_missing",
    "store.bytes_missing",
    "store.disk_failed",
    "store.disk_full",
    "store.has_room",
    "store.read_failed",
    "store.reads_lost",
    "store.still_full",
    "store.stopped",
    "tls.authorities_left_out",
    "tls.authority_unreadable",
];

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<BTreeMap<String, Signal>>>);

impl Capture {
    fn note(&self, metadata: &'static Metadata<'static>) {
        let Some(layer) = metadata.target().split("::").next() else {
            return;
        };
        if !layer.starts_with("pravega_") || layer == "pravega_integration_tests" {
            return;
        }
        let kind = if metadata.is_span() { "span" } else { "event" };
        let fields = metadata
            .fields()
            .iter()
            .map(|field| field.name().to_owned());
        let signal = Signal {
            layer: layer.to_owned(),
            kind: kind.to_owned(),
            level: metadata.level().to_string().to_lowercase(),
            fields: fields.filter(|field| field != "message").collect(),
        };
        self.0
            .lock()
            .unwrap()
            .insert(metadata.name().to_owned(), signal);
    }
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.note(event.metadata());
    }

    fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        self.note(span.metadata());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_emitted_is_what_is_documented() {
    let capture = Capture::default();
    tracing_subscriber::registry().with(capture.clone()).init();
    live().await;
    let seen = capture.0.lock().unwrap().clone();
    let documented = signals();
    for (name, signal) in &seen {
        assert_eq!(documented.get(name), Some(signal), "{name}");
    }
    let unseen: Vec<_> = documented
        .keys()
        .filter(|name| !seen.contains_key(*name) && !UNSEEN.contains(&name.as_str()))
        .collect();
    assert!(unseen.is_empty(), "documented and not seen: {unseen:?}");
}

async fn live() {
    let dir = tempfile::tempdir().unwrap();
    let server = Standalone::builder()
        .data_dir(dir.path())
        .start()
        .await
        .unwrap();
    let factory = factory_of(server.controller_uri());
    let stream = ScopedStream::from("inside/stream");
    factory.ensure_byte_stream(&stream).await.unwrap();
    write_and_conflict(&factory, &stream).await;
    read(&factory, &stream).await;
    lose_the_server(factory, server, &stream).await;
    nobody_is_there().await;
}

fn factory_of(controller_uri: String) -> ClientFactory {
    let config = ClientConfigBuilder::default()
        .controller_uri(controller_uri)
        .credentials(Credentials::basic("somebody", "secret"))
        .operation_timeout(Duration::from_secs(2))
        .retry(quick())
        .build();
    ClientFactory::new(config.unwrap())
}

fn quick() -> RetryPolicy {
    let brief = Duration::from_millis(10);
    RetryPolicy::default()
        .with_initial_backoff(brief)
        .with_max_backoff(brief)
}

async fn write_and_conflict(factory: &ClientFactory, stream: &ScopedStream) {
    let mut first = factory.open_byte_writer(stream.clone()).await.unwrap();
    let mut second = factory.open_byte_writer(stream.clone()).await.unwrap();
    first.write_all(b"first").await.unwrap();
    first.flush().await.unwrap();
    second.write_all(b"second").await.unwrap();
    let refused = second.flush().await.unwrap_err();
    assert!(matches!(refused, WriteError::Conflict { .. }), "{refused}");
    second.resync().await.unwrap();

    // In shared mode the ack tells where the segment ends, and so that somebody else was there.
    let opening = factory
        .open_byte_writer(stream.clone())
        .mode(WriteMode::Shared);
    let mut shared = opening.await.unwrap();
    for _ in 0..2 {
        shared.write_all(b"shared").await.unwrap();
        shared.flush().await.unwrap();
        second.resync().await.unwrap();
        second.write_all(b"more").await.unwrap();
        second.flush().await.unwrap();
    }

    // Kept back for longer than the test runs, and then dropped.
    let opening = factory
        .open_byte_writer(stream.clone())
        .mode(WriteMode::Shared);
    let mut lazy = opening.linger(Duration::from_secs(3600)).await.unwrap();
    lazy.write_all(b"never sent").await.unwrap();
}

async fn read(factory: &ClientFactory, stream: &ScopedStream) {
    let segment = factory.segment_of(stream).await.unwrap();
    let handle = factory.segment(segment).unwrap();
    handle.truncate_data_before(2).await.unwrap();
    let opening = factory
        .open_byte_reader(stream.clone())
        .from(ReadFrom::Offset(0));
    let mut reader = opening
        .on_truncation(OnTruncation::SkipToHead)
        .await
        .unwrap();
    let chunk = reader.read_chunk(usize::MAX).await.unwrap().unwrap();
    assert!(chunk.starts_with(b"rst"), "{chunk:?}");
}

async fn lose_the_server(factory: ClientFactory, server: StandaloneHandle, stream: &ScopedStream) {
    let mut writer = factory.open_byte_writer(stream.clone()).await.unwrap();
    writer.write_all(b"stored").await.unwrap();
    writer.flush().await.unwrap();
    server.shutdown().await;
    writer.write_all(b"lost").await.unwrap();
    writer.flush().await.unwrap_err();
    let segment = writer.segment().unwrap().clone();
    factory.segment(segment).unwrap().info().await.unwrap_err();
    drop(writer);
    factory.shutdown().await;
}

async fn nobody_is_there() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let config = ClientConfigBuilder::default()
        .controller_uri("localhost:9090")
        .build();
    let pool = ConnectionPool::new(&config.unwrap()).unwrap();
    let closed = Endpoint::new("127.0.0.1", port.into()).unwrap();
    pool.connect(&closed).await.unwrap_err();
}
