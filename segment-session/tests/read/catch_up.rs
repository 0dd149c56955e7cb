//! Reading what is there already: how much is asked for, when, and in what pieces.

use pravega_segment_session::{ReadOptions, ReadStep, SegmentFacts};

use crate::reader::{MIB, Reader, all_for, bytes_for, end_for, end_of, info, start_of, tail_for};

#[test]
fn nothing_is_asked_before_the_first_demand() {
    let mut reader = Reader::new(ReadOptions::default().with_offset(7));
    reader.drain();
    assert!(reader.events.is_empty() && reader.session.poll_timeout().is_none());
    reader.session.note_tail(10 * MIB);
    reader.attach_anyway();
    assert!(reader.sent.is_empty());
    reader.session.want();
    reader.drain();
    assert!(!reader.sent.is_empty());
}

#[test]
fn t63_opening_at_an_offset_and_reading_costs_one_request() {
    let mut reader = Reader::new(ReadOptions::default().with_offset(1_000));
    reader.drain();
    assert!(reader.events.is_empty());
    reader.expect_pending();
    reader.attach();
    let read = reader.one_read();
    assert_eq!(start_of(&read), 1_000);
    reader.deliver(tail_for(&read, 500));
    assert!(reader.was_woken());
    reader.expect_bytes(500);
    assert!(reader.sent.is_empty());
    assert_eq!(reader.session.stats().read_requests, 1);
}

#[test]
fn the_window_doubles_with_every_reply_used_up() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    reader.drain();
    let mut outstanding = reader.reads();
    let mut most = Vec::new();
    for _ in 0..12 {
        most.push(outstanding.len());
        let read = outstanding.remove(0);
        reader.deliver(all_for(&read));
        assert!(
            reader.sent.is_empty(),
            "asked for more before the reply was used up"
        );
        reader.expect_bytes(end_of(&read) - start_of(&read));
        outstanding.extend(reader.reads());
    }
    assert_eq!(most[..4], [1, 2, 4, 4]);
    for pair in outstanding.windows(2) {
        assert_eq!(end_of(&pair[0]), start_of(&pair[1]));
    }
}

#[test]
fn a_long_segment_is_noticed_with_one_question() {
    let mut reader = Reader::reading(ReadOptions::default());
    let first = reader.one_read();
    reader.deliver(all_for(&first));
    assert!(reader.sent.is_empty());
    reader.expect_bytes(MIB);
    // One request reaches into the unknown; before there are more, the tail is asked for.
    let question = reader.one_question();
    let probe = reader.one_read();
    assert_eq!(start_of(&probe), MIB);
    reader.deliver(info(&question, 0, 50 << 20));
    assert_eq!(reader.reads().len(), 1);
    reader.deliver(all_for(&probe));
    reader.expect_bytes(MIB);
    assert_eq!(reader.reads().len(), 3);
    assert_eq!(reader.session.stats().info_requests, 1);
}

#[test]
fn t44_the_window_stays_full_to_the_end() {
    const LEN: u64 = 64 * MIB;
    let mut reader = Reader::reading(ReadOptions::default());
    let mut rounds = 0;
    while reader.session.position() < LEN {
        rounds += 1;
        for request in std::mem::take(&mut reader.sent) {
            match request {
                pravega_wire_protocol::Request::ReadSegment(read) => {
                    let len = (end_of(&read) - start_of(&read)).min(LEN - start_of(&read));
                    let reply = bytes_for(&read, len);
                    reader
                        .session
                        .handle_reply(reader.now, reply.into())
                        .unwrap();
                }
                pravega_wire_protocol::Request::GetStreamSegmentInfo(question) => {
                    let reply = info(&question, 0, i64::try_from(LEN).unwrap());
                    reader
                        .session
                        .handle_reply(reader.now, reply.into())
                        .unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        while let ReadStep::Chunk(_) = reader.session.poll_chunk(usize::MAX) {}
        reader.drain();
    }
    // With 4 MiB in every round trip 16 rounds are the least.
    assert!(rounds <= 22, "{rounds} round trips");
}

#[test]
fn t38_the_rest_of_a_short_reply_is_asked_for_again() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.deliver(bytes_for(&first, 10));
    let second = reader.one_read();
    assert_eq!((start_of(&second), end_of(&second)), (10, MIB));
    reader.deliver(bytes_for(&second, 1));
    let third = reader.one_read();
    assert_eq!((start_of(&third), end_of(&third)), (11, MIB));
    reader.deliver(all_for(&third));
    reader.expect_bytes(MIB);
}

#[test]
fn t38_replies_arrive_in_any_order_and_leave_gaps() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.deliver(all_for(&first));
    reader.expect_bytes(MIB);
    let mut two = reader.reads();
    assert_eq!(two.len(), 2);
    let (lower, upper) = (two.remove(0), two.remove(0));
    reader.was_woken();
    reader.expect_pending();
    reader.deliver(all_for(&upper));
    assert!(!reader.was_woken());
    assert_eq!(reader.session.available(), 0);
    reader.deliver(bytes_for(&lower, MIB / 2));
    let gap = reader.one_read();
    assert_eq!((start_of(&gap), end_of(&gap)), (MIB + MIB / 2, 2 * MIB));
    reader.deliver(all_for(&gap));
    assert_eq!(reader.session.available(), 2 * MIB);
    reader.expect_bytes(2 * MIB);
}

#[test]
fn a_reply_longer_than_asked_is_cut() {
    let options = ReadOptions::default().with_until(Some(3));
    let mut reader = Reader::reading(options);
    let read = reader.one_read();
    assert_eq!(read.suggested_length, 3);
    reader.deliver(bytes_for(&read, 8));
    reader.expect_bytes(3);
    assert!(matches!(reader.session.poll_chunk(1), ReadStep::Limit));
}

#[test]
fn a_reply_much_longer_than_asked_is_not_kept_alive() {
    let mut reader = Reader::reading(ReadOptions::default().with_until(Some(8_000)));
    let read = reader.one_read();
    let reply = bytes_for(&read, 2 * MIB);
    let at = reply.data.chunks()[0].as_ptr();
    reader.deliver(reply);
    assert_eq!(reader.session.held_bytes(), 8_000);
    assert_ne!(reader.session.peek().unwrap().as_ptr(), at);
    reader.expect_bytes(8_000);
}

#[test]
fn the_end_is_known_from_a_reply_longer_than_asked() {
    let mut reader = Reader::reading(ReadOptions::default().with_until(Some(3)));
    let read = reader.one_read();
    reader.deliver(end_for(&read, 8));
    assert_eq!(reader.session.sealed_length(), Some(8));
    reader.expect_bytes(3);
    assert!(matches!(reader.session.poll_chunk(1), ReadStep::Limit));
}

#[test]
fn t47_nothing_at_or_beyond_the_limit_is_ever_asked_for() {
    const UNTIL: u64 = 2 * MIB + 17;
    let mut reader = Reader::reading(ReadOptions::default().with_until(Some(UNTIL)));
    reader.session.note_tail(100 * MIB);
    reader.drain();
    while reader.session.position() < UNTIL {
        for read in reader.reads() {
            assert!(end_of(&read) <= UNTIL);
            reader.deliver(all_for(&read));
        }
        reader.expect_bytes(reader.session.available());
    }
    for _ in 0..3 {
        assert!(matches!(reader.session.poll_chunk(9), ReadStep::Limit));
    }
    reader.drain();
    assert!(reader.sent.is_empty());
    reader.seek(UNTIL + 1);
    assert!(matches!(reader.session.poll_chunk(9), ReadStep::Limit));
}

#[test]
fn t47_the_limit_may_lie_beyond_the_end() {
    let mut reader = Reader::reading(ReadOptions::default().with_until(Some(100)));
    let read = reader.one_read();
    reader.deliver(end_for(&read, 10));
    reader.expect_bytes(10);
    reader.expect_end();
}

#[test]
fn t43_a_slow_consumer_costs_no_more_than_the_window() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(1 << 30);
    reader.drain();
    for _ in 0..200 {
        for read in reader.reads() {
            reader.deliver(all_for(&read));
        }
        reader.expect_bytes(reader.session.available().min(50_000));
        let asked: u64 = reader
            .session
            .outstanding()
            .map(|range| range.end - range.start)
            .sum();
        assert!(asked + reader.session.held_bytes() <= 5 * MIB);
        assert!(reader.session.poll_timeout().is_none());
    }
}

#[test]
fn requests_end_on_multiples_of_their_length() {
    let mut reader = Reader::reading(ReadOptions::default().with_offset(MIB - 10));
    reader.session.note_tail(100 * MIB);
    let read = reader.one_read();
    assert_eq!((start_of(&read), end_of(&read)), (MIB - 10, 2 * MIB));
    reader.deliver(all_for(&read));
    reader.expect_bytes(MIB + 10);
    let ends: Vec<_> = reader.reads().iter().map(end_of).collect();
    assert_eq!(ends, [3 * MIB, 4 * MIB]);
}

#[test]
fn small_options_are_brought_into_range() {
    let options = ReadOptions::default()
        .with_max_read_ahead_bytes(0)
        .with_request_bytes(0)
        .with_keep_behind_bytes(0);
    let mut reader = Reader::reading(options);
    reader.session.note_tail(100);
    for _ in 0..20 {
        for read in reader.reads() {
            assert!(read.suggested_length >= 1 && read.suggested_length <= 8);
            reader.deliver(all_for(&read));
        }
        reader.expect_bytes(reader.session.available().min(3));
        assert!(reader.session.held_bytes() <= 8);
    }
}

#[test]
fn what_the_driver_learnt_saves_the_question() {
    let mut reader = Reader::new(ReadOptions::default());
    reader.session.handle_info(SegmentFacts {
        head: 5,
        tail: 100,
        sealed: true,
    });
    reader.seek(100);
    reader.expect_end();
    reader.seek(5);
    reader.expect_pending();
    reader.attach();
    let read = reader.one_read();
    assert_eq!((start_of(&read), end_of(&read)), (5, 100));
    reader.deliver(all_for(&read));
    reader.expect_bytes(95);
    reader.expect_end();
    assert_eq!(reader.session.stats().info_requests, 0);
}

#[test]
fn peeking_and_consuming_is_reading() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    assert_eq!(reader.session.peek(), None);
    reader.deliver(tail_for(&read, 10_000));
    let peeked = reader.session.peek().unwrap().to_vec();
    assert_eq!(peeked, crate::content::content(0..10_000));
    reader.session.consume(4_000);
    assert_eq!(reader.session.peek().unwrap(), &peeked[4_000..]);
    reader.session.consume(usize::MAX);
    assert_eq!(reader.session.position(), 10_000);
    assert_eq!(reader.session.peek(), None);
}

#[test]
fn t42_an_empty_buffer_demands_nothing() {
    let mut reader = Reader::new(ReadOptions::default());
    assert!(matches!(reader.session.poll_chunk(0), ReadStep::Chunk(bytes) if bytes.is_empty()));
    reader.drain();
    assert!(reader.events.is_empty());
}

#[test]
fn large_replies_are_handed_out_without_copying() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    let reply = all_for(&read);
    let at = reply.data.chunks()[0].as_ptr();
    reader.deliver(reply);
    assert_eq!(reader.chunk(usize::MAX).as_ptr(), at);
}
