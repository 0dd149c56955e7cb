//! Connections that end at a chosen frame and byte, and replies that are lost.

use std::{sync::Arc, time::Duration};

use super::Script;
use crate::{
    proxy::stage::Stage,
    relay::{Fault, Frames, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("t29_requests_cut_inside", requests_cut_inside),
    Script::new("t29_replies_cut_inside", replies_cut_inside),
    Script::new("n02_cut_behind_requests", cut_behind_requests),
    Script::new("n02_cut_behind_replies", cut_behind_replies),
    Script::new("n01_appends_lost_in_a_row", appends_lost),
    Script::new("n01_several_appends_held_then_cut", held_then_cut),
    Script::new("t24_acks_lost_in_a_row", acks_lost),
    Script::new("n03_all_connections_cut", all_cut),
    Script::new("n02_an_ack_lost_and_no_cut", ack_lost_without_cut),
    Script::new("n02_an_answer_lost_and_no_cut", answer_lost_without_cut),
    Script::new("n05_requests_in_pieces", requests_in_pieces),
    Script::new("n05_replies_in_pieces", replies_in_pieces),
];

/// The longest frames of most runs, in bytes: labels, names and a few hundred bytes of data.
const MOST_BYTES: u64 = 400;

/// Three cuts, each in one of the first frames or in one far behind, at any byte.
fn cut_inside(stage: &mut Stage, name: &'static str, frames: &Frames) {
    for reach in [8, 30, 90] {
        let bytes = match stage.dice(3) {
            0 => stage.dice(9),
            _ => stage.dice(MOST_BYTES),
        };
        let frames = frames.clone().nth(1 + stage.dice(reach));
        let cut = Fault::CutInside(usize::try_from(bytes).unwrap_or_default());
        stage.arm(name, frames, cut);
    }
}

fn requests_cut_inside(stage: &mut Stage) {
    cut_inside(stage, "request cut inside", &Frames::requests());
}

fn replies_cut_inside(stage: &mut Stage) {
    cut_inside(stage, "reply cut inside", &Frames::replies());
}

fn cut_behind(stage: &mut Stage, name: &'static str, frames: &Frames) {
    for reach in [8, 30, 90] {
        let frames = frames.clone().nth(1 + stage.dice(reach));
        stage.arm(name, frames, Fault::CutAfter);
    }
}

fn cut_behind_requests(stage: &mut Stage) {
    cut_behind(stage, "cut behind request", &Frames::requests());
}

fn cut_behind_replies(stage: &mut Stage) {
    cut_behind(stage, "cut behind reply", &Frames::replies());
}

fn appends_lost(stage: &mut Stage) {
    let frames = stage.appends_of_writer().nth(1 + stage.dice(20));
    let frames = frames.times(1 + stage.dice(8));
    stage.arm("append lost, cut", frames, Fault::SwallowAndCut);
}

/// In shared mode several appends are on their way when the connection ends, and all of them are sent again.
fn held_then_cut(stage: &mut Stage) {
    for _ in 0..=stage.dice(3) {
        let gate = stage.gate();
        let appends = stage.appends_of_writer().nth(1 + stage.dice(15));
        let held = stage.arm("append held, then cut", appends, Fault::Hold(gate));
        let relay = Arc::downgrade(&stage.relay);
        let pause = Duration::from_millis(1 + stage.dice(5));
        stage.beside(async move {
            held.struck().await;
            tokio::time::sleep(pause).await;
            if let Some(relay) = relay.upgrade() {
                relay.cut_all();
            }
        });
    }
}

fn acks_lost(stage: &mut Stage) {
    let frames = Frames::replies().named("DataAppended");
    let frames = frames.nth(1 + stage.dice(15)).times(1 + stage.dice(8));
    stage.arm("ack lost, cut", frames, Fault::SwallowAndCut);
}

fn all_cut(stage: &mut Stage) {
    let times = 1 + stage.dice(10);
    stage.cut_sometimes(times);
}

/// No store does that, but a call must end all the same, and a cut must mend it.
fn ack_lost_without_cut(stage: &mut Stage) {
    let frames = Frames::replies().named("DataAppended");
    let frames = frames.nth(1 + stage.dice(12));
    stage.arm("ack lost, no cut", frames, Fault::Swallow);
    stage.expect_timeouts(Relay::cut_all);
}

fn answer_lost_without_cut(stage: &mut Stage) {
    let name = match stage.dice(3) {
        0 => "StreamSegmentInfo",
        1 => "AppendSetup",
        _ => "SegmentRead",
    };
    let frames = Frames::replies().named(name).nth(1 + stage.dice(2));
    stage.arm("answer lost, no cut", frames, Fault::Swallow);
    stage.expect_timeouts(Relay::cut_all);
    stage.cut_at_the_end();
}

fn in_pieces(stage: &mut Stage, name: &'static str, frames: Frames) {
    let frames = frames.nth(1 + stage.dice(20)).times(1 + stage.dice(10));
    let piece = usize::try_from(1 + stage.dice(40)).unwrap_or(1);
    let pause = Duration::from_millis(stage.dice(2));
    stage.arm(name, frames, Fault::Drip(piece, pause));
    stage.allowed.no_reconnect = true;
}

fn requests_in_pieces(stage: &mut Stage) {
    in_pieces(stage, "request in pieces", Frames::requests());
}

fn replies_in_pieces(stage: &mut Stage) {
    in_pieces(stage, "reply in pieces", Frames::replies());
}
