//! Several writers on one segment in exclusive mode: one wins, and the others are told.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use pravega_byte_stream::{
    ByteWriter, Certainty, ClientFactory, ScopedSegment, SegmentError, WriteError,
};
use pravega_integration_tests::{Backend, Pattern};

use crate::{support::content, writing::offset};

async fn open(factory: &ClientFactory, segment: &ScopedSegment) -> ByteWriter {
    factory.open_byte_writer(segment.clone()).await.unwrap()
}

/// Appends and flushes as somebody else.
async fn intrude(factory: &ClientFactory, segment: &ScopedSegment, bytes: &[u8]) {
    let mut rival = open(factory, segment).await;
    rival.write_all(bytes).await.unwrap();
    rival.close().await.unwrap();
}

#[tokio::test]
async fn t19_of_two_writers_at_one_tail_one_wins_and_the_other_hears_of_it() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    intrude(&factory, &segment, b"old").await;
    let mut one = open(&factory, &segment).await;
    let mut two = open(&factory, &segment).await;
    one.write(b"ONE").await.unwrap();
    two.write(b"TWO!").await.unwrap();

    let (first, second) = tokio::join!(one.flush(), two.flush());
    let (winner, lost, tail) = match (first, second) {
        (Ok(tail), Err(lost)) => (&b"oldONE"[..], lost, tail),
        (Err(lost), Ok(tail)) => (&b"oldTWO!"[..], lost, tail),
        both => panic!("{both:?}"),
    };
    assert_eq!(tail, offset(winner.len()));
    let WriteError::Conflict {
        expected,
        actual,
        certainty,
        ..
    } = lost
    else {
        panic!("{lost:?}")
    };
    assert_eq!((expected, actual), (3, Some(tail)));
    assert_eq!(certainty, Certainty::Definite);
    assert_eq!(content(&factory, &segment).await, winner);
}

#[tokio::test]
async fn t20_the_loser_goes_on_behind_the_winner_after_a_resync() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut loser = open(&factory, &segment).await;
    loser.write(b"kept ").await.unwrap();
    loser.flush().await.unwrap();
    intrude(&factory, &segment, b"theirs ").await;
    loser.write(b"not kept").await.unwrap();
    loser.flush().await.unwrap_err();

    let resynced = loser.resync().await.unwrap();
    assert_eq!((resynced.tail, resynced.given_up), (12, 8));
    assert_eq!((loser.position(), loser.durable_offset()), (12, 12));
    assert_eq!(loser.unflushed_bytes(), 0);
    loser.write(b"again").await.unwrap();
    assert_eq!(loser.position(), 17);
    assert_eq!(loser.flush().await.unwrap(), 17);
    assert_eq!(loser.stats().conflicts, 1);
    assert_eq!(content(&factory, &segment).await, "kept theirs again");
}

#[tokio::test]
async fn t20_the_first_writer_is_the_loser_next_time() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut writers = [
        open(&factory, &segment).await,
        open(&factory, &segment).await,
    ];
    let mut expected = Vec::new();
    for round in 0..20 {
        // The one that wrote last is where the segment ends; the other has to find out.
        let writer = &mut writers[round % 2];
        let bytes = Pattern::new(20).bytes(offset(round) * 100, 1 + round * 7);
        writer.write(&bytes).await.unwrap();
        let flushed = writer.flush().await;
        if round == 0 {
            flushed.unwrap();
        } else {
            let conflict = flushed.unwrap_err();
            assert!(
                matches!(conflict, WriteError::Conflict { .. }),
                "{conflict:?}"
            );
            assert_eq!(writer.resync().await.unwrap().tail, offset(expected.len()));
            writer.write(&bytes).await.unwrap();
            writer.flush().await.unwrap();
        }
        expected.extend_from_slice(&bytes);
    }
    assert_eq!(content(&factory, &segment).await, expected);
}

#[tokio::test]
async fn t21_a_conflict_fails_every_receipt_of_the_block_and_behind_it() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    // Without lingering the first write goes out by itself and the others never leave; with it they are
    // one block, and the store names its last number.
    for linger in [Duration::ZERO, Duration::from_secs(3_600)] {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).linger(linger);
        lose_many(&factory, &segment, opening.await.unwrap()).await;
        assert_eq!(content(&factory, &segment).await, "kepttheirsagain");
    }
}

async fn lose_many(factory: &ClientFactory, segment: &ScopedSegment, mut loser: ByteWriter) {
    let kept = loser.append(Bytes::from_static(b"kept")).await.unwrap();
    loser.flush().await.unwrap();
    intrude(factory, segment, b"theirs").await;
    let mut receipts = Vec::new();
    for number in 0..50 {
        receipts.push(loser.append(Bytes::from(vec![number; 10])).await.unwrap());
    }
    let conflict = loser.flush().await.unwrap_err();
    assert!(
        matches!(
            conflict,
            WriteError::Conflict {
                expected: 4,
                actual: Some(10),
                ..
            }
        ),
        "{conflict:?}"
    );
    for receipt in &receipts {
        let lost = receipt.durable().await.unwrap_err();
        assert!(matches!(lost, WriteError::Conflict { .. }), "{lost:?}");
        assert_eq!(lost.certainty(), Certainty::Definite);
    }
    kept.durable().await.unwrap();
    let at_once = loser.flush().now_or_never();
    assert!(
        matches!(at_once, Some(Err(WriteError::Conflict { .. }))),
        "{at_once:?}"
    );

    let resynced = loser.resync().await.unwrap();
    assert_eq!((resynced.tail, resynced.given_up), (10, 500));
    loser.write(b"again").await.unwrap();
    assert_eq!(loser.flush().await.unwrap(), 15);
    for receipt in &receipts {
        receipt.durable().await.unwrap_err();
    }
}

#[tokio::test]
async fn t22_without_a_resync_every_call_returns_the_same_conflict_and_sends_nothing() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut loser = open(&factory, &segment).await;
    intrude(&factory, &segment, b"theirs").await;
    loser.write(b"lost").await.unwrap();
    let first = loser.flush().await.unwrap_err();
    let WriteError::Conflict {
        expected: 0,
        actual: Some(6),
        ..
    } = first
    else {
        panic!("{first:?}")
    };
    let sent = loser.stats();
    for _ in 0..3 {
        let errors = [
            loser.write(b"more").await.unwrap_err(),
            loser.write_all(b"more").await.unwrap_err(),
            loser.append(Bytes::from_static(b"more")).await.unwrap_err(),
            loser
                .try_append(Bytes::from_static(b"more"))
                .unwrap_err()
                .error,
            loser.flush().await.unwrap_err(),
            loser.wait_durable(1).await.unwrap_err(),
            loser.watch().unwrap().flush().await.unwrap_err(),
            loser.seek_to_tail().await.unwrap_err(),
            loser.seal().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), first.to_string());
            assert!(!error.is_retryable());
        }
    }
    assert_eq!(loser.stats(), sent);
    let error = loser.close().await.unwrap_err();
    assert_eq!(error.to_string(), first.to_string());
    assert_eq!(content(&factory, &segment).await, "theirs");
}

#[tokio::test]
async fn t26_seek_to_tail_with_unflushed_bytes_changes_nothing() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    intrude(&factory, &segment, b"old").await;
    let mut writer = open(&factory, &segment).await;
    writer.write(b"five!").await.unwrap();
    let refused = writer.seek_to_tail().await.unwrap_err();
    assert!(
        matches!(refused, WriteError::Unflushed { bytes: 5, .. }),
        "{refused:?}"
    );
    let refused = writer.resync().await.unwrap_err();
    assert!(
        matches!(refused, WriteError::Unflushed { bytes: 5, .. }),
        "{refused:?}"
    );
    assert_eq!((writer.position(), writer.unflushed_bytes()), (8, 5));
    assert_eq!(writer.flush().await.unwrap(), 8);
    assert_eq!(writer.seek_to_tail().await.unwrap(), 8);
    assert_eq!(writer.resync().await.unwrap().given_up, 0);
    assert_eq!(content(&factory, &segment).await, "oldfive!");
}

#[tokio::test]
async fn t27_a_restart_that_expects_the_durable_offset() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut before = open(&factory, &segment).await;
    before.write(b"known ").await.unwrap();
    let durable = before.flush().await.unwrap();
    drop(before);

    // (a) Nothing more was stored: it goes on.
    let opening = factory.open_byte_writer(segment.clone()).expect_at(durable);
    let mut after = opening.await.unwrap();
    assert_eq!((after.position(), after.durable_offset()), (6, 6));
    after.write(b"block").await.unwrap();
    after.close().await.unwrap();

    // (b) A block arrived whose acknowledgement the process did not live to see: it is told.
    let opening = factory.open_byte_writer(segment.clone()).expect_at(durable);
    let surprise = opening.await.unwrap_err();
    assert!(
        matches!(
            surprise,
            SegmentError::TailConflict {
                expected: 6,
                actual: 11,
                ..
            }
        ),
        "{surprise:?}"
    );
    assert!(!surprise.is_retryable());
    assert_eq!(content(&factory, &segment).await, "known block");
}

#[tokio::test]
async fn t27_expecting_more_than_there_is_is_an_error_too() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    for expected in [1, u64::from(u32::MAX), u64::MAX] {
        let error = factory
            .open_byte_writer(segment.clone())
            .expect_at(expected)
            .await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, SegmentError::TailConflict { actual: 0, expected: wanted, .. } if wanted == expected),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn t28_writers_in_a_loop_of_resync_and_append_store_all_successes_once() {
    const WRITERS: usize = 5;
    const APPENDS: u8 = 20;
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let tasks = (0..).take(WRITERS).map(|name| {
        let (factory, segment) = (factory.clone(), segment.clone());
        tokio::spawn(async move {
            let mut writer = open(&factory, &segment).await;
            for number in 0..APPENDS {
                loop {
                    let record = Bytes::copy_from_slice(&[name, number, !name, !number]);
                    writer.append(record).await.unwrap();
                    match writer.flush().await {
                        Ok(_) => break,
                        Err(WriteError::Conflict { certainty, .. }) => {
                            assert_eq!(certainty, Certainty::Definite);
                            writer.resync().await.unwrap();
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    let stored = content(&factory, &segment).await;
    let mut next = [0; WRITERS];
    for record in stored.chunks(4) {
        let [name, number, not_name, not_number] = *record else {
            panic!("{record:?}")
        };
        assert_eq!((!not_name, !not_number), (name, number));
        let next = &mut next[usize::from(name)];
        assert_eq!(number, *next, "writer {name}");
        *next += 1;
    }
    assert_eq!(next, [APPENDS; WRITERS]);
}
