//! Lost connections, moved segments, refused tokens.

use std::{sync::Arc, time::Duration};

use pravega_segment_session::{
    AttachFailure, AttachFailureKind, BackoffPolicy, Disconnect, ReadEvent, ReadFailure,
    ReadOptions,
};

use crate::reader::{
    MIB, Reader, all_for, error_message, info, start_of, tail_for, token_refused, wrong_host,
};

fn detached(reader: &mut Reader) -> bool {
    let before = reader.events.len();
    let is_detach = |event: &ReadEvent| matches!(event, ReadEvent::Detach);
    reader.events.retain(|event| !is_detach(event));
    reader.events.len() < before
}

#[test]
fn what_was_asked_for_is_asked_again_after_a_loss() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    let first = reader.one_read();
    reader.deliver(all_for(&first));
    reader.expect_bytes(MIB);
    let before: Vec<_> = reader.reads().iter().map(start_of).collect();
    assert_eq!(before, [MIB, 2 * MIB]);
    reader
        .session
        .handle_disconnected(reader.now, Disconnect::Lost);
    reader.drain();
    assert_eq!(reader.session.outstanding().count(), 0);
    assert_eq!(reader.reattach(), (false, false));
    // Is what was known of the segment still so? The reads do not wait for the answer.
    reader.one_question();
    let after = reader.reads();
    assert_eq!(after.iter().map(start_of).collect::<Vec<_>>(), before);
    // The lost connection's replies are nobody's.
    reader.deliver(all_for(&first));
    assert_eq!(reader.session.stats().stale_replies, 1);
    reader.deliver(all_for(&after[0]));
    reader.expect_bytes(MIB);
    assert_eq!(reader.session.stats().reconnects, 1);
}

#[test]
fn n09_pauses_grow_over_connections_that_bring_nothing() {
    let mut reader = Reader::reading(ReadOptions::default());
    let mut waited = Vec::new();
    for _ in 0..15 {
        reader.sent.clear();
        reader
            .session
            .handle_disconnected(reader.now, Disconnect::Lost);
        reader.drain();
        waited.push(reader.pass_time());
        assert!(reader.wish().is_some());
        reader.attach_anyway();
    }
    assert!(waited[0] <= Duration::from_millis(13));
    assert!(waited[14] >= Duration::from_secs(5) && waited[14] <= Duration::from_secs(10));
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 10));
    reader.expect_bytes(10);
    reader.expect_pending();
    reader
        .session
        .handle_disconnected(reader.now, Disconnect::Lost);
    reader.drain();
    assert!(reader.pass_time() <= Duration::from_millis(13));
}

#[test]
fn a_connection_that_lasted_ends_the_series() {
    let mut reader = Reader::reading(ReadOptions::default());
    for _ in 0..20 {
        reader.now += Duration::from_secs(600);
        reader
            .session
            .handle_disconnected(reader.now, Disconnect::Lost);
        reader.drain();
        assert!(reader.pass_time() <= Duration::from_millis(13));
        assert_eq!(reader.wish(), Some((false, false)));
        reader.attach_anyway();
    }
}

#[test]
fn nobody_waiting_means_no_new_connection() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 10));
    reader
        .session
        .handle_disconnected(reader.now, Disconnect::Lost);
    reader.drain();
    reader.pass_time();
    assert!(reader.wish().is_none() && reader.session.poll_timeout().is_none());
    reader.expect_bytes(10);
    reader.expect_pending();
    reader.pass_time();
    assert!(reader.wish().is_some());
}

#[test]
fn t34_a_moved_segment_is_located_anew() {
    let mut reader = Reader::reading(ReadOptions::default());
    for _ in 0..2 {
        let read = reader.one_read();
        reader.deliver(wrong_host(&read));
        assert!(detached(&mut reader));
        assert_eq!(reader.reattach(), (true, false));
    }
    let read = reader.one_read();
    reader.deliver(tail_for(&read, 3));
    reader.expect_bytes(3);
}

#[test]
fn attaching_fails_for_a_while_or_for_good() {
    let cause = || Arc::new(std::io::Error::other("no route"));
    let mut reader = Reader::new(ReadOptions::default());
    reader.expect_pending();
    assert_eq!(reader.wish(), Some((false, false)));
    for _ in 0..5 {
        let failure = AttachFailure::with_cause(AttachFailureKind::Unreachable, cause());
        reader.session.handle_attach_failed(reader.now, &failure);
        reader.drain();
        reader.pass_time();
        assert_eq!(reader.wish(), Some((true, false)));
    }
    let failure = AttachFailure::with_cause(AttachFailureKind::Rejected, cause());
    reader.session.handle_attach_failed(reader.now, &failure);
    reader.drain();
    let failure = reader.expect_failure();
    assert!(matches!(failure, ReadFailure::Attach { .. }));
    let source = std::error::Error::source(&failure).unwrap();
    assert_eq!(source.source().unwrap().to_string(), "no route");

    for (kind, check) in [
        (AttachFailureKind::NoSuchSegment, "no such segment"),
        (AttachFailureKind::Unauthorized, "not permitted to read"),
    ] {
        let mut reader = Reader::new(ReadOptions::default());
        reader.expect_pending();
        reader
            .session
            .handle_attach_failed(reader.now, &AttachFailure::new(kind));
        reader.drain();
        assert_eq!(reader.expect_failure().to_string(), check);
    }
}

#[test]
fn t80_a_refusal_with_the_offset_in_the_id_is_recognised() {
    for offset in [0, 1, 5_000_000_000] {
        for code in [0, 1, -1, 77] {
            let mut reader = Reader::reading(ReadOptions::default().with_offset(offset));
            let read = reader.one_read();
            reader.deliver(token_refused(read.offset, code));
            assert!(detached(&mut reader));
            assert_eq!(reader.reattach(), (false, true));
            let again = reader.one_read();
            assert_eq!(start_of(&again), offset);
            reader.deliver(tail_for(&again, 3));
            reader.expect_bytes(3);
        }
    }
}

#[test]
fn t80_a_refusal_for_another_offset_is_not_ours() {
    let mut reader = Reader::reading(ReadOptions::default().with_offset(7));
    let read = reader.one_read();
    reader.deliver(token_refused(8, 1));
    reader.deliver(token_refused(-1, 1));
    assert!(reader.session.is_attached());
    assert_eq!(reader.session.stats().stale_replies, 2);
    reader.deliver(tail_for(&read, 3));
    reader.expect_bytes(3);
}

#[test]
fn an_expired_token_is_renewed_a_few_times_only() {
    let mut reader = Reader::reading(ReadOptions::default());
    for _ in 0..3 {
        let read = reader.one_read();
        reader.deliver(token_refused(read.request_id, 1));
        assert_eq!(reader.reattach(), (false, true));
    }
    let read = reader.one_read();
    reader.deliver(token_refused(read.request_id, 1));
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Unauthorized { .. }
    ));
}

#[test]
fn an_expired_token_may_be_renewed_for_ever_with_data_in_between() {
    let mut reader = Reader::reading(ReadOptions::default());
    reader.session.note_tail(100 * MIB);
    for _ in 0..20 {
        let read = reader.reads().remove(0);
        reader.deliver(token_refused(read.request_id, 1));
        assert_eq!(reader.reattach(), (false, true));
        reader.one_question();
        let read = reader.reads().remove(0);
        reader.deliver(tail_for(&read, 5_000));
        reader.expect_bytes(5_000);
    }
}

#[test]
fn t02_a_refused_token_is_renewed_once_then_final() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(token_refused(read.request_id, 0));
    assert_eq!(reader.reattach(), (false, true));
    let read = reader.one_read();
    reader.deliver(token_refused(read.request_id, 0));
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Unauthorized { .. }
    ));
}

#[test]
fn t80_a_second_refusal_by_offset_is_made_sure_of() {
    // The offset may be that of another session on the same connection. A question has an id of its own.
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(token_refused(read.offset, 0));
    assert_eq!(reader.reattach(), (false, true));
    let read = reader.one_read();
    reader.deliver(token_refused(read.offset, 0));
    let question = reader.one_question();
    assert!(reader.sent.is_empty());
    reader.deliver(token_refused(question.request_id, 0));
    assert!(matches!(
        reader.expect_failure(),
        ReadFailure::Unauthorized { .. }
    ));

    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(token_refused(read.offset, 0));
    reader.reattach();
    let read = reader.one_read();
    reader.deliver(token_refused(read.offset, 0));
    let question = reader.one_question();
    reader.deliver(info(&question, 0, 10));
    let again = reader.one_read();
    reader.deliver(tail_for(&again, 10));
    reader.expect_bytes(10);
    // The read that was taken for refused is answered after all.
    reader.deliver(tail_for(&read, 10));
    assert_eq!(reader.session.stats().stale_replies, 1);
}

#[test]
fn a7_an_error_message_is_tried_again_and_then_final_and_shown_escaped() {
    let policy = BackoffPolicy::default();
    let mut reader = Reader::reading(ReadOptions::default().with_backoff(policy));
    for _ in 0..5 {
        let read = reader.one_read();
        reader.deliver(error_message(&read, "\u{1b}[31mno"));
        assert!(detached(&mut reader));
        reader.reattach();
    }
    let read = reader.one_read();
    reader.deliver(error_message(&read, "\u{1b}[31mno"));
    let failure = reader.expect_failure();
    assert!(matches!(failure, ReadFailure::Refused { .. }));
    assert!(!failure.to_string().contains('\u{1b}'));
}

#[test]
fn a_flow_offered_after_the_failure_is_given_back() {
    let mut reader = Reader::reading(ReadOptions::default());
    let read = reader.one_read();
    reader.deliver(crate::reader::no_such_segment(&read));
    reader.events.clear();
    reader.attach_anyway();
    assert!(detached(&mut reader) && reader.sent.is_empty());
}
