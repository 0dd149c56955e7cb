//! Opening writers and readers: options, what is missing, and servers that do not answer.

use pravega_byte_stream::{ReadFrom, SegmentError, WriteError};
use pravega_controller_client::StreamConfiguration;
use pravega_integration_tests::{Backend, relay::Relay};

use crate::support::{content, in_a_hurry, short_of_time, story};

#[tokio::test]
async fn t71_a_stream_of_two_segments_is_no_byte_stream() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let stream = backend.fresh_name();
    let controller = factory.controller().unwrap();
    controller.create_scope(stream.scope()).await.unwrap();
    controller
        .create_stream(&stream, &StreamConfiguration::fixed(2))
        .await
        .unwrap();
    for error in [
        factory
            .open_byte_writer(stream.clone())
            .await
            .err()
            .unwrap(),
        factory
            .open_byte_reader(stream.clone())
            .await
            .err()
            .unwrap(),
        factory.segment_of(&stream).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, SegmentError::NotAByteStream { segments: 2, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(&stream.to_string()), "{error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn t71_a_sealed_stream_takes_no_writer_and_has_readers() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let stream = backend.fresh_stream(&factory).await;
    let mut writer = factory.open_byte_writer(stream.clone()).await.unwrap();
    writer.write(b"all").await.unwrap();
    writer.close().await.unwrap();
    factory
        .controller()
        .unwrap()
        .seal_stream(&stream)
        .await
        .unwrap();

    let error = factory
        .open_byte_writer(stream.clone())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, SegmentError::StreamSealed { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains(&stream.to_string()), "{error}");
    assert!(!error.is_retryable());
    let mut reader = factory.open_byte_reader(stream).await.unwrap();
    let mut all = [0; 3];
    reader.read_exact(&mut all).await.unwrap();
    assert_eq!(&all, b"all");
    assert_eq!(reader.read(&mut all).await.unwrap(), 0);
}

#[tokio::test]
async fn t71_a_missing_stream_and_a_missing_scope_are_told_apart() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let existing = backend.fresh_stream(&factory).await;
    let missing = backend.fresh_name();
    assert_eq!(existing.scope(), missing.scope());
    let scopeless = format!("none-{}", uuid::Uuid::new_v4().simple());
    let scopeless: pravega_byte_stream::ScopedStream = format!("{scopeless}/s").parse().unwrap();

    for error in [
        factory
            .open_byte_writer(missing.clone())
            .await
            .err()
            .unwrap(),
        factory
            .open_byte_reader(missing.clone())
            .await
            .err()
            .unwrap(),
        factory.segment_of(&missing).await.unwrap_err(),
    ] {
        let SegmentError::StreamNotFound { stream } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(stream, &missing);
        assert!(!error.is_retryable());
    }
    for error in [
        factory
            .open_byte_writer(scopeless.clone())
            .await
            .err()
            .unwrap(),
        factory
            .open_byte_reader(scopeless.clone())
            .await
            .err()
            .unwrap(),
        factory.segment_of(&scopeless).await.unwrap_err(),
    ] {
        let SegmentError::ScopeNotFound { scope } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(scope, scopeless.scope());
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn t71_what_is_opened_lazily_reports_a_missing_segment_at_the_first_operation() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let stream = backend.fresh_stream(&factory).await;
    let segment = format!("{stream}/17")
        .parse::<pravega_byte_stream::ScopedSegment>()
        .unwrap();

    let mut writer = factory.create_byte_writer(segment.clone());
    let error = writer.seek_to_tail().await.unwrap_err();
    assert!(
        matches!(
            error,
            WriteError::Segment {
                source: SegmentError::NoSuchSegment { .. },
                ..
            }
        ),
        "{error:?}"
    );
    writer.write(b"nowhere").await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(
        matches!(error, WriteError::NoSuchSegment { .. }),
        "{error:?}"
    );
    assert!(story(&error).contains(&segment.to_string()), "{error}");
    let again = writer.write(b"nowhere").await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());

    let mut reader = factory.create_byte_reader(segment.clone()).await;
    let error = reader.read(&mut [0]).await.unwrap_err();
    assert!(story(&error).contains(&segment.to_string()), "{error:?}");
    let handle = factory.segment(segment).unwrap();
    let error = handle.info().await.unwrap_err();
    assert!(
        matches!(error, SegmentError::NoSuchSegment { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn readers_start_where_they_are_told() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let stream = backend.fresh_stream(&factory).await;
    let mut writer = factory.open_byte_writer(stream.clone()).await.unwrap();
    writer.write(b"0123456789").await.unwrap();
    writer.truncate_data_before(2).await.unwrap();
    for (from, position, next) in [
        (ReadFrom::Head, 2, b'2'),
        (ReadFrom::Offset(5), 5, b'5'),
        (ReadFrom::BeforeTail(3), 7, b'7'),
        (ReadFrom::BeforeTail(100), 2, b'2'),
    ] {
        let mut reader = factory
            .open_byte_reader(stream.clone())
            .from(from)
            .await
            .unwrap();
        assert_eq!(reader.position(), position, "{from:?}");
        let mut byte = [0];
        reader.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, [next], "{from:?}");
    }
    let at_tail = factory.open_byte_reader(stream).from(ReadFrom::Tail);
    let mut at_tail = at_tail.await.unwrap();
    assert_eq!(at_tail.position(), 10);
    writer.write(b"!").await.unwrap();
    let mut byte = [0];
    at_tail.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"!");
}

/// Needs a controller that can be switched off, which only the relay is.
#[tokio::test]
async fn t76_an_unreachable_controller_is_an_error_at_the_deadline_and_no_more_once_it_is_back() {
    let relay = Relay::embedded().await;
    let patient = relay.factory_with(in_a_hurry);
    let segment = relay.backend().fresh_segment(&patient).await;
    let factory = relay.factory_with(short_of_time);
    let mut writer = factory.create_byte_writer(segment.clone());
    let mut reader = factory.create_byte_reader(segment.clone()).await;
    let handle = factory.segment(segment.clone()).unwrap();
    relay.set_controller_down(true);

    let fresh = relay.backend().fresh_name();
    let controller = relay
        .controller_uri()
        .trim_start_matches("tcp://")
        .to_owned();
    for error in [
        factory.ensure_byte_stream(&fresh).await.unwrap_err(),
        factory
            .open_byte_writer(segment.stream().clone())
            .await
            .err()
            .unwrap(),
        factory
            .open_byte_reader(segment.stream().clone())
            .await
            .err()
            .unwrap(),
        factory
            .open_byte_writer(segment.clone())
            .await
            .err()
            .unwrap(),
        handle.info().await.unwrap_err(),
    ] {
        assert!(
            matches!(error, SegmentError::Unavailable { .. }),
            "{error:?}"
        );
        assert!(error.is_retryable());
        assert!(story(&error).contains(&controller), "{}", story(&error));
    }
    writer.write(b"accepted before").await.unwrap();
    let late = writer.flush().await.unwrap_err();
    assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
    assert_eq!(writer.unflushed_bytes(), 15);
    let error = reader.current_tail().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");

    relay.set_controller_down(false);
    assert!(factory.ensure_byte_stream(&fresh).await.unwrap());
    handle.info().await.unwrap();
    // A flush that came late is repeated; the bytes were never given up.
    while writer.flush().await.is_err() {}
    let mut read = [0; 15];
    reader.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"accepted before");
}

/// Needs a store that can be switched off, which only the relay does.
#[tokio::test]
async fn t76_an_unreachable_store_is_an_error_at_the_deadline_and_no_more_once_it_is_back() {
    let relay = Relay::embedded().await;
    let patient = relay.factory_with(in_a_hurry);
    let segment = relay.backend().fresh_segment(&patient).await;
    let factory = relay.factory_with(short_of_time);
    let mut writer = factory.create_byte_writer(segment.clone());
    let mut reader = factory.create_byte_reader(segment.clone()).await;
    let handle = factory.segment(segment.clone()).unwrap();
    relay.shut();

    for error in [
        factory
            .open_byte_writer(segment.stream().clone())
            .await
            .err()
            .unwrap(),
        factory
            .open_byte_reader(segment.stream().clone())
            .await
            .err()
            .unwrap(),
        handle.info().await.unwrap_err(),
        handle.seal().await.unwrap_err(),
        handle.attribute(1).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, SegmentError::Unavailable { .. }),
            "{error:?}"
        );
        assert!(error.is_retryable());
        assert!(story(&error).contains("127.0.0.1:"), "{}", story(&error));
    }
    writer.write(b"accepted before").await.unwrap();
    let late = writer.flush().await.unwrap_err();
    assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
    let error = reader.current_tail().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");

    relay.reopen();
    assert!(!handle.info().await.unwrap().is_sealed);
    while writer.flush().await.is_err() {}
    let mut read = [0; 15];
    reader.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"accepted before");
    assert_eq!(content(&patient, &segment).await, "accepted before");
}
