//! Peers that fall silent, are slow, or say late what was meant for another connection.

use std::{sync::Arc, time::Duration};

use super::Script;
use crate::{
    proxy::stage::Stage,
    relay::{Fault, Frames},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("n04_a_request_is_never_heard", request_held),
    Script::new("n04_a_reply_never_comes", reply_held),
    Script::new("n06_a_request_stops_inside", request_stalled),
    Script::new("n06_a_reply_stops_inside", reply_stalled),
    Script::new("n12_acks_come_late", late_acks),
    Script::new("n12_replies_stop_inside_and_go_on", reply_goes_on),
    Script::new(
        "n07_a_late_copy_behind_the_new_setup",
        late_copy_behind_setup,
    ),
    Script::new(
        "n07_a_late_copy_behind_the_resent_append",
        late_copy_behind_ack,
    ),
    Script::new("n07_late_copies_of_several_connections", late_copies),
];

/// A frame may take half a minute.
pub(super) const SLOW: &[Script] = &[Script::new("n06_a_reply_drips_without_end", drips)];

fn hold(stage: &mut Stage, name: &'static str, frames: Frames, inside: bool) {
    stage.expect_silence();
    let frames = frames.nth(1 + stage.dice(25));
    let gate = stage.gate();
    let fault = match inside {
        true => Fault::StallInside(usize::try_from(1 + stage.dice(60)).unwrap_or(1), gate),
        false => Fault::Hold(gate),
    };
    stage.arm(name, frames, fault);
}

fn request_held(stage: &mut Stage) {
    hold(stage, "request held", Frames::requests(), false);
}

fn reply_held(stage: &mut Stage) {
    hold(stage, "reply held", Frames::replies(), false);
}

fn request_stalled(stage: &mut Stage) {
    hold(stage, "request stops inside", Frames::requests(), true);
}

fn reply_stalled(stage: &mut Stage) {
    hold(stage, "reply stops inside", Frames::replies(), true);
}

/// Opens the gate of a fault a moment after it has struck.
fn open_later(stage: &mut Stage, name: &'static str, frames: &Frames, inside: bool) {
    stage.allowed.no_reconnect = true;
    for _ in 0..=stage.dice(3) {
        let gate = stage.gate();
        let fault = match inside {
            true => {
                let bytes = usize::try_from(stage.dice(60)).unwrap_or_default();
                Fault::StallInside(bytes, gate.clone())
            }
            false => Fault::Hold(gate.clone()),
        };
        let frames = frames.clone().nth(1 + stage.dice(20));
        let armed = stage.arm(name, frames, fault);
        let pause = Duration::from_millis(1 + stage.dice(20));
        stage.beside(async move {
            armed.struck().await;
            tokio::time::sleep(pause).await;
            gate.open();
        });
    }
}

/// A slow acknowledgement is no dead peer.
fn late_acks(stage: &mut Stage) {
    let acks = Frames::replies().named("DataAppended");
    open_later(stage, "ack comes late", &acks, false);
}

fn reply_goes_on(stage: &mut Stage) {
    open_later(stage, "reply goes on late", &Frames::replies(), true);
}

/// The store gets an append of an old connection when the next connection has come as far as `until`.
fn late_copy(stage: &mut Stage, until: &'static str) {
    let appends = stage.appends_of_writer().nth(1 + stage.dice(15));
    let (orphan, gate) = stage.orphan("late copy", appends);
    let progress = stage.watch(Frames::replies().named(until));
    stage.beside(async move {
        orphan.struck().await;
        progress.struck_times(progress.strikes() + 1).await;
        gate.open();
    });
}

fn late_copy_behind_setup(stage: &mut Stage) {
    late_copy(stage, "AppendSetup");
}

fn late_copy_behind_ack(stage: &mut Stage) {
    late_copy(stage, "DataAppended");
}

/// The same append is held in several old connections, and all of them arrive at once.
fn late_copies(stage: &mut Stage) {
    let first = 1 + stage.dice(10);
    let setups = stage.watch(Frames::replies().named("AppendSetup"));
    let mut last = None;
    let mut gates = Vec::new();
    for copy in 0..=stage.dice(3) {
        let appends = stage.appends_of_writer().nth(first + copy);
        let (orphan, gate) = stage.orphan("late copy", appends);
        last = Some(orphan);
        gates.push(gate);
    }
    let last = Arc::new(last);
    stage.beside(async move {
        if let Some(last) = &*last {
            last.struck().await;
        }
        setups.struck_times(setups.strikes() + 1).await;
        for gate in gates {
            gate.open();
        }
    });
}

/// Bytes come all the time, so keep-alive is content. Only the deadline of the frame ends it.
fn drips(stage: &mut Stage) {
    stage.be_patient();
    let acks = Frames::replies().named("DataAppended");
    let acks = acks.nth(1 + stage.dice(10));
    let fault = Fault::DripWithoutEnd(Duration::from_millis(50));
    stage.arm("reply drips without end", acks, fault);
}
