//! Blocking inside and outside of runtimes, and dropping there: nothing panics, nothing waits for ever.

use std::{error::Error as _, thread};

use pravega_byte_stream::{
    ClientConfigBuilder, ReadError, ScopedSegment, SegmentError, TlsOptions, WriteError,
    blocking::{ByteReader, ByteWriter, ClientFactory},
};
use pravega_integration_tests::{Backend, Pattern};
use tokio::{
    runtime::Builder,
    task::{LocalSet, block_in_place, spawn_blocking},
};

use super::{backend, factory, pair};

/// Everything that blocks, from the factory on: written, flushed, and read back.
fn exchange(backend: &Backend) -> (ClientFactory, ByteWriter, ByteReader) {
    let factory = factory(backend);
    let (mut writer, mut reader) = pair(backend, &factory);
    let content = Pattern::new(77).bytes(0, 100_000);
    writer.write_all(&content).unwrap();
    assert_eq!(writer.flush().unwrap(), 100_000);
    let mut read = vec![0; 100_000];
    reader.read_exact(&mut read).unwrap();
    assert!(read == content);
    (factory, writer, reader)
}

#[tokio::test]
async fn t77_blocking_in_a_runtime_of_one_thread() {
    drop(exchange(&backend()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn t77_blocking_the_only_worker_of_a_runtime_of_many_threads() {
    let backend = backend();
    let task = tokio::spawn(async move {
        drop(exchange(&backend));
        drop(block_in_place(|| exchange(&backend)));
        backend
    });
    let backend = task.await.unwrap();
    spawn_blocking(move || drop(exchange(&backend)))
        .await
        .unwrap();
}

#[tokio::test]
async fn t77_blocking_in_a_local_task() {
    let local = LocalSet::new();
    let task = local.spawn_local(async { drop(exchange(&backend())) });
    local.await;
    task.await.unwrap();
}

/// Time that stands still in the caller's runtime does not stand still for the client.
#[tokio::test(start_paused = true)]
async fn t77_blocking_where_the_clock_is_paused() {
    drop(exchange(&backend()));
}

/// A task may do so much before it has to let others run. A blocked one cannot, so the calls must not count.
#[tokio::test]
async fn t77_more_calls_in_one_task_than_a_task_may_make() {
    let backend = backend();
    let (mut writer, mut reader) = pair(&backend, &factory(&backend));
    for number in 1..=500 {
        writer.write(b"x").unwrap();
        assert_eq!(writer.flush().unwrap(), number);
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 1);
    }
}

#[test]
fn t77_blocking_without_a_runtime_and_inside_of_another_block_on() {
    let backend = backend();
    drop(exchange(&backend));
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(exchange(&backend)) });
    // On the thread of another factory.
    let outer = factory(&backend);
    outer
        .run(|_| async move { drop(exchange(&backend)) })
        .unwrap();
}

/// What is dropped where, and in which order, does not matter.
#[tokio::test]
async fn t77_children_and_factory_are_dropped_in_any_order_in_async_code() {
    let backend = backend();
    let (factory, mut writer, mut reader) = exchange(&backend);
    drop(factory);
    writer.write(b"still here").unwrap();
    assert_eq!(writer.flush().unwrap(), 100_010);
    drop(writer);
    let mut read = [0; 10];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"still here");
    drop(reader);

    let (factory, mut writer, reader) = exchange(&backend);
    // Accepted and never flushed: what becomes of it is anybody's guess, but nothing panics.
    writer.write(b"perhaps").unwrap();
    drop((reader, writer));
    drop(factory);
}

#[test]
fn t77_children_outlive_a_runtime_in_which_they_were_made() {
    let backend = backend();
    let runtime = Builder::new_current_thread().build().unwrap();
    let (_factory, mut writer, mut reader) = runtime.block_on(async { exchange(&backend) });
    drop(runtime);
    writer.write(b"still here").unwrap();
    writer.flush().unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
}

#[test]
fn t77_children_of_a_factory_that_was_shut_down_say_closed() {
    let backend = backend();
    let (factory, mut writer, mut reader) = exchange(&backend);
    factory.shutdown();
    let closed = writer.write(b"more").unwrap_err();
    assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
    let closed = reader.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(closed, ReadError::Closed { .. }), "{closed:?}");
    factory
        .open_byte_writer(writer.segment().unwrap().clone())
        .unwrap_err();
}

#[test]
fn what_cannot_be_set_up_is_told_by_the_first_call_of_everything() {
    // A DER sequence, so the configuration takes it, and no certificate.
    let pem = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let config = ClientConfigBuilder::default()
        .controller_uri("tls://localhost:9090")
        .tls(TlsOptions::default().system_roots(false).ca_pem(pem))
        .build()
        .unwrap();
    let factory = ClientFactory::new(config);
    let segment = ScopedSegment::from("scope/stream/0");
    let error = factory.segment(segment.clone()).unwrap_err();
    assert!(matches!(error, SegmentError::Setup { .. }), "{error:?}");
    let mut writer = factory.create_byte_writer(segment.clone());
    // An interrupt does not hide it.
    writer.interrupt().interrupt();
    for error in [writer.write(b"x"), writer.write(b"x")] {
        let source = error.unwrap_err().source().map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("the client could not be set up"),);
    }
    let mut reader = factory.create_byte_reader(segment);
    let error = reader.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error, ReadError::Asking { .. }), "{error:?}");
}

/// Each thread has its own writer and reader, all share one factory and its thread.
#[test]
fn t77_many_threads_share_a_factory() {
    let backend = backend();
    let factory = factory(&backend);
    let share = |number: u64| {
        let (mut writer, mut reader) = pair(&backend, &factory);
        let content = Pattern::new(number).bytes(0, 200_000);
        thread::scope(|scope| {
            scope.spawn(|| {
                for piece in content.chunks(1_000) {
                    writer.write_all(piece).unwrap();
                }
                writer.seal().unwrap();
            });
            let mut all = vec![0; content.len()];
            reader.read_exact(&mut all).unwrap();
            assert!(all == content, "{number}");
            assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
        });
    };
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || share(number));
        }
    });
}
