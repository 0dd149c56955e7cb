//! Replies that no correct server sends, in any order, at any time.

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendEvent, AppendFailureKind, AppendOptions, AttachFailure, AttachFailureKind, Disconnect,
    ProtocolViolation, ResyncError, SubmitError, WriteMode,
};
use pravega_wire_protocol::{ErrorMessage, Hello, KeepAlive, Reply, SegmentSealed, Unknown};

use crate::support::{
    random::Random,
    script::{SEGMENT, Script},
};

fn odd_number(random: &mut Random) -> i64 {
    match random.below(8) {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => -1,
        3 => random.next().cast_signed(),
        _ => i64::try_from(random.below(6)).unwrap(),
    }
}

fn odd_reply(script: &Script, random: &mut Random) -> Reply {
    let number = odd_number(random);
    let mut reply: Reply = match random.below(14) {
        0 | 1 => script.setup_reply(number).into(),
        2..=4 => {
            let tail = odd_number(random);
            script.ack_reply(number, odd_number(random), tail).into()
        }
        5 => script.condition_failed(number).into(),
        6 => script.invalid_number(number).into(),
        7 if random.one_in(10) => script.sealed(number).into(),
        8 if random.one_in(10) => script.no_such_segment().into(),
        9 => script.wrong_host().into(),
        10 => script.error_message().into(),
        11 => script
            .token_failed(i32::try_from(random.below(4)).unwrap() - 1)
            .into(),
        12 => KeepAlive.into(),
        _ => Hello {
            high_version: 17,
            low_version: 5,
        }
        .into(),
    };
    if let Reply::DataAppended(ack) = &mut reply
        && random.one_in(10)
    {
        ack.writer_id = WriterId::from_wire(9);
    }
    reply
}

#[test]
fn t88_random_replies_in_random_order_never_panic_and_always_settle() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let mode = *random.pick(&[WriteMode::Exclusive, WriteMode::Shared]);
        let mut script = Script::new(AppendOptions::default().with_mode(mode));
        let mut attaching = false;
        for step in 0..120 {
            match random.below(8) {
                0 => {
                    let data = vec![1; random.below(20)];
                    script.session.submit(script.now, &data).ok();
                }
                1 => script.session.flush(script.now),
                2 => script
                    .session
                    .handle_disconnected(script.now, Disconnect::Lost),
                3 if attaching => {
                    attaching = false;
                    if random.one_in(5) {
                        let failure = AttachFailure::new(AttachFailureKind::Unreachable);
                        script.session.handle_attach_failed(script.now, &failure);
                    } else {
                        let flow = FlowId::new(step).unwrap();
                        script.session.handle_attached(
                            script.now,
                            flow,
                            DelegationToken::default(),
                        );
                    }
                }
                4 => {
                    if let Some(until) = script.session.poll_timeout() {
                        script.now = script.now.max(until);
                        script.session.handle_timeout(script.now);
                    }
                }
                5 if script
                    .session
                    .failure()
                    .is_some_and(|failure| failure.is_conflict()) =>
                {
                    script.session.resync(random.next() >> 1).unwrap();
                }
                _ => {
                    let reply = odd_reply(&script, &mut random);
                    script.reply(reply).ok();
                }
            }
            while let Some(request) = script.session.poll_transmit() {
                script.note_request(&request);
            }
            for event in script.events() {
                attaching |= matches!(event, AppendEvent::NeedsAttachment { .. });
            }
            let session = &script.session;
            assert!(session.durable() <= session.sent() && session.sent() <= session.accepted());
            assert!(session.position() >= session.durable_offset());
        }
    }
}

#[test]
fn p02_unknown_and_foreign_replies_close_the_connection() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    script.open(0);
    script.sent();
    let unknown = Unknown {
        code: 4_711,
        body: bytes::Bytes::new(),
    };
    let violation = script.reply(Reply::Unknown(unknown)).unwrap_err();
    assert_eq!(violation, ProtocolViolation::UnknownReply { code: 4_711 });
    script.needs_later(false, false);
    script.open(0);
    script.sent();
    let request_id = script.ack_reply(1, 0, 0).request_id;
    let odd = SegmentSealed {
        request_id,
        segment: SEGMENT.into(),
    };
    let violation = script.reply(odd).unwrap_err();
    assert!(matches!(
        violation,
        ProtocolViolation::UnexpectedReply { .. }
    ));
}

#[test]
fn p02_a_peer_that_always_breaks_the_protocol_ends_the_session() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    let mut violations = 0;
    while script.session.failure().is_none() {
        if violations > 0 {
            script.wait();
        }
        script.open(0);
        script.sent();
        script.reply(script.ack_reply(7, 0, 1)).unwrap_err();
        violations += 1;
        assert!(violations < 20);
    }
    assert_eq!(violations, script.session.options().max_setup_failures);
    let failure = script.failure();
    assert!(matches!(failure.kind(), AppendFailureKind::Protocol { .. }));
    assert!(std::error::Error::source(&failure).is_some());
}

#[test]
fn violations_towards_others_end_a_session_much_later() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    let mut lost = 0;
    while script.session.failure().is_none() {
        if lost > 0 {
            script.wait();
        }
        script.open(0);
        script.sent();
        script
            .session
            .handle_disconnected(script.now, Disconnect::Violation);
        lost += 1;
        assert!(lost < 100);
    }
    assert_eq!(lost, 4 * script.session.options().max_setup_failures);
    let failure = script.failure();
    assert!(matches!(failure.kind(), AppendFailureKind::Refused { .. }));
}

#[test]
fn a7_what_a_store_says_is_cut_and_shown_escaped() {
    let mut script = Script::exclusive();
    script.submit(b"x");
    script.needs(false, false);
    while script.session.failure().is_none() {
        script.attach();
        let refusal = ErrorMessage {
            message: "\u{1b}[2J\n\u{7f}".repeat(1_000),
            ..script.error_message()
        };
        script.reply(refusal).unwrap();
        if script.session.failure().is_none() {
            script.needs_later(false, false);
        }
    }
    let shown = script.failure().to_string();
    assert!(shown.contains("[2J"), "{shown}");
    assert!(!shown.contains(char::is_control), "{shown}");
    assert!(shown.len() < 2_500, "{} bytes", shown.len());
}

#[test]
fn sessions_can_move_between_threads_and_errors_are_small() {
    fn is_send<T: Send + Sync>(_: &T) {}
    is_send(&Script::exclusive().session);
    assert!(size_of::<ProtocolViolation>() <= 128);
    assert!(size_of::<SubmitError>() <= 128);
    assert!(size_of::<ResyncError>() <= 128);
    assert!(size_of::<AppendFailureKind>() <= 128);
}

#[test]
fn an_ack_makes_up_for_refusals() {
    let mut script = Script::exclusive();
    for round in 1..=10 {
        script.submit(b"x");
        for _ in 1..script.session.options().max_setup_failures {
            script.attach();
            script.reply(script.error_message()).unwrap();
            script.wait();
        }
        script.open(round - 1);
        assert_eq!(script.sent().len(), 1);
        script.ack(round, round - 1, round);
    }
}
