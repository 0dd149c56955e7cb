//! Lost connections, wrong hosts, and exactly once all the same.

use std::time::Duration;

use pravega_segment_session::{
    AppendEvent, AppendFailureKind, AppendOptions, AttachFailure, AttachFailureKind, Certainty,
    Disconnect, ProtocolViolation, WriteMode,
};

use crate::support::script::{Script, sent, sent_plain};

/// Three plain blocks in flight.
pub(crate) fn three_in_flight() -> Script {
    let mut script = Script::shared();
    script.session.attach(script.now);
    script.open(0);
    for block in [&b"aaaa"[..], b"bb", b"c"] {
        script.submit(block);
        script.session.flush(script.now);
        assert_eq!(script.sent().len(), 1);
    }
    script.events();
    script
}

#[test]
fn n01_what_did_not_arrive_is_sent_again_unchanged() {
    let mut script = three_in_flight();
    script.lose();
    script.needs_later(false, false);
    script.open(0);
    assert_eq!(
        script.sent(),
        [
            sent_plain(1, b"aaaa"),
            sent_plain(2, b"bb"),
            sent_plain(3, b"c")
        ]
    );
    assert_eq!(script.session.stats().blocks_resent, 3);
    assert_eq!(script.session.stats().reconnects, 1);
}

#[test]
fn n02_the_session_of_the_protocol_text() {
    let mut script = three_in_flight();
    script.ack(1, 0, 4);
    script.lose();
    script.needs_later(false, false);
    script.open(2);
    assert_eq!(script.session.durable(), 6, "a setup reply is an ack");
    assert_eq!(script.sent(), [sent_plain(3, b"c")]);
    script.ack(3, 2, 7);
    assert_eq!(
        (script.session.durable(), script.session.durable_offset()),
        (7, 7)
    );
}

#[test]
fn t30_setup_acknowledges_nothing_some_all() {
    for (stored, durable) in [(0, 0), (1, 4), (2, 6), (3, 7)] {
        let mut script = three_in_flight();
        script.lose();
        script.wait();
        script.open(stored);
        assert_eq!(script.session.durable(), durable);
        let rest: Vec<i64> = script.sent().iter().map(|block| block.number).collect();
        assert_eq!(rest, (stored + 1..=3).collect::<Vec<_>>());
    }
}

#[test]
fn t30_setup_acknowledges_more_than_was_sent() {
    let mut script = three_in_flight();
    script.lose();
    script.wait();
    script.attach();
    let violation = script.reply(script.setup_reply(4)).unwrap_err();
    assert_eq!(
        violation,
        ProtocolViolation::SetupBeyondSent { number: 4, sent: 3 }
    );
    assert!(!script.session.is_attached());
    script.needs_later(false, false);
    script.open(3);
    assert_eq!(script.session.durable(), 7);
}

#[test]
fn p05_a_setup_reply_doubled_or_for_another_writer_or_segment() {
    let mut script = three_in_flight();
    assert_eq!(
        script.reply(script.setup_reply(0)),
        Err(ProtocolViolation::UnaskedSetup)
    );
    script.needs_later(false, false);
    script.attach();
    let mut other = script.setup_reply(0);
    other.writer_id = pravega_client_shared::WriterId::from_wire(9);
    assert!(matches!(
        script.reply(other),
        Err(ProtocolViolation::OtherWriter { .. })
    ));
    script.needs_later(false, false);
    script.attach();
    let mut other = script.setup_reply(0);
    other.segment = "scope/stream/1.#epoch.0".into();
    assert!(matches!(
        script.reply(other),
        Err(ProtocolViolation::OtherSegment { .. })
    ));
}

#[test]
fn p06_a_setup_number_below_an_ack_is_data_loss() {
    for stored in [0, 1] {
        let mut script = three_in_flight();
        script.ack(2, 0, 6);
        script.lose();
        script.wait();
        script.attach();
        script.reply(script.setup_reply(stored)).unwrap();
        let failure = script.failed_with(&AppendFailureKind::DataLoss { acked: 2, stored });
        assert_eq!(failure.certainty(), Certainty::Indeterminate);
        assert_eq!(failure.unacked(), 6..7);
        assert!(matches!(
            script.events()[..],
            [
                AppendEvent::Detach { close: false },
                AppendEvent::Acked { durable: 6 },
                AppendEvent::Failed(_)
            ]
        ));
        assert!(script.sent().is_empty(), "nothing is sent again");
    }
}

#[test]
fn t31_invalid_event_number_during_a_resend_is_no_failure() {
    let mut script = Script::exclusive();
    script.submit(b"slow");
    script.open(0);
    script.sent();
    script.lose();
    script.needs_later(false, false);
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"slow")]);
    // The first copy was stored after the setup was answered.
    script.reply(script.invalid_number(1)).unwrap();
    assert!(script.session.failure().is_none());
    let events = script.events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, AppendEvent::Detach { close: true }))
    );
    script.needs_later(false, false);
    script.open(1);
    assert_eq!(script.session.durable(), 4);
    assert!(script.sent().is_empty());
}

#[test]
fn t32_a_setup_refused_for_ever_is_terminal_after_a_few() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    let mut setups = 0;
    while script.session.failure().is_none() {
        assert!(setups < 20);
        if setups > 0 {
            script.wait();
        }
        script.needs(false, false);
        script.attach();
        setups += 1;
        script.reply(script.error_message()).unwrap();
    }
    assert_eq!(setups, AppendOptions::default().max_setup_failures);
    let failure = script.failure();
    let AppendFailureKind::Refused { reason } = failure.kind() else {
        panic!("{failure:?}");
    };
    assert_eq!(reason.len(), 200, "a peer's text is shortened");
    assert_eq!(
        failure.certainty(),
        Certainty::Definite,
        "no block was ever sent"
    );
    assert_eq!(script.session.poll_timeout(), None);
}

#[test]
fn t32_no_such_segment_and_sealed_at_setup_are_terminal_at_once() {
    let mut missing = Script::exclusive();
    missing.submit(b"x");
    missing.attach();
    missing.reply(missing.no_such_segment()).unwrap();
    missing.failed_with(&AppendFailureKind::NoSuchSegment);
    let mut sealed = Script::exclusive();
    sealed.submit(b"x");
    sealed.attach();
    sealed.reply(sealed.sealed(-1)).unwrap();
    let failure = sealed.failed_with(&AppendFailureKind::Sealed);
    assert_eq!(failure.certainty(), Certainty::Definite);
}

#[test]
fn t33_a_peer_that_accepts_and_closes_is_not_called_without_pauses() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    let (start, hour) = (script.now, Duration::from_secs(3_600));
    let mut attempts = 0_u32;
    let mut pauses = Vec::new();
    script.needs(false, false);
    while script.now - start < hour {
        attempts += 1;
        // It even answers the setup: only an ack shows that the peer is well.
        script.open(0);
        script.sent();
        script.lose();
        let before = script.now;
        script.wait();
        pauses.push(script.now - before);
        script.events();
    }
    assert!(pauses[0] < Duration::from_millis(20), "{:?}", pauses[0]);
    assert!(pauses[1] >= Duration::from_millis(50));
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(10)));
    let long = pauses
        .iter()
        .skip(10)
        .all(|pause| *pause >= Duration::from_secs(5));
    assert!(long, "the pauses have grown and stay long");
    assert!(attempts < 740, "{attempts} attempts in an hour");
    assert!(script.session.failure().is_none());
}

#[test]
fn s01_a_store_that_only_loses_connections_may_not_have_the_segment_any_more() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    script.open(0);
    script.sent();
    // It may have been a moment's trouble; the second time the controller is asked.
    for relocate in [false, true, true] {
        script.lose();
        script.needs_later(relocate, false);
        script.open(0);
        script.sent();
    }
    script.ack(1, 0, 1);
    script.submit(b"y");
    script.lose();
    script.needs_later(false, false);
    script.open(1);
    script
        .session
        .handle_disconnected(script.now, Disconnect::Silent);
    script.needs_later(true, false);
}

#[test]
fn n09_an_ack_makes_the_next_attempt_immediate_again() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    for _ in 0..12 {
        script.open(0);
        script.sent();
        script.lose();
        script.wait();
    }
    script.open(0);
    script.sent();
    script.ack(1, 0, 1);
    script.submit(b"y");
    script.lose();
    assert!(script.wait() < Duration::from_millis(20));
    // A setup that acknowledges something counts as well.
    script.open(1);
    script.sent();
    script.lose();
    assert!(script.wait() < Duration::from_millis(200));
    script.open(2);
    script.submit(b"z");
    script.lose();
    assert!(script.wait() < Duration::from_millis(20));
}

#[test]
fn t34_wrong_host_twice_then_right() {
    let mut script = three_in_flight();
    for _ in 0..2 {
        script.reply(script.wrong_host()).unwrap();
        let events = script.events();
        assert!(
            matches!(events[0], AppendEvent::Detach { close: false }),
            "{events:?}"
        );
        script.needs_later(true, false);
        script.attach();
    }
    script.setup(0);
    assert_eq!(script.sent().len(), 3);
    script.ack(3, 0, 7);
    assert_eq!(script.session.durable(), 7);
    script.submit(b"d");
    script.lose();
    script.needs_later(false, false);
}

#[test]
fn an_idle_session_that_loses_its_connection_stays_detached() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.open(0);
    script.events();
    script
        .session
        .handle_disconnected(script.now, Disconnect::Released);
    assert!(script.events().is_empty());
    assert_eq!(script.session.poll_timeout(), None);
    script.now += Duration::from_secs(1);
    script.submit(b"x");
    script.needs(false, false);
}

#[test]
fn an_unreachable_store_is_located_again_and_tried_for_ever() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    script.needs(false, false);
    for _ in 0..1_000 {
        let failure = AttachFailure::new(AttachFailureKind::Unreachable);
        script.session.handle_attach_failed(script.now, &failure);
        script.needs_later(true, false);
    }
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"x")]);
}

#[test]
fn attempts_that_cannot_succeed_end_the_session() {
    let cases = [
        (
            AttachFailureKind::NoSuchSegment,
            AppendFailureKind::NoSuchSegment,
        ),
        (
            AttachFailureKind::Unauthorized,
            AppendFailureKind::Unauthorized,
        ),
        (AttachFailureKind::Rejected, AppendFailureKind::Unattachable),
    ];
    for (kind, expected) in cases {
        let mut script = three_in_flight();
        script.submit(b"queued");
        script.lose();
        script.needs_later(false, false);
        let cause = std::sync::Arc::new(std::fmt::Error);
        let failure = AttachFailure::with_cause(kind, cause);
        script.session.handle_attach_failed(script.now, &failure);
        let failure = script.failed_with(&expected);
        assert!(std::error::Error::source(&failure).is_some());
        assert_eq!((failure.unacked(), failure.doubtful()), (0..13, 0..7));
        assert_eq!(failure.certainty_of(&(7..13)), Certainty::Definite);
        script.events();
        script.session.handle_attached(
            script.now,
            pravega_client_shared::FlowId::new(99).unwrap(),
            script.token.clone(),
        );
        assert!(
            matches!(script.events()[..], [AppendEvent::Detach { .. }]),
            "a late flow is let go"
        );
        assert_eq!(script.session.poll_transmit(), None);
    }
}

#[test]
fn bytes_accepted_while_detached_follow_what_is_sent_again() {
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let mut script = Script::new(AppendOptions::default().with_mode(mode));
        script.submit(b"a");
        script.open(0);
        script.sent();
        script.lose();
        script.submit(b"b");
        script.session.flush(script.now);
        script.wait();
        script.open(0);
        let numbers: Vec<i64> = script.sent().iter().map(|block| block.number).collect();
        match mode {
            WriteMode::Exclusive => assert_eq!(numbers, [1]),
            _ => assert_eq!(numbers, [1, 2]),
        }
    }
}
