//! Sealed, deleted and unsupported: what is stored and what is not.

use pravega_segment_session::{
    AppendEvent, AppendFailureKind, Certainty, Disconnect, Fate, WriteMode,
};
use pravega_wire_protocol::OperationUnsupported;

use crate::support::script::{SEGMENT, Script};

fn two_in_flight() -> Script {
    let mut script = Script::shared();
    script.session.attach(script.now);
    script.open(0);
    for block in [&b"aaaa"[..], b"bb"] {
        script.submit(block);
        script.session.flush(script.now);
        assert_eq!(script.sent().len(), 1);
    }
    script.submit(b"queued");
    script.events();
    script
}

#[test]
fn t68_sealed_with_blocks_in_flight() {
    let mut script = two_in_flight();
    script.ack(1, 0, 4);
    script.reply(script.sealed(2)).unwrap();
    assert!(script.session.failure().is_none(), "one more setup decides");
    script.expect_setup();
    script.setup(1);
    let failure = script.failed_with(&AppendFailureKind::Sealed);
    assert_eq!(
        (failure.unacked(), failure.certainty()),
        (4..12, Certainty::Definite)
    );
    assert!(matches!(script.session.fate(&(0..4)), Fate::Durable));
    assert!(matches!(script.session.fate(&(4..6)), Fate::Failed(_)));
    assert!(
        script
            .events()
            .iter()
            .any(|event| matches!(event, AppendEvent::Detach { .. }))
    );
}

#[test]
fn s02_the_setup_after_the_seal_tells_what_made_it() {
    let mut script = two_in_flight();
    script.lose();
    script.wait();
    script.open(0);
    assert_eq!(script.sent().len(), 2);
    // The copies of the first connection landed between the setup and the seal.
    script.reply(script.sealed(1)).unwrap();
    script.reply(script.sealed(2)).unwrap();
    script.expect_setup();
    script.setup(2);
    let failure = script.failed_with(&AppendFailureKind::Sealed);
    assert_eq!(
        (failure.unacked(), failure.certainty()),
        (6..12, Certainty::Definite)
    );
    assert_eq!(script.session.durable(), 6);
}

#[test]
fn s02_everything_in_flight_was_stored_before_the_seal() {
    let mut script = Script::shared();
    script.submit(b"abc");
    script.open(0);
    script.sent();
    script.lose();
    script.wait();
    script.open(0);
    script.sent();
    script.reply(script.sealed(1)).unwrap();
    script.expect_setup();
    script.setup(1);
    let failure = script.failed_with(&AppendFailureKind::Sealed);
    assert!(failure.unacked().is_empty());
    assert!(matches!(script.session.fate(&(0..3)), Fate::Durable));
}

#[test]
fn s02_the_verdict_survives_a_lost_connection() {
    let mut script = two_in_flight();
    script.reply(script.sealed(1)).unwrap();
    script.expect_setup();
    script.lose();
    script.needs_later(false, false);
    script.attach();
    script.setup(1);
    let failure = script.failed_with(&AppendFailureKind::Sealed);
    assert_eq!(
        (failure.unacked(), failure.certainty()),
        (4..12, Certainty::Definite)
    );
}

#[test]
fn s02_without_a_verdict_only_blocks_with_one_refused_copy_are_definite() {
    let mut once = two_in_flight();
    once.reply(once.sealed(1)).unwrap();
    once.expect_setup();
    once.reply(once.sealed(-1)).unwrap();
    let failure = once.failed_with(&AppendFailureKind::Sealed);
    assert_eq!(failure.certainty(), Certainty::Definite);

    let mut twice = two_in_flight();
    twice.lose();
    twice.wait();
    twice.open(0);
    twice.sent();
    twice.reply(twice.sealed(1)).unwrap();
    twice.expect_setup();
    twice.reply(twice.no_such_segment()).unwrap();
    let failure = twice.failed_with(&AppendFailureKind::NoSuchSegment);
    assert_eq!(
        (failure.doubtful(), failure.certainty_of(&(6..12))),
        (0..6, Certainty::Definite)
    );
}

#[test]
fn s02_a_copy_on_an_earlier_connection_is_not_settled_by_a_refusal_on_this_one() {
    let mut script = two_in_flight();
    script.lose();
    script.wait();
    script.open(0);
    // Only the first block goes out again before the refusal comes.
    assert!(script.session.poll_transmit().is_some());
    script.reply(script.sealed(1)).unwrap();
    script.expect_setup();
    script.reply(script.no_such_segment()).unwrap();
    let failure = script.failed_with(&AppendFailureKind::NoSuchSegment);
    assert_eq!(failure.certainty_of(&(4..6)), Certainty::Indeterminate);
}

#[test]
fn t68_a_seal_seen_elsewhere_ends_an_idle_session() {
    let mut script = Script::exclusive();
    script.submit(b"abc");
    script.open(0);
    script.sent();
    script.ack(1, 0, 3);
    script.session.note_sealed(script.now);
    let failure = script.failed_with(&AppendFailureKind::Sealed);
    assert!(failure.unacked().is_empty());
    assert!(matches!(script.session.fate(&(0..3)), Fate::Durable));
}

#[test]
fn s02_a_seal_seen_elsewhere_makes_the_setup_under_way_worthless() {
    let mut script = two_in_flight();
    script.lose();
    script.wait();
    script.attach();
    let early = script.setup_reply(0);
    script.session.note_sealed(script.now);
    script.expect_setup();
    script.reply(early).unwrap();
    assert!(script.session.failure().is_none());
    script.setup(2);
    assert_eq!(script.session.durable(), 6);
    script.failed_with(&AppendFailureKind::Sealed);
}

#[test]
fn t69_s04_a_deleted_segment_is_terminal() {
    let mut script = two_in_flight();
    script.reply(script.no_such_segment()).unwrap();
    let failure = script.failed_with(&AppendFailureKind::NoSuchSegment);
    assert_eq!(
        (failure.unacked(), failure.certainty()),
        (0..12, Certainty::Definite)
    );
    // Nothing that comes later changes it.
    script.events();
    script.reply(script.no_such_segment()).unwrap();
    script.reply(script.ack_reply(1, 0, 4)).unwrap();
    script
        .session
        .handle_disconnected(script.now, Disconnect::Lost);
    script.session.handle_timeout(script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.session.durable(), 0);
}

#[test]
fn an_unsupported_append_is_terminal() {
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let mut script =
            Script::new(pravega_segment_session::AppendOptions::default().with_mode(mode));
        script.submit(b"x");
        script.open(0);
        script.sent();
        let mut reply = OperationUnsupported {
            request_id: script.ack_reply(1, 0, 0).request_id,
            operation_name: "appending data".to_owned(),
            server_stack_trace: SEGMENT.to_owned(),
        };
        script.reply(reply.clone()).unwrap();
        script.failed_with(&AppendFailureKind::Unsupported);
        reply.request_id = 0;
        script.reply(reply).unwrap();
    }
}
