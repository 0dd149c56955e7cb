//! What a store can say to an append, without failing it for good.

use pravega_byte_stream::WriteMode;
use pravega_client_shared::{RequestId, WriterId};
use pravega_wire_protocol::{
    ConditionalCheckFailed, DataAppended, InvalidEventNumber, NoSuchSegment, Reply, Request,
    SegmentIsSealed,
};

use super::{Script, refusals::refuse_appends};
use crate::{
    proxy::stage::Stage,
    relay::{Fault, Frames},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("t35_acks_twice", twice),
    Script::new("t35_an_earlier_ack_again", earlier_again),
    Script::new("t35_an_ack_for_another_writer", other_writer),
    Script::new("p08_an_ack_above_the_highest_sent", above_sent),
    Script::new("p09_an_ack_behind_a_gap", gap),
    Script::new("p07_an_ack_that_ends_elsewhere", other_offset),
    Script::new("p07_acks_without_an_offset", no_offset),
    Script::new(
        "p11_an_invalid_number_in_the_place_of_an_ack",
        invalid_after_all,
    ),
    Script::new("t31_an_invalid_number_and_nothing_stored", invalid),
    Script::new("p10_a_failed_condition_and_nothing_stored", false_conflict),
    Script::new("p10_a_failed_condition_of_another_block", other_conflict),
    Script::new("n07_a_failure_of_an_earlier_setup", earlier_failure),
];

/// Acks are replaced by what `change` makes of them.
fn acks(
    stage: &mut Stage,
    name: &'static str,
    times: u64,
    change: fn(&DataAppended) -> Vec<Reply>,
) {
    let frames = Frames::replies().named("DataAppended");
    let frames = frames.nth(1 + stage.dice(12)).times(times);
    let fault = Fault::replace(move |reply| match reply {
        Reply::DataAppended(ack) => Some(change(ack)),
        _ => None,
    });
    stage.arm(name, frames, fault);
}

fn twice(stage: &mut Stage) {
    acks(stage, "ack twice", u64::MAX, |ack| {
        vec![(*ack).into(), (*ack).into()]
    });
    stage.allowed.no_reconnect = true;
}

fn earlier_again(stage: &mut Stage) {
    acks(stage, "earlier ack again", u64::MAX, |ack| {
        // The one before it, which need not be the number before: an ack may be for several appends.
        let before = ack.previous_event_number;
        let earlier = DataAppended {
            event_number: before,
            previous_event_number: before.saturating_sub(1),
            current_segment_write_offset: 1,
            ..*ack
        };
        vec![earlier.into(), (*ack).into()]
    });
    stage.allowed.no_reconnect = true;
}

fn other_writer(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    acks(stage, "ack of another writer", times, |ack| {
        let writer_id = WriterId::from_wire(ack.writer_id.as_u128() ^ 1);
        let ack = DataAppended { writer_id, ..*ack };
        vec![ack.into()]
    });
}

fn above_sent(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    acks(stage, "ack above the highest sent", times, |ack| {
        let ack = DataAppended {
            event_number: ack.event_number.saturating_add(1_000),
            ..*ack
        };
        vec![ack.into()]
    });
}

fn gap(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    acks(stage, "ack behind a gap", times, |ack| {
        let ack = DataAppended {
            previous_event_number: ack.event_number,
            event_number: ack.event_number,
            ..*ack
        };
        vec![ack.into()]
    });
}

fn other_offset(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    acks(stage, "ack that ends elsewhere", times, |ack| {
        let ack = DataAppended {
            current_segment_write_offset: (ack.current_segment_write_offset - 1).max(0),
            ..*ack
        };
        vec![ack.into()]
    });
}

/// As old versions send them.
fn no_offset(stage: &mut Stage) {
    acks(stage, "ack without an offset", u64::MAX, |ack| {
        let ack = DataAppended {
            current_segment_write_offset: -1,
            ..*ack
        };
        vec![ack.into()]
    });
    stage.allowed.no_reconnect = true;
}

fn invalid_after_all(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    acks(stage, "invalid number, stored", times, |ack| {
        let invalid = InvalidEventNumber {
            writer_id: ack.writer_id,
            request_id: ack.request_id,
            server_stack_trace: String::new(),
            event_number: ack.event_number,
        };
        vec![invalid.into()]
    });
}

fn invalid(stage: &mut Stage) {
    let fault = refuse_appends(stage, |request| {
        let (writer_id, event_number) = numbers(request)?;
        let request_id = request.request_id()?;
        let invalid = InvalidEventNumber {
            writer_id,
            request_id,
            server_stack_trace: String::new(),
            event_number,
        };
        Some(vec![invalid.into()])
    });
    let appends = stage.appends_of_writer().times(u64::MAX);
    stage.arm("invalid number, not stored", appends, fault);
}

/// The condition of a block is said to have failed although nobody else has written. Nothing of it is stored,
/// so it is a conflict like others. In shared mode no store says that.
fn false_conflict(stage: &mut Stage) {
    let is_twice = stage.dice(2) == 0;
    let name = match is_twice {
        true => "failed condition twice",
        false => "failed condition",
    };
    let fault = Fault::answer_some(move |request| {
        let failed = condition_failed(request)?;
        Some(vec![failed; 1 + usize::from(is_twice)])
    });
    // Nothing else is in flight, as the store would have to answer it first.
    stage.is_lockstep = true;
    let appends = stage.appends_of_writer().nth(1 + stage.dice(12));
    let appends = match stage.mode {
        WriteMode::Exclusive => appends.times(1 + stage.dice(3)),
        _ => appends,
    };
    stage.arm(name, appends, fault);
    stage.allowed.conflicts = stage.mode == WriteMode::Exclusive;
}

fn other_conflict(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    acks(stage, "failed condition of another block", times, |ack| {
        let refused = ConditionalCheckFailed {
            writer_id: ack.writer_id,
            event_number: ack.event_number + 7,
            request_id: ack.request_id,
        };
        vec![refused.into()]
    });
}

/// Said late, and to nobody any more: what answers an earlier setup of the same writer is not obeyed.
fn earlier_failure(stage: &mut Stage) {
    stage.cut_sometimes(4);
    let is_sealed = stage.dice(2) == 0;
    let fault = Fault::replace(move |reply| {
        let Reply::DataAppended(ack) = reply else {
            return None;
        };
        let id = RequestId::from_wire(ack.request_id)?;
        let earlier = id.flow().request(id.sequence().checked_sub(1)?);
        let (request_id, segment) = (earlier.to_wire(), "any/segment/0.#epoch.0".into());
        let server_stack_trace = String::new();
        let failure = match is_sealed {
            true => SegmentIsSealed {
                request_id,
                segment,
                server_stack_trace,
                offset: -1,
            }
            .into(),
            false => NoSuchSegment {
                request_id,
                segment,
                server_stack_trace,
                offset: -1,
            }
            .into(),
        };
        Some(vec![failure, reply.clone()])
    });
    let acks = Frames::replies().named("DataAppended").times(u64::MAX);
    stage.arm("failure of an earlier setup", acks, fault);
}

fn condition_failed(request: &Request) -> Option<Reply> {
    let (writer_id, number) = numbers(request)?;
    let request_id = request.request_id()?;
    let refused = ConditionalCheckFailed {
        writer_id,
        event_number: number,
        request_id,
    };
    Some(refused.into())
}

/// The writer and the number of an append.
pub(super) fn numbers(request: &Request) -> Option<(WriterId, i64)> {
    match request {
        Request::ConditionalBlockEnd(block) => Some((block.writer_id, block.event_number)),
        Request::AppendBlockEnd(block) => Some((block.writer_id, block.last_event_number)),
        _ => None,
    }
}
