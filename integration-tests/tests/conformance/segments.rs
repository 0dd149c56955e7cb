//! Truncating, sealing, deleting, and attributes.

use bytes::Bytes;
use pravega_byte_stream::{ByteWriter, Certainty, ReadError, SegmentError, WriteError};
use pravega_controller_client::StreamConfiguration;
use pravega_integration_tests::{
    Backend,
    relay::{Fault, Frames, Gate, Relay},
};
use pravega_wire_protocol::SegmentIsSealed;

use crate::{
    faults::appends_of,
    support::{BOTH_MODES, content, in_a_hurry},
};

#[tokio::test]
async fn t66_truncating_at_below_and_beyond() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let handle = factory.segment(segment.clone()).unwrap();
    let mut writer = factory.open_byte_writer(segment.clone()).await.unwrap();
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();

    writer.truncate_data_before(4).await.unwrap();
    for changes_nothing in [4, 3, 0] {
        writer.truncate_data_before(changes_nothing).await.unwrap();
        handle.truncate_data_before(changes_nothing).await.unwrap();
        assert_eq!(handle.info().await.unwrap().head, 4);
    }
    for beyond in [11, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX] {
        let refused = handle.truncate_data_before(beyond).await.unwrap_err();
        let SegmentError::OutOfRange {
            offset, head, tail, ..
        } = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!((offset, head, tail), (beyond, 4, 10));
        let refused = writer.truncate_data_before(beyond).await.unwrap_err();
        let WriteError::Segment {
            source: SegmentError::OutOfRange { .. },
            ..
        } = refused
        else {
            panic!("{refused:?}")
        };
    }
    assert_eq!(content(&factory, &segment).await, "456789");
    writer.truncate_data_before(10).await.unwrap();
    let info = handle.info().await.unwrap();
    assert_eq!((info.head, info.tail), (10, 10));
    writer.write(b"more").await.unwrap();
    assert_eq!(writer.flush().await.unwrap(), 14);
    assert_eq!(content(&factory, &segment).await, "more");
}

#[tokio::test]
async fn t66_own_bytes_below_are_flushed_first() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.await.unwrap();
        writer.write(b"0123456789").await.unwrap();
        writer.truncate_data_before(4).await.unwrap();
        assert_eq!(writer.durable_offset(), 10);
        assert_eq!(content(&factory, &segment).await, "456789", "{mode:?}");
    }
}

#[tokio::test]
async fn truncate_keep_last_keeps_that_many() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let handle = factory.segment(segment.clone()).unwrap();
    assert_eq!(handle.truncate_keep_last(5).await.unwrap(), 0);
    let mut writer = factory.open_byte_writer(segment.clone()).await.unwrap();
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();
    for (keep, head) in [
        (u64::MAX, 0),
        (10, 0),
        (7, 3),
        (8, 3),
        (1, 9),
        (0, 10),
        (5, 10),
    ] {
        assert_eq!(handle.truncate_keep_last(keep).await.unwrap(), head);
        assert_eq!(handle.info().await.unwrap().head, head);
    }
}

/// What a real store was seen to do while the first request is on its way to its log; here the first is lost there, which
/// only the relay can do.
#[tokio::test]
async fn t68_a_segment_that_is_only_said_to_be_sealed_is_sealed_nevertheless() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(in_a_hurry);
    let segment = relay.backend().fresh_segment(&factory).await;
    let handle = factory.segment(segment).unwrap();
    let said = relay.arm(
        Frames::requests().named("SealSegment").times(2),
        Fault::answer(|request| SegmentIsSealed {
            request_id: request.request_id().unwrap(),
            segment: request.segment().unwrap().into(),
            server_stack_trace: String::new(),
            offset: -1,
        }),
    );
    handle.seal().await.unwrap();
    assert_eq!(said.strikes(), 2);
    assert!(handle.info().await.unwrap().is_sealed);
}

#[tokio::test]
async fn t68_sealing_twice() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.await.unwrap();
        writer.write(b"flushed by seal").await.unwrap();
        writer.seal().await.unwrap();
        writer.seal().await.unwrap();
        let handle = factory.segment(segment.clone()).unwrap();
        handle.seal().await.unwrap();
        let info = handle.info().await.unwrap();
        assert!(info.is_sealed);
        assert_eq!(info.tail, 15);
        expect_sealed(&mut writer).await;
        let refused = factory
            .open_byte_writer(segment.clone())
            .mode(mode)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, SegmentError::Sealed { .. }),
            "{refused:?}"
        );
        assert_eq!(content(&factory, &segment).await, "flushed by seal");
    }
}

/// Every call fails in the same way, again and again.
async fn expect_sealed(writer: &mut ByteWriter) {
    for _ in 0..2 {
        let errors = [
            writer.write(b"late").await.unwrap_err(),
            writer
                .append(Bytes::from_static(b"late"))
                .await
                .unwrap_err(),
            writer
                .try_append(Bytes::from_static(b"late"))
                .unwrap_err()
                .error,
            writer.resync().await.unwrap_err(),
            writer.seek_to_tail().await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, WriteError::Sealed { .. }), "{error:?}");
            assert_eq!(error.certainty(), Certainty::Definite);
            assert!(!error.is_retryable());
        }
    }
}

/// The bytes are held back until the segment is sealed, which only the relay can do.
#[tokio::test]
async fn t68_sealed_by_another_client_with_bytes_in_flight() {
    let relay = Relay::embedded().await;
    let factory = relay.factory();
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.await.unwrap();
        let kept = writer
            .append(Bytes::from_static(b"acknowledged"))
            .await
            .unwrap();
        kept.durable().await.unwrap();

        let gate = Gate::default();
        let append = relay.arm(appends_of(mode), Fault::Hold(gate.clone()));
        let lost = writer
            .append(Bytes::from_static(b"in flight"))
            .await
            .unwrap();
        let never_sent = writer.append(Bytes::from_static(b"queued")).await.unwrap();
        append.struck().await;
        let other_client = relay.backend().factory().segment(segment.clone()).unwrap();
        other_client.seal().await.unwrap();
        gate.open();

        let sealed = writer.flush().await.unwrap_err();
        assert!(
            matches!(sealed, WriteError::Sealed { .. }),
            "{mode:?}: {sealed:?}"
        );
        assert_eq!(sealed.certainty(), Certainty::Definite, "{mode:?}");
        kept.durable().await.unwrap();
        for receipt in [lost, never_sent] {
            let error = receipt.durable().await.unwrap_err();
            assert!(matches!(error, WriteError::Sealed { .. }), "{error:?}");
            assert_eq!(error.certainty(), Certainty::Definite, "{mode:?}");
        }
        expect_sealed(&mut writer).await;
        let again = writer.flush().await.unwrap_err();
        assert!(matches!(again, WriteError::Sealed { .. }), "{again:?}");
        assert_eq!(
            content(&factory, &segment).await,
            "acknowledged",
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn t69_a_segment_deleted_under_a_writer() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let controller = factory.controller().unwrap();
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.await.unwrap();
        writer.write(b"stored").await.unwrap();
        writer.flush().await.unwrap();
        controller.seal_stream(segment.stream()).await.unwrap();
        controller.delete_stream(segment.stream()).await.unwrap();

        // What the store says first depends on when it forgets the segment; nothing is ever stored.
        let accepted = writer.write(b"late").await;
        let error = match accepted {
            Ok(_) => writer.flush().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(
            matches!(
                error,
                WriteError::NoSuchSegment { .. } | WriteError::Sealed { .. }
            ),
            "{mode:?}: {error:?}"
        );
        assert!(!error.is_retryable());
        let again = writer.flush().await.unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
        let handle = factory.segment(segment.clone()).unwrap();
        let missing = handle.info().await.unwrap_err();
        assert!(
            matches!(missing, SegmentError::NoSuchSegment { .. }),
            "{missing:?}"
        );
        let missing = handle.truncate_data_before(1).await.unwrap_err();
        assert!(
            matches!(missing, SegmentError::NoSuchSegment { .. }),
            "{missing:?}"
        );
        let missing = handle.seal().await.unwrap_err();
        assert!(
            matches!(missing, SegmentError::NoSuchSegment { .. }),
            "{missing:?}"
        );
        let mut reader = factory.create_byte_reader(segment.clone()).await;
        let missing = reader.read(&mut [0]).await.unwrap_err();
        assert!(
            matches!(missing, ReadError::NoSuchSegment { .. }),
            "{missing:?}"
        );
    }
}

#[tokio::test]
async fn attributes_are_compared_and_set() {
    const ID: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let handle = factory.segment(segment).unwrap();
    assert_eq!(handle.attribute(ID).await.unwrap(), None);
    assert!(!handle.update_attribute(ID, Some(1), Some(2)).await.unwrap());
    assert_eq!(handle.attribute(ID).await.unwrap(), None);

    assert!(handle.update_attribute(ID, None, Some(7)).await.unwrap());
    assert_eq!(handle.attribute(ID).await.unwrap(), Some(7));
    assert!(!handle.update_attribute(ID, None, Some(8)).await.unwrap());
    assert!(!handle.update_attribute(ID, Some(6), Some(8)).await.unwrap());
    assert_eq!(handle.attribute(ID).await.unwrap(), Some(7));
    for (old, new) in [(7, 0), (0, -1), (-1, i64::MAX), (i64::MAX, i64::MIN + 1)] {
        assert!(
            handle
                .update_attribute(ID, Some(old), Some(new))
                .await
                .unwrap()
        );
        assert_eq!(handle.attribute(ID).await.unwrap(), Some(new));
    }
    assert!(
        handle
            .update_attribute(ID, Some(i64::MIN + 1), None)
            .await
            .unwrap()
    );
    assert_eq!(handle.attribute(ID).await.unwrap(), None);
    assert_eq!(handle.attribute(ID + 1).await.unwrap(), None);
}

#[tokio::test]
async fn of_many_that_set_an_attribute_one_succeeds() {
    const ID: u128 = 77 << 64 | 7;
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let handle = factory.segment(segment).unwrap();
    let tries = (0..16).map(|value| handle.update_attribute(ID, None, Some(value)));
    let outcomes = futures::future::try_join_all(tries).await.unwrap();
    let winners: Vec<_> = (0..16).zip(outcomes).filter(|&(_, won)| won).collect();
    let [(winner, _)] = winners[..] else {
        panic!("{winners:?}")
    };
    assert_eq!(handle.attribute(ID).await.unwrap(), Some(winner));
}

#[tokio::test]
async fn a_stream_truncated_at_the_controller_still_has_one_segment() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let stream = backend.fresh_stream(&factory).await;
    let controller = factory.controller().unwrap();
    let is_new = controller
        .create_stream(&stream, &StreamConfiguration::fixed(3))
        .await;
    assert!(
        !is_new.unwrap(),
        "the stream exists already, with one segment"
    );
    let mut writer = factory.open_byte_writer(stream.clone()).await.unwrap();
    writer.write(b"0123456789").await.unwrap();
    writer.truncate_data_before(6).await.unwrap();
    let mut reader = factory.open_byte_reader(stream).await.unwrap();
    let mut read = [0; 4];
    reader.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"6789");
}
