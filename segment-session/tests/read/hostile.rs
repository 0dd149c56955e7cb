//! Replies that no correct segment store sends.

use std::sync::Arc;

use pravega_segment_session::{
    Disconnect, OnTruncation, ProtocolViolation, ReadFailure, ReadOptions, SegmentFacts,
};
use pravega_wire_protocol::{AppendSetup, KeepAlive, Reply, SegmentSealed, Unknown};

use crate::reader::{
    MIB, Reader, all_for, bytes_for, end_for, info, start_of, tail_for, truncated,
};

#[test]
fn t41_a_reply_at_another_offset_ends_the_connection() {
    let mut reader = Reader::reading(ReadOptions::default().with_offset(5));
    let read = reader.one_read();
    let mut reply = bytes_for(&read, 10);
    reply.offset = 6;
    assert!(matches!(
        reader.deliver_bad(reply),
        ProtocolViolation::ReadOffset {
            expected: 5,
            actual: 6
        }
    ));
    reader.reattach();
    let question = reader.one_question();
    reader.deliver(info(&question, 0, 20));
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 15));
    reader.expect_bytes(15);
}

#[test]
fn t41_a_reply_given_twice_ends_the_connection() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 10));
    let violation = reader.deliver_bad(tail_for(&read, 10));
    assert!(matches!(
        violation,
        ProtocolViolation::UnexpectedReply { .. }
    ));
    reader.expect_bytes(10);
    reader.expect_pending();
    reader.reattach();
    let question = reader.one_question();
    reader.deliver(info(&question, 0, 10));
    assert_eq!(start_of(&reader.one_read()), 10);
}

#[test]
fn replies_that_contradict_end_the_connection() {
    let other_segment = |reader: &mut Reader| {
        let mut reply = all_for(&reader.one_read());
        reply.segment = Arc::from("scope/stream/1.#epoch.0");
        reply.into()
    };
    let moved_end = |reader: &mut Reader| {
        reader.session.note_tail(100 * MIB);
        let first = reader.one_read();
        reader.deliver(all_for(&first));
        reader.expect_bytes(MIB);
        let reads = reader.reads();
        reader.session.handle_info(SegmentFacts {
            head: 0,
            tail: 100 * MIB,
            sealed: true,
        });
        end_for(&reads[0], 1).into()
    };
    let head_in_front = |reader: &mut Reader| {
        *reader = Reader::reading(ReadOptions::default().with_offset(10));
        truncated(&reader.one_read(), 10).into()
    };
    let negative_head = |reader: &mut Reader| truncated(&reader.one_read(), -5).into();
    let another_answer = |reader: &mut Reader| {
        let read = reader.one_read();
        SegmentSealed {
            request_id: read.request_id,
            segment: read.segment,
        }
        .into()
    };
    let no_id = |_: &mut Reader| KeepAlive {}.into();
    let unknown = |_: &mut Reader| {
        Reply::Unknown(Unknown {
            code: 4_711,
            body: bytes::Bytes::new(),
        })
    };
    type Case<'a> = &'a dyn Fn(&mut Reader) -> Reply;
    let cases: [(&str, Case<'_>); 7] = [
        ("another segment", &other_segment),
        ("another end", &moved_end),
        ("a head in front", &head_in_front),
        ("a negative head", &negative_head),
        ("another answer", &another_answer),
        ("no id", &no_id),
        ("unknown", &unknown),
    ];
    for (name, case) in cases {
        let mut reader = Reader::reading(ReadOptions::default());
        let reply = case(&mut reader);
        let result = reader.session.handle_reply(reader.now, reply);
        assert!(result.is_err(), "{name}");
        assert!(!reader.session.is_attached(), "{name}");
    }
}

#[test]
fn impossible_answers_end_the_connection() {
    for (head, tail) in [(-1, 10), (0, -1), (11, 10), (i64::MIN, i64::MAX)] {
        let mut reader = Reader::new(ReadOptions::default());
        reader.seek(5);
        reader.expect_pending();
        reader.attach();
        let question = reader.one_question();
        let violation = reader.deliver_bad(info(&question, head, tail));
        assert!(matches!(
            violation,
            ProtocolViolation::ImpossibleSegment { .. }
        ));
    }
}

#[test]
fn a_store_that_keeps_breaking_the_protocol_is_given_up() {
    let mut reader = Reader::reading(ReadOptions::default());
    for _ in 0..5 {
        let read = reader.one_read();
        let mut reply = bytes_for(&read, 10);
        reply.offset = 99;
        reader.deliver_bad(reply);
        reader.reattach();
    }
    let read = reader.one_read();
    let mut reply = bytes_for(&read, 10);
    reply.offset = 99;
    reader.deliver_bad(reply);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Protocol { .. }
    ));
    assert!(reader.session.poll_timeout().is_none() && reader.wish().is_none());
}

#[test]
fn violations_that_end_the_connection_for_all_are_borne_longer_but_not_for_ever() {
    let mut reader = Reader::reading(ReadOptions::default());
    let mut losses = 0;
    while reader.session.is_attached() {
        losses += 1;
        let now = reader.now;
        reader
            .session
            .handle_disconnected(now, Disconnect::Violation);
        reader.drain();
        reader.pass_time();
        if reader.wish().is_some() {
            reader.attach_anyway();
        }
    }
    assert_eq!(losses, 21);
    let failure = reader.expect_failure();
    assert!(
        matches!(failure, ReadFailure::Refused { .. }),
        "{failure:?}"
    );
}

#[test]
fn replies_for_others_and_from_before_are_counted_and_dropped() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    let mut foreign = bytes_for(&read, 10);
    foreign.request_id = read.request_id + (1 << 28);
    reader.deliver(foreign);
    let mut never_issued = bytes_for(&read, 10);
    never_issued.request_id = read.request_id + 1_000;
    reader.deliver(never_issued);
    let mut an_offset = bytes_for(&read, 10);
    an_offset.request_id = 0;
    reader.deliver(an_offset);
    assert_eq!(reader.session.stats().stale_replies, 3);
    assert_eq!(reader.session.available(), 0);
    let setup = AppendSetup {
        request_id: read.request_id,
        segment: Arc::clone(&read.segment),
        writer_id: pravega_client_shared::WriterId::from_wire(0),
        last_event_number: 0,
    };
    reader.deliver_bad(setup);
}

#[test]
fn the_largest_offset_is_no_trap() {
    let largest = pravega_segment_session::MAX_OFFSET;
    let mut reader = Reader::reading(ReadOptions::default().with_offset(u64::MAX));
    assert_eq!(reader.session.position(), largest);
    let read = reader.one_read();
    assert_eq!((read.offset, read.suggested_length), (i64::MAX, 1));
    reader.deliver(bytes_for(&read, 8));
    reader.expect_bytes(1);
    reader.expect_pending();

    let mut reader = Reader::reading(ReadOptions::default().with_offset(largest - 3));
    let read = reader.one_read();
    assert_eq!(read.suggested_length, 4);
    reader.deliver(bytes_for(&read, 8));
    reader.expect_bytes(4);
    reader.expect_pending();
    assert!(reader.sent.is_empty());
    reader.session.note_tail(u64::MAX);
    reader.drain();
}

/// Found by the fuzz target `read_machine`: a reader that skips to such a head would wait there for ever.
#[test]
fn facts_beyond_the_largest_offset_are_cut_to_it() {
    let largest = pravega_segment_session::MAX_OFFSET;
    let skipping = ReadOptions::default().with_on_truncation(OnTruncation::SkipToHead);
    let mut reader = Reader::reading(skipping);
    reader.session.handle_info(SegmentFacts {
        head: u64::MAX,
        tail: u64::MAX,
        sealed: false,
    });
    assert_eq!(reader.session.known_head(), largest);
    assert_eq!(reader.session.known_tail(), Some(largest));
}
