//! The writer as [`AsyncWrite`](tokio::io::AsyncWrite) and as a `Sink`.

use std::io::ErrorKind;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _, stream};
use pravega_byte_stream::{MAX_ATOMIC_WRITE, WriteError};
use pravega_integration_tests::{Backend, Pattern};
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::{
    support::{BOTH_MODES, content},
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
