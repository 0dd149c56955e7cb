//! Waiting for bytes that are not written yet.

use std::time::Duration;

use pravega_segment_session::{Disconnect, ReadEvent, ReadFailure, ReadOptions, ReadSession};

use crate::reader::{
    MIB, Reader, SEGMENT, bytes_for, end_for, end_of, info, no_such_segment, sealed, start_of,
    tail_for,
};

/// A reader that has read 100 bytes and waits behind them.
fn at_tail() -> (Reader, pravega_wire_protocol::ReadSegment) {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 100));
    reader.expect_bytes(100);
    reader.expect_pending();
    assert!(reader.session.is_at_tail());
    reader.was_woken();
    let parked = reader.one_read();
    assert_eq!(start_of(&parked), 100);
    (reader, parked)
}

#[test]
fn t50_one_request_waits_and_its_reply_wakes() {
    let (mut reader, parked) = at_tail();
    reader.expect_pending();
    reader.expect_pending();
    assert!(reader.sent.is_empty());
    reader.deliver(tail_for(&parked, 5));
    assert!(reader.was_woken());
    reader.expect_bytes(5);
    // It has waited before, so the next request goes out without being demanded.
    assert_eq!(start_of(&reader.one_read()), 105);
}

#[test]
fn t51_waiting_has_no_deadline() {
    let (mut reader, parked) = at_tail();
    assert_eq!(reader.session.poll_timeout(), None);
    for hours in [1, 24, 24 * 365] {
        reader.now += Duration::from_secs(3_600 * hours);
        reader.session.handle_timeout(reader.now);
        reader.drain();
        assert!(reader.sent.is_empty() && reader.events.is_empty());
    }
    reader.deliver(tail_for(&parked, 1));
    reader.expect_bytes(1);
    assert_eq!(reader.session.stats().reconnects, 0);
}

#[test]
fn t40_an_empty_reply_is_asked_again() {
    let (mut reader, mut parked) = at_tail();
    let mut pauses = Vec::new();
    for _ in 0..3 {
        reader.deliver(tail_for(&parked, 0));
        assert!(!reader.was_woken());
        reader.expect_pending();
        assert!(reader.sent.is_empty(), "asked again without a pause");
        pauses.push(reader.pass_time());
        parked = reader.one_read();
        assert_eq!(start_of(&parked), 100);
    }
    assert_eq!(pauses, [10, 20, 40].map(Duration::from_millis));
    reader.deliver(tail_for(&parked, 3));
    reader.expect_bytes(3);
    let parked = reader.one_read();
    reader.deliver(tail_for(&parked, 0));
    assert_eq!(reader.pass_time(), Duration::from_millis(10));
    assert_eq!(reader.session.stats().empty_replies, 4);
}

#[test]
fn t40_an_endless_row_of_empty_replies_is_not_hurried() {
    let (mut reader, mut parked) = at_tail();
    for _ in 0..50 {
        reader.deliver(tail_for(&parked, 0));
        assert!(reader.pass_time() <= Duration::from_secs(1));
        parked = reader.one_read();
    }
    reader.deliver(tail_for(&parked, 0));
    assert_eq!(reader.pass_time(), Duration::from_secs(1));
}

#[test]
fn t52_sealed_while_waiting_is_the_end() {
    let (mut reader, parked) = at_tail();
    reader.deliver(sealed(&parked));
    assert!(reader.was_woken());
    for _ in 0..3 {
        reader.expect_end();
    }
    assert!(reader.sent.is_empty());
    let ends = reader
        .events
        .iter()
        .filter(|event| matches!(event, ReadEvent::EndOfSegment { length: 100 }));
    assert_eq!(ends.count(), 1);
}

#[test]
fn t52_an_empty_segment_sealed_while_waiting_ends_at_zero() {
    let mut reader = Reader::reading(ReadOptions::default());
    let parked = reader.one_read();
    reader.deliver(sealed(&parked));
    reader.expect_end();
    assert_eq!(reader.session.sealed_length(), Some(0));
}

#[test]
fn t53_data_and_seal_in_one_go_give_the_data_first() {
    let (mut reader, parked) = at_tail();
    reader.deliver(tail_for(&parked, 7));
    reader.expect_bytes(7);
    let parked = reader.one_read();
    reader.deliver(sealed(&parked));
    reader.expect_end();

    let (mut reader, parked) = at_tail();
    reader.deliver(end_for(&parked, 7));
    reader.expect_bytes(7);
    reader.expect_end();
}

#[test]
fn an_end_in_front_of_the_known_tail_is_looked_into() {
    // A store shows bytes a moment after it has acknowledged them; it must not be believed when it says
    // in between that nothing more will come.
    let (mut reader, parked) = at_tail();
    reader.session.note_tail(120);
    reader.deliver(sealed(&parked));
    reader.expect_pending();
    reader.pass_time();
    let question = reader.one_question();
    let mut sealed_info = info(&question, 0, 120);
    sealed_info.is_sealed = true;
    reader.deliver(sealed_info);
    let read = reader.one_read();
    assert_eq!((start_of(&read), end_of(&read)), (100, 120));
    reader.deliver(end_for(&read, 20));
    reader.expect_bytes(20);
    reader.expect_end();
}

#[test]
fn t69_deletion_under_a_waiting_read_is_no_such_segment() {
    let (mut reader, parked) = at_tail();
    reader.deliver(tail_for(&parked, 0));
    reader.expect_pending();
    reader.pass_time();
    let again = reader.one_read();
    reader.deliver(no_such_segment(&again));
    for _ in 0..3 {
        assert!(matches!(
            reader.expect_failure(),
            ReadFailure::NoSuchSegment { .. }
        ));
    }
    assert!(reader.session.failure().unwrap().is_terminal());
    assert!(reader.wish().is_none() && reader.sent.is_empty());
}

#[test]
fn at_most_one_request_reaches_beyond_the_tail() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(2 * MIB + 5);
    for _ in 0..6 {
        for read in reader.reads() {
            let len = (2 * MIB + 5).saturating_sub(start_of(&read));
            if len > 0 {
                reader.deliver(tail_for(&read, len.min(end_of(&read) - start_of(&read))));
            }
        }
        let available = reader.session.available();
        reader.expect_bytes(available);
        if available == 0 {
            reader.expect_pending();
        }
        let beyond = reader
            .session
            .outstanding()
            .filter(|range| range.end > 2 * MIB + 5);
        assert!(beyond.count() <= 1);
    }
    assert!(reader.session.is_at_tail());
    assert_eq!(reader.session.outstanding().count(), 1);
}

#[test]
fn a_wrong_at_tail_hint_is_only_a_hint() {
    // Bytes that are acknowledged and not yet shown: short, with `at_tail`, in front of the tail.
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(25);
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 20));
    reader.expect_bytes(20);
    assert!(!reader.session.is_at_tail());
    assert_eq!(start_of(&reader.one_read()), 20);

    // And without it, at the tail.
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(bytes_for(&read, 20));
    reader.expect_bytes(20);
    reader.expect_pending();
    assert!(!reader.session.is_at_tail());
    assert_eq!(reader.session.outstanding().count(), 1);
}

#[test]
fn t55_a_lost_waiting_read_is_asked_again_elsewhere() {
    let (mut reader, _) = at_tail();
    reader
        .session
        .handle_disconnected(reader.now, Disconnect::Silent);
    reader.drain();
    let (relocate, _) = reader.reattach();
    assert!(relocate);
    // Where the store is another one now, it is asked whether it has everything, before a read waits there.
    let question = reader.one_question();
    assert!(reader.sent.is_empty());
    reader.deliver(info(&question, 0, 100));
    assert_eq!(start_of(&reader.one_read()), 100);
}

#[test]
fn s05_a_store_that_lost_data_is_found_out() {
    let (mut reader, _) = at_tail();
    reader
        .session
        .handle_disconnected(reader.now, Disconnect::Lost);
    reader.drain();
    reader.reattach();
    let question = reader.one_question();
    reader.deliver(info(&question, 0, 99));
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::DataLoss {
            known: 100,
            tail: 99
        }
    ));
}

#[test]
fn s05_a_store_that_lost_data_is_found_out_in_the_middle_as_well() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.deliver(bytes_for(&first, MIB));
    reader.expect_bytes(MIB);
    reader.expect_pending();
    reader
        .session
        .handle_disconnected(reader.now, Disconnect::Lost);
    reader.drain();
    reader.reattach();
    let question = reader.one_question();
    assert!(
        !reader.reads().is_empty(),
        "the reads do not wait for the answer"
    );
    // The reads themselves would wait at the store, which has nothing there any more, or end the connection.
    reader.deliver(info(&question, 0, 10));
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::DataLoss { tail: 10, .. }
    ));
}

#[test]
fn an_answer_overtaken_by_data_is_no_data_loss() {
    let mut reader = Reader::reading(ReadOptions::default());
    let first = reader.one_read();
    reader.deliver(bytes_for(&first, MIB));
    reader.expect_bytes(MIB);
    let question = reader.one_question();
    let probe = reader.one_read();
    reader.deliver(tail_for(&probe, 10));
    reader.deliver(info(&question, 0, 1 << 20));
    reader.expect_bytes(10);
    assert!(reader.session.failure().is_none());
}

#[test]
fn t49_an_idle_session_is_small() {
    assert!(
        size_of::<ReadSession>() <= 800,
        "{}",
        size_of::<ReadSession>()
    );
    let (mut reader, mut parked) = at_tail();
    for _ in 0..100 {
        reader.deliver(tail_for(&parked, 10_000));
        reader.expect_bytes(10_000);
        parked = reader.one_read();
        assert!(reader.session.held_bytes() > 0);
        reader.expect_pending();
        assert_eq!(reader.session.held_bytes(), 0);
    }
    assert_eq!(&**reader.session.segment(), SEGMENT);
    assert_eq!(reader.session.outstanding().count(), 1);
}

#[test]
fn an_empty_reply_beyond_a_known_end_is_no_contradiction() {
    let mut reader = Reader::new(ReadOptions::default());
    reader.seek(150);
    reader.expect_pending();
    reader.attach();
    let question = reader.one_question();
    reader.deliver(info(&question, 0, 100));
    let parked = reader.one_read();
    reader
        .session
        .handle_info(pravega_segment_session::SegmentFacts {
            head: 0,
            tail: 100,
            sealed: true,
        });
    reader.deliver(tail_for(&parked, 0));
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::BeyondEnd { .. }
    ));
    assert!(reader.sent.is_empty());
}

#[test]
fn an_end_told_with_data_in_front_of_the_known_tail_is_looked_into() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(200);
    let read = reader.one_read();
    reader.deliver(end_for(&read, 100));
    reader.expect_bytes(100);
    reader.expect_pending();
    reader.pass_time();
    let question = reader.one_question();
    let mut sealed_info = info(&question, 0, 200);
    sealed_info.is_sealed = true;
    reader.deliver(sealed_info);
    let rest = reader.one_read();
    reader.deliver(end_for(&rest, 100));
    reader.expect_bytes(100);
    reader.expect_end();
}
