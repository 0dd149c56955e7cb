//! Counters, offsets and the fate of ranges.

use pravega_segment_session::{AppendEvent, Fate, ResyncError, SubmitError};

use crate::support::script::{Script, sent};

#[test]
fn t07_position_and_durable_offset_follow_writes_and_acks() {
    let mut script = Script::exclusive();
    script.session.resync(1_000).unwrap();
    let places = |script: &Script| (script.session.position(), script.session.durable_offset());
    assert_eq!(places(&script), (1_000, 1_000));
    script.submit(b"12345");
    assert_eq!(places(&script), (1_005, 1_000));
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 1_000, b"12345")]);
    script.submit(b"67");
    assert_eq!(places(&script), (1_007, 1_000));
    script.ack(1, 0, 1_005);
    assert_eq!(places(&script), (1_007, 1_005));
    let session = &script.session;
    assert_eq!(
        (session.accepted(), session.sent(), session.durable()),
        (7, 5, 5)
    );
    assert_eq!(script.session.unacked_bytes(), 2);
}

#[test]
fn t13_flush_with_nothing_written_does_nothing() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.open(0);
    script.events();
    for _ in 0..2 {
        script.session.flush(script.now);
        assert!(script.events().is_empty() && script.sent().is_empty());
        assert_eq!(script.session.durable(), script.session.accepted());
    }
}

#[test]
fn t14_receipts_are_contiguous_and_resolve_in_order() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.open(0);
    let mut receipts = Vec::new();
    let mut number = 0;
    for round in 0..10 {
        for len in 1..=10_usize {
            let receipt = script.submit(&vec![0; len]);
            assert_eq!(receipt.end - receipt.start, u64::try_from(len).unwrap());
            assert_eq!(
                receipt.start,
                receipts
                    .last()
                    .map_or(0, |last: &std::ops::Range<u64>| last.end)
            );
            receipts.push(receipt);
        }
        for block in script.sent() {
            number = block.number;
        }
        let durable = script.session.sent();
        script.ack(number, number - 1, i64::try_from(durable).unwrap());
        for receipt in &receipts {
            let fate = script.session.fate(receipt);
            assert_eq!(
                matches!(fate, Fate::Durable),
                receipt.end <= durable,
                "{round} {fate:?}"
            );
        }
    }
}

#[test]
fn acked_and_drained_are_told() {
    let mut script = Script::exclusive();
    script.submit(b"a");
    script.open(0);
    script.sent();
    script.submit(b"b");
    script.events();
    script.ack(1, 0, 1);
    assert!(matches!(
        script.events()[..],
        [AppendEvent::Acked { durable: 1 }]
    ));
    script.sent();
    script.ack(2, 1, 2);
    assert!(matches!(
        script.events()[..],
        [AppendEvent::Acked { durable: 2 }, AppendEvent::Drained]
    ));
}

#[test]
fn t26_moving_is_refused_while_bytes_are_not_durable() {
    let mut script = Script::exclusive();
    script.submit(b"abc");
    for error in [
        script.session.start_at(9).unwrap_err(),
        script.session.resync(9).unwrap_err(),
    ] {
        assert!(
            matches!(error, ResyncError::Unflushed { bytes: 3 }),
            "{error:?}"
        );
    }
    assert_eq!(script.session.position(), 3);
}

#[test]
fn offsets_beyond_the_wire_are_refused() {
    let mut script = Script::exclusive();
    let last = i64::MAX.cast_unsigned();
    for offset in [last + 1, u64::MAX] {
        assert!(matches!(
            script.session.start_at(offset),
            Err(ResyncError::OutOfRange { .. })
        ));
        assert!(matches!(
            script.session.resync(offset),
            Err(ResyncError::OutOfRange { .. })
        ));
        script.session.note_tail(offset);
    }
    let mut shared = Script::shared();
    shared.session.note_tail(last + 1);
    assert_eq!(shared.session.position(), 0);
    script.session.start_at(last - 2).unwrap();
    assert!(matches!(
        script.session.submit(script.now, b"abc"),
        Err(SubmitError::TooLarge { max: 2 })
    ));
    script.submit(b"ab");
    script.open(0);
    assert_eq!(script.sent()[0].offset, Some(i64::MAX - 2));
    script.ack(1, 0, i64::MAX);
    assert!(matches!(
        script.session.submit(script.now, b"c"),
        Err(SubmitError::TooLarge { max: 0 })
    ));
}

#[test]
fn shared_foreign_bytes_are_noticed_and_move_the_position() {
    let mut script = Script::shared();
    script.session.note_tail(100);
    assert_eq!(script.session.position(), 100);
    script.submit(b"abc");
    script.open(0);
    script.sent();
    script.events();
    script.ack(1, 0, 110);
    assert_eq!(script.session.durable_offset(), 110);
    assert!(matches!(
        script.events()[..],
        [
            AppendEvent::Acked { .. },
            AppendEvent::Foreign {
                offset: 103,
                len: 7
            },
            AppendEvent::Drained
        ]
    ));
    script.session.note_tail(115);
    assert_eq!(
        (
            script.session.position(),
            script.session.stats().foreign_bytes
        ),
        (115, 12)
    );
    script.submit(b"d");
    script.session.note_tail(120);
    assert_eq!(
        script.session.position(),
        116,
        "a tail that may hold our own bytes moves nothing"
    );
}

#[test]
fn shared_the_first_ack_of_a_writer_that_knows_no_tail_is_no_news_of_others() {
    let mut script = Script::shared();
    script.session.start_at(1_000).unwrap();
    script.submit(b"abc");
    script.open(0);
    script.sent();
    script.ack(1, 0, 503);
    assert_eq!(
        (
            script.session.durable_offset(),
            script.session.stats().foreign_bytes
        ),
        (503, 0)
    );
}

/// Found by the fuzz target `reply_machine`: a failure empties the queue of what was sent.
#[test]
fn t07_what_was_sent_stays_sent_when_the_session_fails() {
    let mut script = Script::exclusive();
    script.submit(b"first");
    script.open(0);
    script.sent();
    script.submit(b"second");
    assert_eq!(script.session.sent(), 5);
    script.reply(script.condition_failed(1)).unwrap();
    assert!(script.session.failure().is_some());
    assert_eq!((script.session.sent(), script.session.durable()), (5, 0));
    script.session.resync(100).unwrap();
    assert_eq!((script.session.sent(), script.session.durable()), (11, 11));
}
