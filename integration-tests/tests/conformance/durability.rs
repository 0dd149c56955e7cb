//! Receipts, and waiting for durability from several places.

use bytes::Bytes;
use pravega_byte_stream::WriteError;
use pravega_integration_tests::{
    Backend,
    relay::{Fault, Frames, Gate, Relay},
};

use crate::{support::BOTH_MODES, writing::open};

#[tokio::test]
async fn t14_receipts_are_contiguous_and_resolve_in_order() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let mut receipts = Vec::new();
        for number in 0..100 {
            receipts.push(writer.append(Bytes::from(vec![number; 100])).await.unwrap());
        }
        assert!(
            receipts
                .iter()
                .all(|receipt| receipt.try_durable().is_none())
        );
        let mut end = 0;
        for receipt in &receipts {
            assert_eq!(receipt.range(), end..end + 100);
            end += 100;
            receipt.durable().await.unwrap();
            assert!(writer.durable_offset() >= end, "{mode:?}");
            assert!(matches!(receipt.try_durable(), Some(Ok(()))));
        }
    }
}

/// Needs a store that acknowledges nothing, which only the relay provides.
#[tokio::test]
async fn t14_a_receipt_does_not_resolve_before_its_bytes_are_acknowledged() {
    let relay = Relay::start().await;
    let factory = relay.factory();
    let segment = relay.backend().fresh_segment(&factory).await;
    for mode in BOTH_MODES {
        let mut writer = open(&factory, &segment, mode).await;
        let gate = Gate::default();
        let ack = relay.arm(
            Frames::replies().named("DataAppended"),
            Fault::Hold(gate.clone()),
        );
        let receipt = writer.append(Bytes::from_static(b"pending")).await.unwrap();
        ack.struck().await;
        assert!(receipt.try_durable().is_none());
        assert_eq!(writer.durable_offset() + 7, writer.position());
        gate.open();
        receipt.await.unwrap();
        assert_eq!(writer.durable_offset(), writer.position());
    }
}

#[tokio::test]
async fn t15_two_flushes_end_with_the_same_acknowledgement() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let watch = writer.watch().unwrap();
        writer.write(b"for both").await.unwrap();
        let watched = tokio::spawn({
            let watch = watch.clone();
            async move { watch.flush().await }
        });
        let (own, other) = tokio::join!(writer.flush(), watch.flush());
        assert_eq!((own.unwrap(), other.unwrap()), (8, 8));
        assert_eq!(watched.await.unwrap().unwrap(), 8);
        assert_eq!((watch.durable_offset(), writer.stats().blocks_sent), (8, 1));
    }
}

#[tokio::test]
async fn t15_a_watch_waits_for_an_offset_while_the_writer_goes_on() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, _reader) = backend.pair(&factory).await;
    let watch = writer.watch().unwrap();
    let waiting = tokio::spawn(async move { watch.wait_durable(3_000).await });
    for _ in 0..300 {
        writer.write(&[1; 10]).await.unwrap();
        tokio::task::yield_now().await;
    }
    // Nobody flushes: bytes are sent all the same.
    assert_eq!(waiting.await.unwrap().unwrap(), 3_000);
    assert_eq!(writer.wait_durable(2_990).await.unwrap(), 3_000);
    assert_eq!(writer.wait_durable(0).await.unwrap(), 3_000);
    let watch = writer.watch().unwrap();
    writer.write(b"lost with its writer").await.unwrap();
    drop(writer);
    let gone = watch.flush().await.unwrap_err();
    assert!(matches!(gone, WriteError::Closed { .. }), "{gone:?}");
}
