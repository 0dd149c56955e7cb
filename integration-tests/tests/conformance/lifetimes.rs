//! Factories and their children that are dropped in odd places: in async code, without a runtime, on a thread for
//! blocking work, behind the end of the runtime they have used.

use pravega_byte_stream::{ClientFactory, ReadError, ScopedSegment, WriteError, WriteMode};
use pravega_integration_tests::Backend;
use tokio::runtime::{Builder, Runtime};

use crate::{
    support::{BOTH_MODES, content},
    writing::open,
};

#[tokio::test]
async fn t77_children_outlive_a_factory_that_is_dropped_in_async_code() {
    let backend = Backend::start().await;
    for mode in BOTH_MODES {
        let factory = backend.factory();
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let mut reader = factory.create_byte_reader(segment).await;
        drop(factory);
        writer.write_all(b"still here").await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 10);
        let mut read = [0; 10];
        reader.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"still here");
    }
}

#[tokio::test]
async fn t77_children_of_a_factory_that_was_shut_down_say_closed() {
    let backend = Backend::start().await;
    for mode in BOTH_MODES {
        let factory = backend.factory();
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let mut reader = factory.create_byte_reader(segment).await;
        writer.write_all(b"durable").await.unwrap();
        writer.flush().await.unwrap();
        factory.shutdown().await;
        drop(factory);
        let refused = writer.write(b"more").await.unwrap_err();
        assert!(matches!(refused, WriteError::Closed { .. }), "{refused:?}");
        let refused = reader.read(&mut [0; 10]).await.unwrap_err();
        assert!(matches!(refused, ReadError::Closed { .. }), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t77_all_is_dropped_on_a_thread_for_blocking_work() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    writer.write_all(b"kept").await.unwrap();
    writer.flush().await.unwrap();
    let reader = factory.create_byte_reader(segment.clone()).await;
    let dropped = tokio::task::spawn_blocking(move || drop((factory, writer, reader)));
    dropped.await.unwrap();
    assert_eq!(content(&backend.factory(), &segment).await, "kept");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What is made in the runtime that the server runs in.
struct Made {
    server: Runtime,
    backend: Backend,
    segment: ScopedSegment,
}

fn make() -> Made {
    let server = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (backend, segment) = server.block_on(async {
        let backend = Backend::start().await;
        let factory = backend.factory();
        let segment = backend.fresh_segment(&factory).await;
        (backend, segment)
    });
    Made {
        server,
        backend,
        segment,
    }
}

#[test]
fn t77_a_sync_main_makes_and_drops_without_a_runtime() {
    let Made {
        server,
        backend,
        segment,
    } = make();
    for mode in BOTH_MODES {
        let factory: ClientFactory = backend.factory();
        let mine = runtime();
        let mut writer = mine.block_on(open(&factory, &segment, mode));
        let reader = mine.block_on(factory.create_byte_reader(segment.clone()));
        // Accepted and never flushed: what becomes of it is anybody's guess, but nothing panics.
        mine.block_on(writer.write_all(b"perhaps")).unwrap();
        drop(mine);
        drop(factory);
        drop(writer);
        drop(reader);
    }
    server.block_on(async { drop(backend) });
}

/// Connections and tasks end with their runtime, and so do the children that had begun there. The factory works on.
#[test]
fn t77_children_end_with_their_runtime_and_the_factory_goes_on_in_another() {
    let Made {
        server,
        backend,
        segment,
    } = make();
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let first = runtime();
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = first.block_on(async { opening.at_tail().await }).unwrap();
        let from = writer.position();
        let mut reader = first.block_on(factory.create_byte_reader(segment.clone()));
        first.block_on(async {
            writer.write_all(b"one ").await.unwrap();
            writer.flush().await.unwrap();
            let most = usize::try_from(from + 4).unwrap();
            reader.read_exact(&mut vec![0; most]).await.unwrap();
        });
        drop(first);
        runtime().block_on(async {
            let closed = writer.write(b"never").await.unwrap_err();
            assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
            let closed = reader.read(&mut [0; 4]).await.unwrap_err();
            assert!(matches!(closed, ReadError::Closed { .. }), "{closed:?}");
            let opening = factory.open_byte_writer(segment.clone()).mode(mode);
            let mut writer = opening.at_tail().await.unwrap();
            writer.write_all(b"two ").await.unwrap();
            assert_eq!(writer.flush().await.unwrap(), from + 8);
            let all = content(&factory, &segment).await;
            assert!(all.ends_with(b"one two "), "{all:?}");
        });
    }
    server.block_on(async { drop(backend) });
}
