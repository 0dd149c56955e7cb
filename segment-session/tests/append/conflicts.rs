//! Failed conditions, and the way out of them.

use pravega_segment_session::{
    AppendEvent, AppendFailureKind, AppendOptions, Certainty, Fate, ProtocolViolation, ResyncError,
};

use crate::support::script::{Script, sent};

fn conflict(expected: u64) -> AppendFailureKind {
    AppendFailureKind::Conflict {
        expected,
        actual: None,
    }
}

#[test]
fn t19_the_loser_learns_where_its_bytes_were_to_be() {
    let mut script = Script::exclusive();
    script.session.resync(160).unwrap();
    script.submit(&[1; 40]);
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 160, &[1; 40])]);
    script.ack(1, 0, 200);
    script.submit(&[2; 40]);
    script.sent();
    script.reply(script.condition_failed(2)).unwrap();
    let failure = script.failed_with(&conflict(200));
    assert_eq!(
        (failure.unacked(), failure.certainty()),
        (40..80, Certainty::Definite)
    );
    assert!(failure.is_conflict() && !failure.is_retryable());
    assert!(
        script
            .events()
            .iter()
            .any(|event| matches!(event, AppendEvent::Failed(_)))
    );
    script.session.note_tail(208);
    let actual = Some(208);
    script.failed_with(&AppendFailureKind::Conflict {
        expected: 200,
        actual,
    });
}

#[test]
fn t20_after_a_resync_the_loser_goes_on_behind_the_winner() {
    let mut script = Script::exclusive();
    script.submit(b"mine");
    script.open(0);
    script.sent();
    script.reply(script.condition_failed(1)).unwrap();
    let resynced = script.session.resync(8).unwrap();
    assert_eq!((resynced.tail, resynced.discarded), (8, 0..4));
    assert_eq!(
        (script.session.position(), script.session.durable_offset()),
        (8, 8)
    );
    assert!(script.session.failure().is_none());
    let again = script.submit(b"mine");
    assert_eq!(
        script.sent(),
        [sent(2, 8, b"mine")],
        "a new number on the same connection"
    );
    script.ack(2, 0, 12);
    assert!(matches!(script.session.fate(&again), Fate::Durable));
    assert!(matches!(script.session.fate(&(0..4)), Fate::Failed(_)));
    assert_eq!(script.session.durable_offset(), 12);
}

#[test]
fn t21_everything_in_and_behind_the_failed_block_fails_definite() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.open(0);
    let before = script.submit(b"stored");
    script.sent();
    let receipts: Vec<_> = (0..5).map(|_| script.submit(b"block")).collect();
    script.ack(1, 0, 6);
    assert_eq!(script.sent().len(), 1);
    let behind: Vec<_> = (0..5).map(|_| script.submit(b"queued")).collect();
    script.reply(script.condition_failed(2)).unwrap();
    assert!(matches!(script.session.fate(&before), Fate::Durable));
    for receipt in receipts.iter().chain(&behind) {
        let Fate::Failed(failure) = script.session.fate(receipt) else {
            panic!("{receipt:?} did not fail");
        };
        assert_eq!(failure.certainty_of(receipt), Certainty::Definite);
    }
    assert_eq!(script.session.room(), 8 << 20, "what failed takes no room");
    assert_eq!(script.session.resync(11).unwrap().discarded, 6..61);
}

#[test]
fn t22_a_conflict_lasts_until_the_resync() {
    let mut script = Script::exclusive();
    script.submit(b"mine");
    script.open(0);
    script.sent();
    script.reply(script.condition_failed(1)).unwrap();
    script.events();
    for _ in 0..3 {
        assert_eq!(script.refused(b"more").kind(), &conflict(0));
        assert_eq!(script.refused(b"").kind(), &conflict(0));
        script.session.flush(script.now);
        script.session.attach(script.now);
        assert!(script.sent().is_empty() && script.events().is_empty());
    }
    assert!(matches!(
        script.session.start_at(4),
        Err(ResyncError::Terminal { .. })
    ));
}

#[test]
fn s06_after_a_conflict_a_lost_connection_is_not_replaced_before_the_resync() {
    let mut script = Script::exclusive();
    script.submit(b"mine");
    script.open(0);
    script.sent();
    script.reply(script.condition_failed(1)).unwrap();
    script.events();
    script.lose();
    assert_eq!(script.session.poll_timeout(), None);
    script.session.flush(script.now);
    assert!(script.events().is_empty());
    script.session.resync(9).unwrap();
    assert!(script.events().is_empty(), "nothing to send yet");
    script.now += std::time::Duration::from_secs(60);
    script.submit(b"again");
    script.needs(false, false);
    script.open(0);
    assert_eq!(script.sent(), [sent(2, 9, b"again")]);
}

#[test]
fn t24_a_lost_ack_is_no_conflict() {
    let mut script = Script::exclusive();
    script.submit(b"once");
    script.open(0);
    script.sent();
    script.submit(b"more");
    script.lose();
    script.needs_later(false, false);
    script.open(1);
    assert_eq!(script.session.durable(), 4);
    assert_eq!(
        script.sent(),
        [sent(2, 4, b"more")],
        "sent once, and the next at the right offset"
    );
}

#[test]
fn t27_a_restarted_writer_meets_its_own_last_block() {
    let mut script = Script::exclusive();
    script.session.start_at(100).unwrap();
    assert_eq!(script.session.durable_offset(), 100);
    script.submit(b"next");
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 100, b"next")]);
    script.reply(script.condition_failed(1)).unwrap();
    script.session.note_tail(140);
    script.failed_with(&AppendFailureKind::Conflict {
        expected: 100,
        actual: Some(140),
    });
}

/// A block that was sent on two connections and then fails its condition.
fn resent_block_fails(script: &mut Script) -> Certainty {
    let start = script.session.accepted();
    script.submit(b"twice");
    script.submit(b"");
    if script.session.is_attached() {
        assert_eq!(script.sent().len(), 1);
    } else {
        script.open(0);
        assert_eq!(script.sent().len(), 1);
    }
    let number = i64::try_from(script.session.stats().blocks_sent).unwrap();
    script.lose();
    script.wait();
    script.open(number - 1);
    assert_eq!(script.sent()[0].number, number);
    script.reply(script.condition_failed(number)).unwrap();
    let failure = script.failure();
    assert_eq!(failure.unacked(), start..start + 5);
    failure.certainty()
}

#[test]
fn s08_a_resent_block_fails_definite_only_behind_a_confirmed_tail() {
    let mut at_unknown_offset = Script::exclusive();
    at_unknown_offset.session.start_at(50).unwrap();
    assert_eq!(
        resent_block_fails(&mut at_unknown_offset),
        Certainty::Indeterminate
    );

    let mut behind_noted_tail = Script::exclusive();
    behind_noted_tail.session.start_at(50).unwrap();
    behind_noted_tail.session.note_tail(50);
    assert_eq!(
        resent_block_fails(&mut behind_noted_tail),
        Certainty::Definite
    );

    let mut behind_low_tail = Script::exclusive();
    behind_low_tail.session.start_at(50).unwrap();
    behind_low_tail.session.note_tail(49);
    assert_eq!(
        resent_block_fails(&mut behind_low_tail),
        Certainty::Indeterminate
    );

    let mut behind_an_ack = Script::exclusive();
    behind_an_ack.session.start_at(50).unwrap();
    behind_an_ack.submit(b"first");
    behind_an_ack.open(0);
    behind_an_ack.sent();
    behind_an_ack.ack(1, 0, 55);
    assert_eq!(resent_block_fails(&mut behind_an_ack), Certainty::Definite);
}

#[test]
fn s08_a_tail_seen_after_the_first_copy_proves_nothing() {
    let mut script = Script::exclusive();
    script.session.start_at(50).unwrap();
    script.submit(b"twice");
    script.submit(b"");
    script.open(0);
    script.sent();
    script.session.note_tail(55);
    script.lose();
    script.wait();
    script.open(0);
    script.submit(b"queued");
    script.sent();
    script.reply(script.condition_failed(1)).unwrap();
    let failure = script.failure();
    assert_eq!((failure.unacked(), failure.doubtful()), (0..11, 0..5));
    assert_eq!(
        failure.certainty_of(&(5..11)),
        Certainty::Definite,
        "never sent"
    );
    // The doubtful copy is stored after all; a later setup says so.
    script.session.resync(58).unwrap();
    script.submit(b"on");
    assert_eq!(script.sent(), [sent(2, 58, b"on")]);
    script.reply(script.invalid_number(2)).unwrap();
    script.needs_later(false, false);
    script.open(1);
    assert_eq!(script.sent(), [sent(2, 58, b"on")]);
    script.ack(2, 1, 60);
    assert_eq!(script.session.durable_offset(), 60);
}

#[test]
fn p10_a_condition_of_an_unknown_block_is_a_violation() {
    for number in [0, 2, i64::MAX, i64::MIN] {
        let mut script = Script::exclusive();
        script.submit(b"x");
        script.open(0);
        script.sent();
        let violation = script.reply(script.condition_failed(number)).unwrap_err();
        assert_eq!(
            violation,
            ProtocolViolation::ConditionNotInFlight { number }
        );
        script.needs_later(false, false);
    }
    let mut shared = Script::shared();
    shared.submit(b"x");
    shared.open(0);
    shared.sent();
    assert!(
        shared.reply(shared.condition_failed(1)).is_err(),
        "plain blocks have no condition"
    );
}

#[test]
fn remembered_conflicts_are_bounded_and_never_called_durable() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.open(0);
    let mut receipts = Vec::new();
    for round in 1..=100_i64 {
        receipts.push(script.submit(b"lost"));
        script.sent();
        script.reply(script.condition_failed(round)).unwrap();
        script.session.resync(round.cast_unsigned()).unwrap();
    }
    for receipt in &receipts {
        assert!(matches!(
            script.session.fate(receipt),
            Fate::Failed(_) | Fate::Forgotten
        ));
    }
    assert!(matches!(script.session.fate(&receipts[0]), Fate::Forgotten));
    assert!(matches!(
        script.session.fate(&receipts[99]),
        Fate::Failed(_)
    ));
}

#[test]
fn a_conflict_keeps_its_doubts_when_worse_follows() {
    let mut script = Script::new(AppendOptions::default().with_max_setup_failures(1));
    script.session.start_at(50).unwrap();
    assert_eq!(resent_block_fails(&mut script), Certainty::Indeterminate);
    // An ack for nothing, on the connection that survived the conflict.
    script.reply(script.ack_reply(7, 0, 60)).unwrap_err();
    let failure = script.failure();
    assert!(matches!(failure.kind(), AppendFailureKind::Protocol { .. }));
    assert_eq!(failure.doubtful(), 0..5);
    assert!(matches!(
        script.session.resync(9),
        Err(ResyncError::Terminal { .. })
    ));
}

#[test]
fn what_failed_takes_no_room() {
    let mut script = Script::new(AppendOptions::default().with_max_unacked_bytes(1_000));
    script.submit(&[1; 600]);
    script.open(0);
    script.sent();
    assert!(script.session.room() < 400);
    script.reply(script.condition_failed(1)).unwrap();
    script.session.resync(9).unwrap();
    assert_eq!(script.session.room(), 1_000);
}

#[test]
fn repeated_refusals_do_not_change_a_conflict() {
    let mut script = Script::exclusive();
    script.submit(b"mine");
    script.open(0);
    script.sent();
    script.reply(script.condition_failed(1)).unwrap();
    script.events();
    script.reply(script.sealed(1)).unwrap();
    script.reply(script.no_such_segment()).unwrap();
    script.reply(script.error_message()).unwrap();
    script.failed_with(&conflict(0));
    assert!(script.events().is_empty() && script.session.is_attached());
}
