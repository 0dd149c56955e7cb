//! Bytes that were truncated away.

use pravega_segment_session::{
    Disconnect, OnTruncation, ReadEvent, ReadFailure, ReadOptions, SegmentFacts,
};

use crate::reader::{MIB, Reader, all_for, bytes_for, start_of, tail_for, truncated};

fn skipping() -> ReadOptions {
    ReadOptions::default().with_on_truncation(OnTruncation::SkipToHead)
}

fn gaps(reader: &Reader) -> Vec<(u64, u64)> {
    reader
        .events
        .iter()
        .filter_map(|event| match event {
            ReadEvent::Truncated { requested, head } => Some((*requested, *head)),
            _ => None,
        })
        .collect()
}

#[test]
fn t04_reading_before_the_head_is_an_error_until_a_seek() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(truncated(&read, 4));
    assert!(reader.was_woken());
    for _ in 0..3 {
        let failure = reader.expect_failure();
        assert!(matches!(
            failure,
            ReadFailure::Truncated {
                requested: 0,
                head: 4
            }
        ));
        assert!(!failure.is_terminal());
    }
    reader.seek(4);
    reader.expect_pending();
    let read = reader.one_read();
    assert_eq!(start_of(&read), 4);
    reader.deliver(tail_for(&read, 6));
    reader.expect_bytes(6);
    // What is known to be gone is not asked for.
    reader.seek(0);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Truncated {
            requested: 0,
            head: 4
        }
    ));
    assert!(reader.sent.is_empty());
}

#[test]
fn t64_bytes_received_before_are_delivered_and_none_behind_the_gap() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.deliver(all_for(&first));
    reader.expect_bytes(MIB);
    let mut two = reader.reads();
    let (lower, upper) = (two.remove(0), two.remove(0));
    reader.deliver(bytes_for(&lower, 10));
    let gap = reader.one_read();
    reader.deliver(all_for(&upper));
    reader.deliver(truncated(&gap, 3 << 20));
    assert!(reader.sent.is_empty());
    reader.expect_bytes(10);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Truncated { requested, head } if requested == MIB + 10 && head == 3 * MIB
    ));
    assert_eq!(reader.session.position(), MIB + 10);
    reader.seek(3 * MIB);
    reader.expect_pending();
    assert_eq!(start_of(&reader.one_read()), 3 * MIB);
}

#[test]
fn t64_a_read_still_out_below_the_new_head_may_bring_its_bytes() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.deliver(all_for(&first));
    reader.expect_bytes(MIB);
    let mut two = reader.reads();
    let (lower, upper) = (two.remove(0), two.remove(0));
    reader.deliver(truncated(&upper, 5 << 20));
    reader.expect_pending();
    reader.deliver(all_for(&lower));
    reader.expect_bytes(MIB);
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Truncated { .. }
    ));
}

#[test]
fn t65_skipping_goes_on_at_the_head_with_one_event() {
    let mut reader = Reader::reading(skipping());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 10));
    reader.expect_bytes(10);
    reader.expect_pending();
    let parked = reader.one_read();
    reader.deliver(truncated(&parked, 50));
    assert_eq!(gaps(&reader), [(10, 50)]);
    assert_eq!(reader.session.position(), 50);
    reader.expect_pending();
    // It is some way behind, so it also asks how much there is.
    reader.one_question();
    let read = reader.one_read();
    assert_eq!(start_of(&read), 50);
    reader.deliver(tail_for(&read, 5));
    reader.expect_bytes(5);
    assert_eq!(gaps(&reader).len(), 1);
    assert_eq!(reader.session.stats().bytes_skipped, 40);
}

#[test]
fn t65_bytes_in_front_of_the_gap_come_before_the_event() {
    let mut reader = Reader::reading(skipping());
    reader.session.note_tail(100 * MIB);
    let read = reader.one_read();
    reader.deliver(bytes_for(&read, 10));
    let gap = reader.one_read();
    reader.deliver(truncated(&gap, 3 << 20));
    reader.expect_bytes(10);
    // Whoever was given bytes finds the end of them in the position, and jumps only when it asks for more.
    assert!(gaps(&reader).is_empty());
    assert_eq!(reader.session.position(), 10);
    assert_eq!(reader.session.peek(), None);
    reader.expect_pending();
    assert_eq!(gaps(&reader), [(10, 3 * MIB)]);
    assert_eq!(reader.session.position(), 3 * MIB);
    assert_eq!(start_of(&reader.reads()[0]), 3 * MIB);
}

#[test]
fn t65_two_gaps_are_two_events() {
    let mut reader = Reader::new(skipping());
    reader.session.handle_info(SegmentFacts {
        head: 10,
        tail: 100,
        sealed: false,
    });
    assert_eq!(reader.session.position(), 0);
    // The first event has not been given out when the second gap opens.
    reader.session.want();
    assert_eq!(reader.session.position(), 10);
    reader.session.handle_info(SegmentFacts {
        head: 20,
        tail: 100,
        sealed: false,
    });
    assert_eq!(reader.session.position(), 10);
    reader.drain();
    assert_eq!(gaps(&reader), [(0, 10), (10, 20)]);
    assert_eq!(reader.session.position(), 20);
}

#[test]
fn t65_skipping_stops_at_the_limit() {
    let mut reader = Reader::reading(skipping().with_until(Some(30)));
    let read = reader.one_read();
    reader.deliver(truncated(&read, 50));
    assert_eq!(gaps(&reader), [(0, 50)]);
    assert_eq!(reader.session.position(), 30);
    assert!(matches!(
        reader.session.poll_chunk(1),
        pravega_segment_session::ReadStep::Limit
    ));
}

#[test]
fn a_head_learnt_from_a_question_counts_as_well() {
    let mut reader = Reader::new(ReadOptions::default());
    reader.session.handle_info(SegmentFacts {
        head: 10,
        tail: 100,
        sealed: false,
    });
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Truncated {
            requested: 0,
            head: 10
        }
    ));
    assert!(reader.wish().is_none());
}

/// Found by the fuzz target `read_machine`: the read at the position hides the gap as long as it is out.
#[test]
fn t64_a_gap_that_shows_when_the_connection_is_lost_is_told_to_who_waits() {
    for options in [ReadOptions::default(), skipping()] {
        let mut reader = Reader::reading(options);
        reader.session.note_tail(100 * MIB);
        let first = reader.one_read();
        reader.deliver(all_for(&first));
        reader.expect_bytes(MIB);
        reader.expect_pending();
        reader.events.clear();
        let upper = reader.reads().remove(1);
        reader.deliver(truncated(&upper, 3 << 20));
        assert!(
            !reader.was_woken(),
            "the lower read may still bring its bytes"
        );
        let now = reader.now;
        reader.session.handle_disconnected(now, Disconnect::Lost);
        reader.drain();
        match options.on_truncation {
            OnTruncation::Error => {
                assert!(reader.was_woken());
                let failure = reader.expect_failure();
                assert!(
                    matches!(failure, ReadFailure::Truncated { .. }),
                    "{failure:?}"
                );
            }
            _ => {
                assert_eq!(gaps(&reader), [(MIB, 3 * MIB)]);
                reader.reattach();
                reader.one_question();
                assert_eq!(start_of(&reader.reads()[0]), 3 * MIB);
            }
        }
    }
}
