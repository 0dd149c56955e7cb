//! What a store can say to the setup of a writer.
//!
//! A number that is too low, but not below an ack, is not among it: nobody can tell it from the truth, and a store
//! that is sent its last number again stores the bytes twice without a word.

use pravega_byte_stream::WriteError;
use pravega_client_shared::WriterId;
use pravega_wire_protocol::{AppendSetup, Reply};

use super::Script;
use crate::{
    proxy::stage::Stage,
    relay::{Fault, Frames, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("p05_a_setup_answered_twice", twice),
    Script::new("p05_a_setup_for_another_writer", other_writer),
    Script::new("p05_a_setup_for_another_segment", other_segment),
    Script::new("t30_a_setup_beyond_what_was_sent", beyond_sent),
    Script::new("p06_a_setup_below_the_acked", below_acked),
];

/// Setup replies, one of the first or one behind a cut.
fn setups(stage: &mut Stage, name: &'static str, change: fn(&AppendSetup) -> Vec<Reply>) {
    stage.cut_sometimes(3);
    let frames = Frames::replies().named("AppendSetup");
    let frames = frames.nth(1 + stage.dice(3)).times(1 + stage.dice(3));
    let fault = Fault::replace(move |reply| match reply {
        Reply::AppendSetup(setup) => Some(change(setup)),
        _ => None,
    });
    stage.arm(name, frames, fault);
}

fn twice(stage: &mut Stage) {
    setups(stage, "setup answered twice", |setup| {
        vec![setup.clone().into(), setup.clone().into()]
    });
}

fn other_writer(stage: &mut Stage) {
    setups(stage, "setup of another writer", |setup| {
        let writer_id = WriterId::from_wire(setup.writer_id.as_u128() ^ 1);
        let setup = AppendSetup {
            writer_id,
            ..setup.clone()
        };
        vec![setup.into()]
    });
}

fn other_segment(stage: &mut Stage) {
    setups(stage, "setup of another segment", |setup| {
        let segment = "another/stream/0.#epoch.0".into();
        let setup = AppendSetup {
            segment,
            ..setup.clone()
        };
        vec![setup.into()]
    });
}

fn beyond_sent(stage: &mut Stage) {
    setups(stage, "setup beyond what was sent", |setup| {
        let setup = AppendSetup {
            last_event_number: setup.last_event_number.max(0) + 1_000,
            ..setup.clone()
        };
        vec![setup.into()]
    });
}

/// The store has lost what it had acknowledged: nothing is sent again.
fn below_acked(stage: &mut Stage) {
    stage.is_lockstep = true;
    let append = stage.some_append();
    let last_event_number = match stage.dice(3) {
        0 => i64::MIN,
        1 => 0,
        _ => i64::from(append) - 2,
    };
    let frames = Frames::replies()
        .named("AppendSetup")
        .nth(2)
        .times(u64::MAX);
    let fault = Fault::replace(move |reply| match reply {
        Reply::AppendSetup(setup) => {
            let setup = AppendSetup {
                last_event_number,
                ..setup.clone()
            };
            Some(vec![setup.into()])
        }
        _ => None,
    });
    stage.arm("setup below the acked", frames, fault);
    stage.at_once(append, Some("all connections cut"), Relay::cut_all);
    stage.allowed.write = |error| matches!(error, WriteError::Broken { .. });
    stage.allowed.must_fail = true;
}
