//! What acks say, and what they cannot say.

use pravega_segment_session::{AppendEvent, ProtocolViolation};

use crate::{reconnect::three_in_flight, support::script::Script};

#[test]
fn p09_an_ack_that_leaves_a_gap_lets_the_next_setup_decide() {
    let mut script = three_in_flight();
    script.ack(3, 2, 7);
    assert_eq!(
        script.session.durable(),
        0,
        "the ack before this one was never seen"
    );
    assert!(matches!(
        script.events()[0],
        AppendEvent::Detach { close: true }
    ));
    script.needs_later(false, false);
    script.open(3);
    assert_eq!(script.session.durable(), 7);
    assert!(script.session.failure().is_none());
}

#[test]
fn acks_are_cumulative() {
    let mut script = three_in_flight();
    script.ack(2, 0, 6);
    assert_eq!(script.session.durable(), 6);
    script.ack(3, 2, 7);
    assert_eq!(script.session.durable(), 7);
}

#[test]
fn t35_acks_twice_lower_and_for_another_writer() {
    let mut script = three_in_flight();
    script.ack(2, 0, 6);
    script.ack(2, 0, 6);
    script.ack(1, 0, 4);
    assert_eq!(script.session.durable(), 6);
    assert_eq!(script.session.stats().ignored_replies, 2);
    let mut other = script.ack_reply(3, 2, 7);
    other.writer_id = pravega_client_shared::WriterId::from_wire(9);
    assert!(matches!(
        script.reply(other),
        Err(ProtocolViolation::OtherWriter { .. })
    ));
    assert_eq!(script.session.durable(), 6);
}

#[test]
fn p08_an_ack_above_the_highest_sent_is_a_violation() {
    for number in [4, 1_000, i64::MAX] {
        let mut script = three_in_flight();
        let violation = script.reply(script.ack_reply(number, 0, 7)).unwrap_err();
        assert_eq!(
            violation,
            ProtocolViolation::AckNotInFlight { number, sent: 3 }
        );
        script.needs_later(false, false);
    }
    let mut idle = Script::exclusive();
    idle.session.attach(idle.now);
    idle.open(0);
    assert!(
        idle.reply(idle.ack_reply(1, 0, 7)).is_err(),
        "an ack for nothing"
    );
}

#[test]
fn p08_a_block_not_yet_sent_again_cannot_be_acknowledged_here() {
    let mut script = three_in_flight();
    script.lose();
    script.wait();
    script.open(0);
    let violation = script.reply(script.ack_reply(1, 0, 4)).unwrap_err();
    assert_eq!(
        violation,
        ProtocolViolation::AckNotInFlight { number: 1, sent: 0 }
    );
}

#[test]
fn an_ack_must_end_where_the_block_ends() {
    for actual in [0, 4, 6, i64::MAX, -2, i64::MIN] {
        let mut script = Script::exclusive();
        script.submit(b"12345");
        script.open(0);
        script.sent();
        let violation = script.reply(script.ack_reply(1, 0, actual)).unwrap_err();
        assert_eq!(
            violation,
            ProtocolViolation::AckOffset {
                expected: 5,
                actual
            }
        );
    }
    let mut absent = Script::exclusive();
    absent.submit(b"12345");
    absent.open(0);
    absent.sent();
    absent.ack(1, 0, -1);
    assert_eq!(absent.session.durable_offset(), 5);
    let mut shared = Script::shared();
    shared.submit(b"12345");
    shared.open(0);
    shared.sent();
    shared.ack(1, 0, 5);
    shared.submit(b"6");
    shared.sent();
    assert!(
        shared.reply(shared.ack_reply(2, 1, 5)).is_err(),
        "a segment does not shrink"
    );
}

#[test]
fn replies_of_an_earlier_setup_are_ignored() {
    let mut script = three_in_flight();
    let old = [
        script.ack_reply(3, 0, 7).into(),
        script.condition_failed(1).into(),
    ];
    script.lose();
    script.wait();
    script.attach();
    for reply in old {
        let reply: pravega_wire_protocol::Reply = reply;
        script.reply(reply.clone()).unwrap();
        assert_eq!(script.session.durable(), 0);
    }
    script.setup(3);
    assert_eq!(script.session.durable(), 7);
}
