//! Where a segment is: stores that cannot be reached, segments that move, controllers that are down.

use std::sync::Arc;

use futures::FutureExt as _;
use pravega_byte_stream::{ReadError, WriteError};
use pravega_wire_protocol::{Request, WrongHost};

use super::Script;
use crate::{
    campaign::Violation,
    proxy::stage::Stage,
    relay::{Fault, Frames, Gate, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("t33_a_store_that_accepts_and_closes", accepts_and_closes),
    Script::new("t33_a_store_that_closes_at_the_hello", closes_at_hello),
    Script::new("n11_the_controller_is_down", controller_down),
    Script::new("n11_the_store_is_down", store_down),
    Script::new("n11_both_are_down", both_down),
    Script::new("k04_the_controller_hangs", controller_hangs),
    Script::new("t34_the_segment_moves", moves),
    Script::new(
        "t34_the_segment_moves_while_the_controller_is_down",
        moves_unseen,
    ),
    Script::new("t34_wrong_host_again_and_again", wrong_hosts),
    Script::new("a08_wrong_host_without_end", wrong_host_without_end),
    Script::new("n08_the_address_refuses", address_refuses),
    Script::new("n08_the_name_has_no_address", name_unknown),
    Script::new("k02_absurd_addresses", absurd_addresses),
];

fn wrong_host() -> Fault {
    Fault::answer_some(|request: &Request| {
        let refusal = WrongHost {
            request_id: request.request_id()?,
            segment: request.segment()?.into(),
            correct_host: String::new(),
            server_stack_trace: String::new(),
        };
        Some(vec![refusal.into()])
    })
}

/// Reopens the doors when so many connections were turned away.
fn accepts_and_closes(stage: &mut Stage) {
    let append = stage.some_append();
    let turned_away = 1 + stage.dice(12);
    stage.at(
        append,
        Some("store accepts and closes"),
        move |relay: Arc<Relay>| {
            let before = relay.connections();
            relay.shut();
            relay.cut_all();
            tokio::spawn(async move {
                relay.accepted(before + turned_away).await;
                relay.reopen();
            });
            async {}.boxed()
        },
    );
}

fn closes_at_hello(stage: &mut Stage) {
    let hellos = Frames::requests().named("Hello").nth(1 + stage.dice(4));
    let hellos = hellos.times(1 + stage.dice(12));
    let fault = match stage.dice(2) {
        0 => Fault::SwallowAndCut,
        _ => Fault::CutAfter,
    };
    stage.arm("store closes at the hello", hellos, fault);
    stage.cut_sometimes(2);
}

/// What is known of addresses and tokens is enough to go on.
fn controller_down(stage: &mut Stage) {
    let append = stage.some_append();
    stage.at_once(append, Some("controller down"), |relay| {
        relay.set_controller_down(true)
    });
    let later = append.saturating_add(u32::try_from(stage.dice(20)).unwrap_or_default());
    stage.at_once(later, Some("all connections cut"), Relay::cut_all);
    stage.cut_sometimes(2);
}

fn store_down(stage: &mut Stage) {
    let append = stage.some_append();
    stage.at_once(append, Some("store down"), |relay| {
        relay.shut();
        relay.cut_all();
    });
    stage.expect_timeouts(Relay::reopen);
}

fn both_down(stage: &mut Stage) {
    let append = stage.some_append();
    stage.at_once(append, Some("store and controller down"), |relay| {
        relay.shut();
        relay.cut_all();
        relay.set_controller_down(true);
    });
    stage.expect_timeouts(|relay| {
        relay.reopen();
        relay.set_controller_down(false);
    });
}

fn controller_hangs(stage: &mut Stage) {
    let append = stage.some_append();
    let gate: Gate = stage.gate();
    let held = gate.clone();
    stage.at_once(append, Some("controller hangs"), move |relay| {
        relay.hold_controller(Some(held));
        relay.move_segments();
    });
    stage.expect_timeouts(move |relay| {
        relay.hold_controller(None);
        gate.open();
    });
}

fn moves(stage: &mut Stage) {
    for _ in 0..=stage.dice(6) {
        let append = stage.some_append();
        stage.at_once(append, Some("segment moved"), Relay::move_segments);
    }
}

fn moves_unseen(stage: &mut Stage) {
    let append = stage.some_append();
    stage.at_once(append, Some("segment moved, controller down"), |relay| {
        relay.set_controller_down(true);
        relay.move_segments();
    });
    stage.expect_timeouts(|relay| relay.set_controller_down(false));
}

fn wrong_hosts(stage: &mut Stage) {
    let names = ["SetupAppend", "ReadSegment", "GetStreamSegmentInfo"];
    for name in names {
        let frames = Frames::requests().named(name).nth(1 + stage.dice(3));
        let frames = frames.times(1 + stage.dice(6));
        stage.arm("wrong host again and again", frames, wrong_host());
    }
    stage.cut_sometimes(2);
}

/// A false store or controller that sends everybody round in circles costs one attempt for each pause.
fn wrong_host_without_end(stage: &mut Stage) {
    let setups = Frames::requests()
        .named("SetupAppend")
        .nth(2)
        .times(u64::MAX);
    let refused = stage.arm("wrong host without end", setups, wrong_host());
    let append = stage.some_append();
    stage.at_once(append, Some("all connections cut"), Relay::cut_all);
    let endless = refused.clone();
    stage.expect_timeouts(move |_| endless.disarm());
    stage.check_at_the_end(move || {
        let times = refused.strikes();
        match times > MOST_CIRCLES {
            true => Err(Violation::broken(format!("{times} times round in circles"))),
            false => Ok(()),
        }
    });
}

/// Far above what pauses of 1 to 20 ms allow in a call of 60 ms, and far below what a loop without pauses does.
const MOST_CIRCLES: u64 = 100;

/// The controller names another place for as long as it takes to be asked so many times.
fn named_elsewhere(stage: &mut Stage, name: &'static str, host: &'static str, port: i32) {
    let append = stage.some_append();
    let times = 1 + stage.dice(3);
    stage.at(append, Some(name), move |relay: Arc<Relay>| {
        relay.name_another_host(host, port);
        relay.move_segments();
        let before = relay.questions();
        tokio::spawn(async move {
            relay.asked(before + times).await;
            relay.name_the_doors();
        });
        async {}.boxed()
    });
}

fn address_refuses(stage: &mut Stage) {
    // Port 1 of this machine: privileged, and served by nobody.
    named_elsewhere(stage, "address refuses", "127.0.0.1", 1);
}

fn name_unknown(stage: &mut Stage) {
    // A name that no resolver has, by the rules for names.
    named_elsewhere(stage, "name without address", "store.invalid", 12_345);
    stage.expect_timeouts(|_| {});
}

fn absurd_addresses(stage: &mut Stage) {
    let absurd = [
        ("", 12_345),
        ("127.0.0.1", 0),
        ("127.0.0.1", 70_000),
        ("127.0.0.1", -1),
        ("not a host name", 12_345),
        ("\u{1b}[2J", 12_345),
    ];
    let chosen = usize::try_from(stage.dice(6)).unwrap_or_default();
    let (host, port) = absurd.get(chosen).copied().unwrap_or_default();
    named_elsewhere(stage, "absurd address", host, port);
    stage.allowed.write = |error| {
        matches!(
            error,
            WriteError::Broken { .. } | WriteError::Segment { .. }
        )
    };
    stage.allowed.read =
        |error| matches!(error, ReadError::Broken { .. } | ReadError::Asking { .. });
    stage.expect_timeouts(|_| {});
}
