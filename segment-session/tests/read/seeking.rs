//! Moving the position.

use pravega_segment_session::{MAX_OFFSET, ReadFailure, ReadOptions};

use crate::reader::{MIB, Reader, all_for, end_for, end_of, info, sealed, start_of, tail_for};

#[test]
fn t58_seeking_to_the_position_sends_nothing() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    for _ in 0..100 {
        reader.seek(reader.session.position());
    }
    reader.deliver(tail_for(&read, 100));
    reader.expect_bytes(10);
    for _ in 0..100 {
        reader.seek(reader.session.position());
    }
    assert!(reader.sent.is_empty());
    assert_eq!(reader.session.available(), 90);
}

#[test]
fn t59_seeking_inside_the_window_sends_nothing() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(all_for(&read));
    for offset in [500_000, 3, MIB - 1, 0, 123_456] {
        reader.seek(offset);
        reader.expect_bytes(100.min(MIB - offset));
    }
    // Seeking back over bytes that are used up.
    reader.expect_bytes(MIB - reader.session.position());
    reader.sent.clear();
    reader.seek(1);
    reader.expect_bytes(MIB - 1);
    assert_eq!(reader.session.stats().stale_replies, 0);
}

#[test]
fn what_is_kept_behind_is_bounded() {
    let options = ReadOptions::default()
        .with_keep_behind_bytes(20_000)
        .with_request_bytes(8_000);
    let mut reader = Reader::reading(options);
    reader.session.note_tail(MIB);
    reader.drain();
    while reader.session.position() < 400_000 {
        for read in reader.reads() {
            reader.deliver(all_for(&read));
        }
        reader.expect_bytes(reader.session.available());
    }
    assert!(reader.session.held_bytes() <= 20_000);
    let position = reader.session.position();
    reader.seek(position - 10_000);
    reader.expect_bytes(10_000);
    reader.seek(position - 30_000);
    assert_eq!(reader.session.available(), 0);
}

#[test]
fn t60_an_impossible_place_changes_nothing() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 100));
    reader.expect_bytes(40);
    for offset in [u64::MAX, MAX_OFFSET + 1] {
        assert!(reader.session.seek(offset).is_err());
    }
    assert_eq!(
        (reader.session.position(), reader.session.available()),
        (40, 60)
    );
}

#[test]
fn seeking_elsewhere_forgets_what_was_asked_for() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.seek(50 * MIB);
    assert!(reader.sent.is_empty(), "asked before the next demand");
    reader.expect_pending();
    let second = reader.one_read();
    assert_eq!(start_of(&second), 50 * MIB);
    reader.deliver(all_for(&first));
    assert_eq!(reader.session.available(), 0);
    assert_eq!(reader.session.stats().stale_replies, 1);
    reader.deliver(all_for(&second));
    reader.expect_bytes(MIB);
    // The window begins anew.
    assert_eq!(reader.reads().len(), 2);
}

#[test]
fn a_request_left_waiting_is_found_again() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 100));
    reader.expect_bytes(100);
    reader.expect_pending();
    let parked = reader.one_read();
    for _ in 0..10 {
        reader.seek(0);
        reader.expect_pending();
        let read = reader.one_read();
        reader.deliver(tail_for(&read, 100));
        reader.expect_bytes(100);
        reader.expect_pending();
        assert!(
            reader.sent.is_empty(),
            "one more request was left at the server"
        );
    }
    reader.deliver(tail_for(&parked, 5));
    reader.expect_bytes(5);
}

#[test]
fn a_forgotten_request_that_covers_the_new_place_is_used() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let read = reader.one_read();
    reader.seek(1_000);
    reader.expect_pending();
    assert!(reader.sent.is_empty());
    reader.deliver(all_for(&read));
    reader.expect_bytes(MIB - 1_000);
}

#[test]
fn t62_beyond_the_tail_the_store_is_asked_first() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 50));
    reader.seek(60);
    reader.expect_pending();
    let question = reader.one_question();
    assert!(reader.sent.is_empty());
    let mut answer = info(&question, 0, 55);
    answer.is_sealed = true;
    reader.deliver(answer);
    let failure = reader.expect_failure();
    assert!(matches!(
        failure,
        ReadFailure::BeyondEnd {
            requested: 60,
            length: 55
        }
    ));
    assert!(!failure.is_terminal());
    reader.seek(55);
    reader.expect_end();
    assert!(reader.sent.is_empty());
    reader.seek(54);
    reader.expect_pending();
    let read = reader.one_read();
    assert_eq!((start_of(&read), end_of(&read)), (54, 55));
}

#[test]
fn beyond_the_tail_of_an_open_segment_a_read_waits() {
    let mut reader = Reader::new(ReadOptions::default());
    reader.seek(60);
    reader.expect_pending();
    reader.attach();
    let question = reader.one_question();
    reader.deliver(info(&question, 0, 50));
    let parked = reader.one_read();
    assert_eq!(start_of(&parked), 60);
    // Sealed in front of the place: only a question tells where the end is.
    reader.deliver(sealed(&parked));
    reader.expect_pending();
    reader.pass_time();
    let question = reader.one_question();
    let mut answer = info(&question, 0, 58);
    answer.is_sealed = true;
    reader.deliver(answer);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::BeyondEnd {
            requested: 60,
            length: 58
        }
    ));
}

#[test]
fn a_start_offset_is_trusted_until_a_connection_is_lost() {
    let mut reader = Reader::reading(ReadOptions::default().with_offset(100));
    assert_eq!(start_of(&reader.one_read()), 100);
    reader
        .session
        .handle_disconnected(reader.now, pravega_segment_session::Disconnect::Lost);
    reader.drain();
    reader.reattach();
    let question = reader.one_question();
    assert!(reader.sent.is_empty());
    let mut answer = info(&question, 0, 40);
    answer.is_sealed = true;
    reader.deliver(answer);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::BeyondEnd { length: 40, .. }
    ));
}

#[test]
fn the_end_is_remembered_after_a_seek() {
    let mut reader = Reader::reading(ReadOptions::default().with_keep_behind_bytes(0));
    let read = reader.one_read();
    reader.deliver(end_for(&read, 10_000));
    reader.expect_bytes(10_000);
    reader.expect_end();
    reader.seek(0);
    reader.expect_pending();
    let read = reader.one_read();
    assert_eq!((start_of(&read), end_of(&read)), (0, 10_000));
    reader.seek(10_000);
    reader.expect_end();
}
