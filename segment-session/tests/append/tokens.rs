//! Tokens that run out or are refused.

use pravega_client_shared::DelegationToken;
use pravega_segment_session::{AppendFailureKind, Certainty, Disconnect};

use crate::support::script::{Script, sent};

fn with_token() -> Script {
    let mut script = Script::exclusive();
    script.token = DelegationToken::new("a.b.c");
    script
}

#[test]
fn t01_an_unexplained_close_casts_suspicion_on_the_token_once() {
    let mut script = with_token();
    script.submit(b"x");
    script.open(0);
    script.sent();
    script.events();
    script.lose();
    script.needs_later(false, true);
    for _ in 0..5 {
        script.open(0);
        script.sent();
        script.lose();
        // Now the address is suspected.
        script.needs_later(true, false);
    }
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"x")]);
    script.ack(1, 0, 1);
    script.submit(b"y");
    script.lose();
    script.needs_later(false, true);
}

#[test]
fn t01_no_suspicion_without_a_token_or_with_a_reason() {
    let mut empty = Script::exclusive();
    empty.submit(b"x");
    empty.open(0);
    empty.lose();
    empty.needs_later(false, false);
    for why in [
        Disconnect::Silent,
        Disconnect::Released,
        Disconnect::Violation,
    ] {
        let mut script = with_token();
        script.submit(b"x");
        script.open(0);
        script.session.handle_disconnected(script.now, why);
        script.needs_later(why == Disconnect::Silent, false);
    }
}

#[test]
fn t79_an_expired_token_at_setup_is_renewed() {
    let mut script = with_token();
    script.submit(b"x");
    script.attach();
    script.reply(script.token_failed(1)).unwrap();
    script.needs_later(false, true);
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"x")]);
}

#[test]
fn t01_tokens_that_are_always_expired_are_not_renewed_for_ever() {
    let mut script = with_token();
    script.submit(b"x");
    let mut setups = 0;
    while script.session.failure().is_none() {
        if setups > 0 {
            script.needs_later(false, true);
        }
        script.attach();
        script.reply(script.token_failed(1)).unwrap();
        setups += 1;
    }
    assert_eq!(setups, script.session.options().max_setup_failures);
    script.failed_with(&AppendFailureKind::Unauthorized);
}

#[test]
fn t02_a_refused_token_is_renewed_once_and_then_final() {
    let mut script = with_token();
    script.submit(b"x");
    script.attach();
    script.reply(script.token_failed(0)).unwrap();
    script.needs_later(false, true);
    script.attach();
    script.reply(script.token_failed(-1)).unwrap();
    let failure = script.failed_with(&AppendFailureKind::Unauthorized);
    assert_eq!(
        failure.certainty(),
        Certainty::Definite,
        "no block was sent"
    );
}

#[test]
fn t02_what_was_in_flight_when_the_token_was_refused_is_indeterminate() {
    let mut script = with_token();
    script.submit(b"x");
    script.open(0);
    script.sent();
    script.lose();
    script.needs_later(false, true);
    for _ in 0..2 {
        script.attach();
        script.reply(script.token_failed(0)).unwrap();
        script
            .session
            .handle_timeout(script.now + std::time::Duration::from_secs(60));
    }
    let failure = script.failed_with(&AppendFailureKind::Unauthorized);
    assert_eq!(failure.certainty(), Certainty::Indeterminate);
}

#[test]
fn t80_a_token_refusal_that_names_an_offset_is_not_ours() {
    let mut script = with_token();
    script.submit(b"x");
    script.open(0);
    script.sent();
    for request_id in [0, 1, 4_096, i64::MAX] {
        let mut refusal = script.token_failed(0);
        refusal.request_id = request_id;
        script.reply(refusal).unwrap();
    }
    script.ack(1, 0, 1);
    assert_eq!(script.session.durable(), 1);
}

#[test]
fn t79_a_token_accepted_once_may_be_renewed_again_when_it_is_refused_later() {
    let mut script = with_token();
    script.submit(b"x");
    for _ in 0..5 {
        script.attach();
        script.reply(script.token_failed(0)).unwrap();
        script.needs_later(false, true);
        script.open(0);
        script.sent();
        script
            .session
            .handle_disconnected(script.now, Disconnect::Silent);
        script.needs_later(true, false);
    }
}
