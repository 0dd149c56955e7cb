//! Reading where nothing is yet: at the tail of an open segment.

use std::time::Duration;

use bytes::Bytes;
use pravega_byte_stream::{ByteReader, ByteWriter, ReadError, ReadFrom, SegmentHandle, TryRead};
use pravega_integration_tests::{
    Backend,
    relay::{Fault, Frames, Relay},
};

/// A writer and a reader with bytes that were all read: the reader is at the tail.
async fn at_the_tail(backend: &Backend) -> (ByteWriter, ByteReader) {
    let (mut writer, mut reader) = backend.pair(&backend.factory()).await;
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();
    let mut read = [0; 10];
    reader.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"0123456789");
    (writer, reader)
}

/// Lets a call wait, and asks the store a few questions meanwhile, so that the call's own has most likely
/// arrived there. The test holds either way.
async fn begin(waiting: &mut (impl Future + Unpin), store: &SegmentHandle) {
    for _ in 0..3 {
        assert!(futures::poll!(&mut *waiting).is_pending());
        store.info().await.unwrap();
    }
}

fn handle_of(backend: &Backend, writer: &ByteWriter) -> SegmentHandle {
    backend
        .factory()
        .segment(writer.segment().unwrap().clone())
        .unwrap()
}

/// Reads with a reader that gives up after a short while, until that is long enough.
async fn patiently(reader: &mut ByteReader) -> Bytes {
    loop {
        match reader.read_chunk(100).await {
            Err(ReadError::Idle { .. }) => {}
            other => return other.unwrap().unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_a_read_at_the_tail_gets_what_another_client_appends() {
    let backend = Backend::start().await;
    let (writer, mut reader) = at_the_tail(&backend).await;
    let segment = writer.segment().unwrap().clone();
    drop(writer);
    let another = backend.factory();
    for round in 0_u8..20 {
        let mut writer = another.open_byte_writer(segment.clone()).await.unwrap();
        let bytes = [round; 100];
        let (read, ()) = tokio::join!(reader.read_chunk(100), async {
            writer.write(&bytes).await.unwrap();
            writer.close().await.unwrap();
        });
        assert_eq!(read.unwrap().unwrap(), bytes[..]);
    }
    assert_eq!(reader.position(), 2_010);
}

#[tokio::test]
async fn t50_a_reader_opened_at_the_tail_waits_for_the_first_byte() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, _) = at_the_tail(&backend).await;
    let opening = factory.open_byte_reader(writer.segment().unwrap().clone());
    let mut reader = opening.from(ReadFrom::Tail).await.unwrap();
    assert_eq!(reader.position(), 10);
    let mut read = Box::pin(reader.read_chunk(100));
    begin(&mut read, &handle_of(&backend, &writer)).await;
    writer.write(b"new").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(read.await.unwrap().unwrap(), "new");
}

#[tokio::test]
async fn t51_a_wait_outlives_every_time_out_of_a_request() {
    let backend = Backend::start().await;
    let factory = backend.factory_with(|config| {
        config
            .keep_alive_interval(Duration::from_millis(50))
            .connection_idle_timeout(Duration::from_millis(10))
    });
    let (mut writer, mut reader) = backend.pair(&factory).await;
    // Each error takes 20 ms of silence, and all of them several keep-alives.
    let opening = factory.open_byte_reader(writer.segment().unwrap().clone());
    let mut clock = opening
        .idle_timeout(Duration::from_millis(20))
        .await
        .unwrap();
    let mut read = Box::pin(reader.read_chunk(100));
    for _ in 0..15 {
        assert!(futures::poll!(&mut read).is_pending());
        let error = clock.read_chunk(100).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Idle { offset: 0, .. }),
            "{error:?}"
        );
    }
    writer.write(b"at last").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(read.await.unwrap().unwrap(), "at last");
    assert_eq!(patiently(&mut clock).await, "at last");
}

#[tokio::test]
async fn t52_sealed_while_a_read_waits() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = at_the_tail(&backend).await;
    let mut buffer = [7; 3];
    let mut read = Box::pin(reader.read(&mut buffer));
    begin(&mut read, &handle_of(&backend, &writer)).await;
    writer.seal().await.unwrap();
    assert_eq!(read.await.unwrap(), 0);
    assert_eq!(buffer, [7; 3]);
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 0);
}

#[tokio::test]
async fn t52_an_empty_segment_sealed_while_a_read_waits() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = backend.pair(&backend.factory()).await;
    let mut read = Box::pin(reader.read_chunk(9));
    begin(&mut read, &handle_of(&backend, &writer)).await;
    writer.seal().await.unwrap();
    assert_eq!(read.await.unwrap(), None);
}

#[tokio::test]
async fn t53_appended_and_sealed_at_once_while_a_read_waits() {
    let backend = Backend::start().await;
    for _ in 0..10 {
        let (mut writer, mut reader) = at_the_tail(&backend).await;
        let mut read = Box::pin(reader.read_chunk(100));
        begin(&mut read, &handle_of(&backend, &writer)).await;
        writer.write(b"the last").await.unwrap();
        writer.seal().await.unwrap();
        let mut rest = read.await.unwrap().unwrap().to_vec();
        while let Some(chunk) = reader.read_chunk(100).await.unwrap() {
            rest.extend_from_slice(&chunk);
        }
        assert_eq!(rest, b"the last");
    }
}

#[tokio::test]
async fn t56_readable_means_that_there_is_something_to_take() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = at_the_tail(&backend).await;
    assert_eq!(reader.try_read_chunk(100).unwrap(), TryRead::NotYet);
    let (readable, ()) = tokio::join!(reader.readable(), async {
        writer.write(b"new").await.unwrap();
        writer.flush().await.unwrap();
    });
    readable.unwrap();
    assert_eq!(
        reader.try_read_chunk(2).unwrap(),
        TryRead::Data(Bytes::from("ne"))
    );
    reader.readable().await.unwrap();
    assert_eq!(
        reader.try_read_chunk(2).unwrap(),
        TryRead::Data(Bytes::from("w"))
    );
    assert_eq!(reader.try_read_chunk(2).unwrap(), TryRead::NotYet);
    let (readable, sealed) = tokio::join!(reader.readable(), writer.seal());
    readable.unwrap();
    sealed.unwrap();
    assert_eq!(reader.try_read_chunk(2).unwrap(), TryRead::End);
    assert_eq!(reader.try_read_chunk(2).unwrap(), TryRead::End);
}

#[tokio::test]
async fn t56_waiting_for_the_tail_to_reach_an_offset() {
    let backend = Backend::start().await;
    let (mut writer, reader) = at_the_tail(&backend).await;
    for reached in [0, 1, 10] {
        assert_eq!(reader.wait_for_tail(reached).await.unwrap(), 10);
    }
    let mut wait = Box::pin(reader.wait_for_tail(13));
    begin(&mut wait, &handle_of(&backend, &writer)).await;
    writer.write(b"ab").await.unwrap();
    writer.flush().await.unwrap();
    begin(&mut wait, &handle_of(&backend, &writer)).await;
    writer.write(b"cd").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(wait.await.unwrap(), 14);
    assert_eq!(reader.position(), 10);

    let mut wait = Box::pin(reader.wait_for_tail(20));
    begin(&mut wait, &handle_of(&backend, &writer)).await;
    writer.write(b"the").await.unwrap();
    writer.seal().await.unwrap();
    let error = wait.await.unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::BeyondEnd {
                offset: 20,
                length: 17,
                ..
            }
        ),
        "{error:?}"
    );
}

/// A real store closes the connection of whoever asks for what is beyond the end of a sealed segment, each time.
#[tokio::test]
async fn t56_a_wait_for_an_offset_that_will_never_be_ends_when_its_connection_is_lost() {
    let relay = Relay::embedded().await;
    let factory = relay.factory();
    let (mut writer, reader) = relay.backend().pair(&factory).await;
    let reads = Frames::requests().named("ReadSegment").times(u64::MAX);
    let lost = relay.arm(reads, Fault::SwallowAndCut);
    let mut wait = Box::pin(reader.wait_for_tail(20));
    tokio::select! {
        biased;
        ended = &mut wait => panic!("{ended:?}"),
        () = lost.struck() => {}
    }
    writer.write(b"the").await.unwrap();
    writer.seal().await.unwrap();
    let error = wait.await.unwrap_err();
    assert!(
        matches!(error, ReadError::BeyondEnd { length: 3, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_read_that_waited_in_vain_for_a_while_can_be_asked_again() {
    let backend = Backend::start().await;
    let (mut writer, _) = at_the_tail(&backend).await;
    let factory = backend.factory();
    let mut reader = factory
        .open_byte_reader(writer.segment().unwrap().clone())
        .from(ReadFrom::Offset(8))
        .idle_timeout(Duration::from_millis(20))
        .await
        .unwrap();
    assert_eq!(patiently(&mut reader).await, "89");
    for _ in 0..3 {
        let error = reader.read(&mut [0; 9]).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Idle { offset: 10, .. }),
            "{error:?}"
        );
        assert!(error.is_retryable());
    }
    let error = tokio::io::AsyncReadExt::read(&mut reader, &mut [0; 9])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    writer.write(b"new").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(patiently(&mut reader).await, "new");
}

#[tokio::test]
async fn t73_a_dropped_wait_takes_nothing() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = at_the_tail(&backend).await;
    for round in 0_u8..10 {
        for _ in 0..3 {
            let mut dropped = Box::pin(reader.read_chunk(100));
            assert!(futures::poll!(&mut dropped).is_pending());
        }
        writer.write(&[round]).await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(reader.read_chunk(100).await.unwrap().unwrap(), [round][..]);
    }
}
