//! Replies of every kind with absurd contents, in any order.

use std::sync::Arc;

use pravega_segment_session::{Disconnect, OnTruncation, ReadOptions, ReadStep};
use pravega_wire_protocol::{
    AuthTokenCheckFailed, ErrorMessage, Foreign, NoSuchSegment, OperationUnsupported, Payload,
    Reply, Request, SegmentIsSealed, SegmentIsTruncated, SegmentRead, StreamSegmentInfo, WrongHost,
};
use proptest::prelude::*;

use crate::{
    random::Random,
    reader::{Reader, SEGMENT},
};

const EXTREMES: [i64; 10] = [
    i64::MIN,
    -1,
    0,
    1,
    7,
    8,
    1_000,
    1 << 20,
    i64::MAX - 1,
    i64::MAX,
];
const READ_AHEAD: usize = 4_000;

/// A number that means something to the session as often as not.
fn number(reader: &Reader, random: &mut Random) -> i64 {
    let place = i64::try_from(reader.session.position()).unwrap_or(i64::MAX);
    match random.below(4) {
        0 => *random.pick(&EXTREMES),
        1 => place,
        2 => place.saturating_add(*random.pick(&EXTREMES)),
        _ => match reader.sent.last() {
            Some(Request::ReadSegment(read)) => read.offset,
            _ => i64::try_from(reader.session.known_head()).unwrap_or(i64::MAX),
        },
    }
}

fn request_id(reader: &Reader, random: &mut Random) -> i64 {
    if reader.sent.is_empty() || random.one_in(8) {
        return number(reader, random);
    }
    random.pick(&reader.sent).request_id().unwrap()
}

fn reply(reader: &Reader, random: &mut Random) -> Reply {
    let request_id = request_id(reader, random);
    let name = if random.one_in(50) { "other" } else { SEGMENT };
    let segment: Arc<str> = Arc::from(name);
    let server_stack_trace = String::new();
    let offset = number(reader, random);
    match random.below(16) {
        0..=6 => SegmentRead {
            segment,
            offset,
            at_tail: random.one_in(2),
            end_of_segment: random.one_in(6),
            data: Payload::from(vec![7; random.below(3_000)]),
            request_id,
        }
        .into(),
        7 => SegmentIsSealed {
            request_id,
            segment,
            server_stack_trace,
            offset,
        }
        .into(),
        8 | 9 => SegmentIsTruncated {
            request_id,
            segment,
            start_offset: offset,
            server_stack_trace,
            offset: 0,
        }
        .into(),
        10..=12 => StreamSegmentInfo {
            request_id,
            segment,
            exists: true,
            is_sealed: random.one_in(3),
            is_deleted: random.one_in(40),
            last_modified: 0,
            write_offset: offset,
            start_offset: number(reader, random),
        }
        .into(),
        13 => AuthTokenCheckFailed {
            request_id,
            server_stack_trace,
            error_code: *random.pick(&[-1, 0, 1, 2, i32::MIN]),
        }
        .into(),
        14 => WrongHost {
            request_id,
            segment,
            correct_host: String::new(),
            server_stack_trace,
        }
        .into(),
        _ => odd(request_id, segment, random),
    }
}

fn odd(request_id: i64, segment: Arc<str>, random: &mut Random) -> Reply {
    let server_stack_trace = String::new();
    match random.below(4) {
        0 => NoSuchSegment {
            request_id,
            segment,
            server_stack_trace,
            offset: 0,
        }
        .into(),
        1 => OperationUnsupported {
            request_id,
            operation_name: String::new(),
            server_stack_trace,
        }
        .into(),
        2 => ErrorMessage {
            request_id,
            segment,
            message: "x".repeat(1_000),
            error_code: 0,
        }
        .into(),
        _ => Reply::Foreign(Foreign {
            code: 86,
            name: "Foreign",
            body: bytes::Bytes::new(),
        }),
    }
}

fn step(reader: &mut Reader, random: &mut Random) {
    match random.below(8) {
        0..=3 => {
            let reply = reply(reader, random);
            // Refused or not: what counts is that the session lives on.
            reader.session.handle_reply(reader.now, reply).ok();
        }
        4 => {
            let before = reader.session.position();
            if let ReadStep::Chunk(bytes) = reader.session.poll_chunk(1 + random.below(2_000)) {
                assert!(reader.session.position() >= before + u64::try_from(bytes.len()).unwrap());
            }
        }
        5 => {
            let target = number(reader, random).unsigned_abs();
            reader.session.seek(target).ok();
        }
        6 if random.one_in(4) => {
            reader
                .session
                .handle_disconnected(reader.now, Disconnect::Lost);
        }
        _ => {
            reader.pass_time();
        }
    }
    reader.drain();
    if reader.wish().is_some() {
        reader.attach_anyway();
    }
    reader.events.clear();
    let newest = reader.sent.len().saturating_sub(20);
    reader.sent.drain(..newest);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t88_no_reply_breaks_the_session(seed: u64) {
        let mut random = Random::new(seed);
        let mut reader = Reader::new(
            ReadOptions::default()
                .with_max_read_ahead_bytes(READ_AHEAD)
                .with_request_bytes(1_000)
                .with_keep_behind_bytes(1_000)
                .with_on_truncation(*random.pick(&[OnTruncation::Error, OnTruncation::SkipToHead])),
        );
        for _ in 0..200 {
            step(&mut reader, &mut random);
            let asked: u64 = reader.session.outstanding().map(|range| range.end - range.start).sum();
            prop_assert!(asked + reader.session.held_bytes() <= 5_000);
        }
    }
}
