//! What a store can say to a read.

use std::sync::Arc;

use bytes::Bytes;
use pravega_wire_protocol::{
    AppendSetup, Payload, Reply, SegmentRead, StreamSegmentInfo, WrongHost,
};

use super::Script;
use crate::{
    proxy::stage::Stage,
    relay::{Fault, Frames},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("t41_a_read_answered_at_another_offset", other_offset),
    Script::new("t41_a_read_answered_for_another_segment", other_segment),
    Script::new("t41_a_read_answered_twice", twice),
    Script::new("t41_a_reply_with_an_unknown_id", unknown_id),
    Script::new("t41_a_failure_with_an_unknown_id", unknown_failure),
    Script::new("t41_a_read_answered_by_another_kind_of_reply", other_kind),
    Script::new("t38_short_replies", short),
    Script::new("t38_replies_of_one_byte", one_byte),
    Script::new("t40_empty_replies", empty),
    Script::new("t40_hints_at_the_tail_that_are_wrong", wrong_hints),
];

/// Read replies are replaced by what `change` makes of them.
fn reads(
    stage: &mut Stage,
    name: &'static str,
    times: u64,
    change: impl Fn(&SegmentRead) -> Vec<Reply> + Send + Sync + 'static,
) {
    let frames = Frames::replies().named("SegmentRead");
    let frames = frames.nth(1 + stage.dice(6)).times(times);
    let fault = Fault::replace(move |reply| match reply {
        Reply::SegmentRead(read) => Some(change(read)),
        _ => None,
    });
    stage.arm(name, frames, fault);
}

/// The bytes are those of that offset, as if they had been read for somebody else.
fn other_offset(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    let by = match stage.dice(4) {
        0 => i64::MIN / 2,
        1 => 20,
        _ => 1,
    };
    reads(stage, "read at another offset", times, move |read| {
        let offset = read.offset.wrapping_add(by);
        let skipped = usize::try_from(by).unwrap_or_default();
        let whole = read.data.clone().into_bytes();
        let data = match skipped < whole.len() {
            true => whole.slice(skipped..),
            false => whole,
        };
        let read = SegmentRead {
            offset,
            data: data.into(),
            ..read.clone()
        };
        vec![read.into()]
    });
}

fn other_segment(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    reads(stage, "read of another segment", times, |read| {
        let segment = "another/stream/0.#epoch.0".into();
        let read = SegmentRead {
            segment,
            ..read.clone()
        };
        vec![read.into()]
    });
}

fn twice(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    reads(stage, "read answered twice", times, |read| {
        vec![read.clone().into(), read.clone().into()]
    });
}

/// Ignored, as the right reply comes behind it.
fn unknown_id(stage: &mut Stage) {
    let bit = stage.dice(63);
    reads(stage, "reply with an unknown id", u64::MAX, move |read| {
        let other = SegmentRead {
            request_id: read.request_id ^ (1 << 62) ^ i64::from(bit == 0),
            data: Bytes::from_static(b"never asked for").into(),
            ..read.clone()
        };
        vec![other.into(), read.clone().into()]
    });
}

fn unknown_failure(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    reads(stage, "failure with an unknown id", times, |read| {
        let failure = WrongHost {
            request_id: read.request_id ^ (1 << 50),
            segment: Arc::clone(&read.segment),
            correct_host: String::new(),
            server_stack_trace: String::new(),
        };
        vec![failure.into(), read.clone().into()]
    });
}

fn other_kind(stage: &mut Stage) {
    let times = 1 + stage.dice(3);
    let is_info = stage.dice(2) == 0;
    reads(stage, "read answered by another kind", times, move |read| {
        let (request_id, segment) = (read.request_id, Arc::clone(&read.segment));
        let reply = match is_info {
            true => StreamSegmentInfo {
                request_id,
                segment,
                exists: true,
                is_sealed: false,
                is_deleted: false,
                last_modified: 0,
                write_offset: 0,
                start_offset: 0,
            }
            .into(),
            false => AppendSetup {
                request_id,
                segment,
                writer_id: pravega_client_shared::WriterId::from_wire(1),
                last_event_number: 0,
            }
            .into(),
        };
        vec![reply]
    });
}

/// The first bytes of what was read.
fn first(read: &SegmentRead, len: usize) -> SegmentRead {
    let whole = read.data.clone().into_bytes();
    let data: Payload = whole.slice(..len.min(whole.len())).into();
    let is_cut = data.len() < whole.len();
    SegmentRead {
        end_of_segment: read.end_of_segment && !is_cut,
        data,
        ..read.clone()
    }
}

fn short(stage: &mut Stage) {
    let most = 1 + usize::try_from(stage.dice(3_000)).unwrap_or_default();
    reads(stage, "short reply", u64::MAX, move |read| {
        vec![first(read, most).into()]
    });
}

fn one_byte(stage: &mut Stage) {
    let times = 20 + stage.dice(100);
    reads(stage, "reply of one byte", times, |read| {
        vec![first(read, 1).into()]
    });
}

/// Neither bytes nor the end: to be asked again.
fn empty(stage: &mut Stage) {
    let times = 1 + stage.dice(4);
    reads(stage, "empty reply", times, |read| {
        let read = SegmentRead {
            at_tail: true,
            end_of_segment: false,
            data: Payload::new(),
            ..read.clone()
        };
        vec![read.into()]
    });
}

fn wrong_hints(stage: &mut Stage) {
    let is_always = stage.dice(2) == 0;
    reads(stage, "wrong hint at the tail", u64::MAX, move |read| {
        let at_tail = is_always || !read.at_tail;
        let read = SegmentRead {
            at_tail,
            ..read.clone()
        };
        vec![read.into()]
    });
}
