//! Where a segment ends, or is gone.

use pravega_segment_session::{ReadEvent, ReadFailure, ReadOptions};

use crate::reader::{MIB, Reader, all_for, bytes_for, end_for, info, no_such_segment, start_of};

#[test]
fn t05_the_end_stays_the_end() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(end_for(&read, 10));
    reader.expect_bytes(10);
    for _ in 0..10 {
        reader.expect_end();
    }
    assert!(reader.sent.is_empty() && reader.wish().is_none());
    assert_eq!(reader.session.stats().read_requests, 1);
}

#[test]
fn an_end_right_behind_a_full_reply_takes_one_more_request() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(all_for(&read));
    reader.expect_bytes(MIB);
    let question = reader.one_question();
    let probe = reader.one_read();
    assert_eq!(start_of(&probe), MIB);
    reader.deliver(end_for(&probe, 0));
    reader.expect_end();
    let mut answer = info(&question, 0, 1 << 20);
    answer.is_sealed = true;
    reader.deliver(answer);
    reader.expect_end();
    let ends = |event: &&ReadEvent| matches!(event, ReadEvent::EndOfSegment { .. });
    assert_eq!(reader.events.iter().filter(ends).count(), 1);
}

#[test]
fn the_end_is_told_only_behind_the_last_byte() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(2 * MIB);
    let first = reader.one_read();
    reader.deliver(all_for(&first));
    reader.expect_bytes(MIB);
    let second = reader.one_read();
    let third = bytes_for(&second, 10);
    // The end is known from elsewhere while bytes in front of it are still missing.
    reader
        .session
        .handle_info(pravega_segment_session::SegmentFacts {
            head: 0,
            tail: 2 * MIB,
            sealed: true,
        });
    reader.expect_pending();
    reader.deliver(third);
    reader.expect_bytes(10);
    reader.expect_pending();
    let rest = reader.one_read();
    reader.deliver(end_for(&rest, MIB - 10));
    reader.expect_bytes(MIB - 10);
    reader.expect_end();
}

#[test]
fn t69_bytes_received_before_the_deletion_are_delivered() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let read = reader.one_read();
    reader.deliver(bytes_for(&read, 10));
    let rest = reader.one_read();
    reader.deliver(no_such_segment(&rest));
    let last_two = reader.events.split_off(reader.events.len() - 2);
    assert!(matches!(last_two[0], ReadEvent::Detach));
    assert!(matches!(
        last_two[1],
        ReadEvent::Failed(ReadFailure::NoSuchSegment { .. })
    ));
    reader.expect_bytes(10);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::NoSuchSegment { .. }
    ));
    reader.seek(50);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::NoSuchSegment { .. }
    ));
}

#[test]
fn t69_an_answer_about_a_deleted_segment_is_no_such_segment() {
    let mut reader = Reader::new(ReadOptions::default());
    reader.seek(5);
    reader.expect_pending();
    reader.attach();
    let question = reader.one_question();
    let mut answer = info(&question, 0, 10);
    answer.is_deleted = true;
    reader.deliver(answer);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::NoSuchSegment { .. }
    ));
}
