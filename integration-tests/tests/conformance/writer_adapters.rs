//! The writer as [`AsyncWrite`](tokio::io::AsyncWrite) and as a `Sink`.

use std::io::{self, ErrorKind, Read as _, Write as _};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, stream};
use pravega_byte_stream::{MAX_ATOMIC_WRITE, WriteError, WriteMode};
use pravega_integration_tests::{
    Backend, Pattern,
    relay::{Armed, Fault, Gate, Relay},
};
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    task::spawn_blocking,
};
use tokio_util::{
    codec::{FramedRead, FramedWrite, LengthDelimitedCodec},
    compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _},
    io::{CopyToBytes, SinkWriter, SyncIoBridge},
};

use crate::{
    faults::appends_of,
    support::{BOTH_MODES, content, in_a_hurry},
    writing::offset,
};

#[tokio::test]
async fn t48_tokio_copy_into_a_writer() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let all = Pattern::new(48).bytes(0, 3_000_000);
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        // A small window, so that copying has to wait for room.
        let mut writer = opening.max_unacked_bytes(100_000).await.unwrap();
        let copied = tokio::io::copy(&mut &all[..], &mut writer).await.unwrap();
        assert_eq!(copied, offset(all.len()));
        assert_eq!(writer.durable_offset(), copied, "copy flushes");
        assert!(content(&factory, &segment).await == all, "{mode:?}");
    }
}

#[tokio::test]
async fn t48_an_async_write_shut_down_is_flushed_and_not_sealed() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let writer = factory.open_byte_writer(segment.clone()).await.unwrap();
    let mut buffered = BufWriter::new(writer);
    for line in ["one\n", "two\n", "three\n"] {
        buffered.write_all(line.as_bytes()).await.unwrap();
    }
    buffered.shutdown().await.unwrap();
    assert_eq!(content(&factory, &segment).await, "one\ntwo\nthree\n");
    buffered.write_all(b"four\n").await.unwrap();
    buffered.flush().await.unwrap();
    assert_eq!(content(&factory, &segment).await, "one\ntwo\nthree\nfour\n");
}

#[tokio::test]
async fn t48_an_async_write_reports_a_conflict_with_kind_and_source() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut writer = factory.open_byte_writer(segment.clone()).await.unwrap();
    let mut rival = factory.open_byte_writer(segment.clone()).await.unwrap();
    rival.write(b"first").await.unwrap();
    rival.close().await.unwrap();
    // Named in full: the writer has methods of its own with these names.
    AsyncWriteExt::write_all(&mut writer, b"second")
        .await
        .unwrap();
    let error = AsyncWriteExt::flush(&mut writer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<WriteError>());
    assert!(
        matches!(
            inner,
            Some(WriteError::Conflict {
                expected: 0,
                actual: Some(5),
                ..
            })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn t48_a_sink_takes_items_of_every_size() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let writer = factory
            .open_byte_writer(segment.clone())
            .mode(mode)
            .await
            .unwrap();
        let mut sink = writer.into_sink();
        let all = Bytes::from(Pattern::new(49).bytes(0, 2 * MAX_ATOMIC_WRITE + 20_000));
        let mut rest = all.clone();
        let sizes = [1, 0, 999, MAX_ATOMIC_WRITE + 1, 10_000];
        let mut items: Vec<_> = sizes.map(|size| rest.split_to(size)).into();
        items.push(rest);
        sink.send_all(&mut stream::iter(items).map(Ok))
            .await
            .unwrap();
        let (mut writer, left) = sink.into_parts();
        assert!(left.is_empty());
        assert_eq!(writer.durable_offset(), offset(all.len()));
        writer.write(b"!").await.unwrap();
        let mut sink = writer.into_sink();
        sink.feed(Bytes::from_static(b"?")).await.unwrap();
        sink.close().await.unwrap();
        let stored = content(&factory, &segment).await;
        assert!(
            stored[..all.len()] == all && stored[all.len()..] == *b"!?",
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn t48_futures_copy_through_compat_on_both_sides() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let all = Pattern::new(51).bytes(0, 3_000_000);
    let (mut writer, reader) = backend.pair(&factory).await;
    writer.write_all(&all).await.unwrap();
    writer.seal().await.unwrap();
    let segment = backend.fresh_segment(&factory).await;
    let copy = factory.open_byte_writer(segment.clone()).await.unwrap();
    let mut copy = copy.compat_write();
    let copied = futures::io::copy(reader.compat(), &mut copy).await.unwrap();
    assert_eq!(copied, offset(all.len()));
    // As all of futures does, closing flushes.
    futures::AsyncWriteExt::close(&mut copy).await.unwrap();
    assert_eq!(copy.into_inner().durable_offset(), copied);
    assert!(content(&factory, &segment).await == all);
}

#[tokio::test]
async fn t48_a_stream_of_chunks_forwarded_into_a_sink() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let all = Pattern::new(52).bytes(0, 3_000_000);
    let (mut writer, reader) = backend.pair(&factory).await;
    writer.write_all(&all).await.unwrap();
    writer.seal().await.unwrap();
    for mode in BOTH_MODES {
        let reader = factory.create_byte_reader(reader.segment().unwrap().clone());
        let chunks = reader.await.into_stream();
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let sink = opening.await.unwrap().into_sink();
        let mut sink = sink.sink_map_err(io::Error::from);
        let mut chunks = chunks.map_err(io::Error::from);
        sink.send_all(&mut chunks).await.unwrap();
        sink.close().await.unwrap();
        assert!(content(&factory, &segment).await == all, "{mode:?}");
    }
}

#[tokio::test]
async fn t48_a_sink_writer_around_the_sink() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let writer = factory.open_byte_writer(segment.clone()).await.unwrap();
    let sink = writer.into_sink().sink_map_err(io::Error::from);
    let mut writer = SinkWriter::new(CopyToBytes::new(sink));
    writer.write_all(b"one and ").await.unwrap();
    writer.write_all(b"two").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(content(&factory, &segment).await, "one and two");
}

/// A codec brings framing to a stream that has none.
#[tokio::test]
async fn t48_frames_of_a_codec() {
    let backend = Backend::start().await;
    let (writer, reader) = backend.pair(&backend.factory()).await;
    let frames: Vec<_> = (0..500)
        .map(|number: u32| {
            Bytes::from(Pattern::new(53).bytes(number.into(), usize::try_from(3 * number).unwrap()))
        })
        .collect();
    let mut framed = FramedWrite::new(writer, LengthDelimitedCodec::new());
    for frame in &frames {
        framed.feed(frame.clone()).await.unwrap();
    }
    futures::SinkExt::<Bytes>::flush(&mut framed).await.unwrap();
    framed.into_inner().seal().await.unwrap();
    let framed = FramedRead::new(reader, LengthDelimitedCodec::new());
    let read: Vec<_> = framed.try_collect().await.unwrap();
    assert!(read == frames);
}

#[tokio::test]
async fn t48_a_bridge_to_std_io_on_threads_for_blocking_work() {
    let backend = Backend::start().await;
    let (writer, reader) = backend.pair(&backend.factory()).await;
    let mut writer = SyncIoBridge::new(writer);
    let mut reader = SyncIoBridge::new(reader);
    let written = spawn_blocking(move || {
        writer.write_all(b"over the bridge").unwrap();
        writer.flush().unwrap();
        writer.into_inner()
    });
    let mut writer = written.await.unwrap();
    writer.seal().await.unwrap();
    let read = spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    assert_eq!(read.await.unwrap().unwrap(), "over the bridge");
}

/// A writer whose window is full, the fault that keeps it so, and what ends it.
async fn full(relay: &Relay, mode: WriteMode) -> (pravega_byte_stream::ByteWriter, Armed, Gate) {
    let factory = relay.factory_with(in_a_hurry);
    let segment = relay.backend().fresh_segment(&factory).await;
    let opening = factory.open_byte_writer(segment).mode(mode);
    let mut writer = opening.max_unacked_bytes(1_000).await.unwrap();
    let gate = Gate::default();
    let held = relay.arm(appends_of(mode), Fault::Hold(gate.clone()));
    writer.write(&[1; 900]).await.unwrap();
    (writer, held, gate)
}

/// Once the append is held back, seals the segment and lets the append go.
async fn seal_behind(
    relay: &Relay,
    segment: pravega_byte_stream::ScopedSegment,
    held: Armed,
    gate: Gate,
) {
    held.struck().await;
    let handle = relay.backend().factory().segment(segment).unwrap();
    handle.seal().await.unwrap();
    gate.open();
}

#[tokio::test]
async fn t78_an_async_write_that_waits_for_room_hears_of_the_end() {
    let relay = Relay::start().await;
    for mode in BOTH_MODES {
        let (mut writer, held, gate) = full(&relay, mode).await;
        let segment = writer.segment().unwrap().clone();
        let writing = AsyncWriteExt::write_all(&mut writer, &[2; 900]);
        let sealing = seal_behind(&relay, segment, held, gate);
        let (written, ()) = tokio::join!(biased; writing, sealing);
        let error = written.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem, "{mode:?}");
    }
}

#[tokio::test]
async fn t78_a_sink_that_waits_for_room_hears_of_the_end() {
    let relay = Relay::start().await;
    for mode in BOTH_MODES {
        let (writer, held, gate) = full(&relay, mode).await;
        let segment = writer.segment().unwrap().clone();
        let mut sink = writer.into_sink();
        let sending = sink.send(Bytes::from_static(&[2; 900]));
        let sealing = seal_behind(&relay, segment, held, gate);
        let (sent, ()) = tokio::join!(biased; sending, sealing);
        let error = sent.unwrap_err();
        assert!(
            matches!(error, WriteError::Sealed { .. }),
            "{mode:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn t78_a_permit_that_waits_for_room_hears_of_the_end() {
    let relay = Relay::start().await;
    for mode in BOTH_MODES {
        let (writer, held, gate) = full(&relay, mode).await;
        let segment = writer.segment().unwrap().clone();
        let sealing = seal_behind(&relay, segment, held, gate);
        let (reserved, ()) = tokio::join!(biased; writer.reserve(900), sealing);
        let error = reserved.unwrap_err();
        assert!(
            matches!(error, WriteError::Sealed { .. }),
            "{mode:?}: {error:?}"
        );
    }
}
