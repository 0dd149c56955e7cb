//! Frames worked out by hand, one per layout: what they mean is written out here, so that a field in the
//! wrong place cannot hide behind a round trip.

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, AppendSetup, AuthTokenCheckFailed, ConditionalAppend,
    ConditionalBlockEnd, ConditionalCheckFailed, CreateSegment, DataAppended, ErrorMessage,
    GetStreamSegmentInfo, Hello, InvalidEventNumber, KeepAlive, NO_EVENT_NUMBER, Payload,
    ReadSegment, Reply, Request, SegmentIsTruncated, SegmentRead, SetupAppend, StreamSegmentInfo,
    TruncateSegment,
    append_block::{Append, Assembler},
};

use crate::{only_frame, unhex};

const WORKED: &str = include_str!("../golden/worked-frames.txt");

const WRITER: u128 = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
const FLOW_ONE: i64 = 1 << 32;

/// The frame of that name.
fn worked(name: &str) -> Bytes {
    let line = WORKED
        .lines()
        .find(|line| line.split(' ').next() == Some(name));
    unhex(
        line.expect("a frame of that name")
            .split(' ')
            .nth(1)
            .unwrap(),
    )
}

fn is_request(name: &str, request: impl Into<Request>) {
    let request = request.into();
    assert_eq!(
        Request::decode(only_frame(&worked(name))).as_ref(),
        Ok(&request),
        "{name}"
    );
    assert_eq!(request.encode_to_bytes().unwrap(), worked(name), "{name}");
}

fn is_reply(name: &str, reply: impl Into<Reply>) {
    let reply = reply.into();
    assert_eq!(
        Reply::decode(only_frame(&worked(name))).as_ref(),
        Ok(&reply),
        "{name}"
    );
    assert_eq!(reply.encode_to_bytes().unwrap(), worked(name), "{name}");
}

fn writer_id() -> WriterId {
    WriterId::from_wire(WRITER)
}

fn segment() -> Arc<str> {
    "s/b/0.#epoch.0".into()
}

fn no_token() -> DelegationToken {
    DelegationToken::default()
}

fn data(bytes: &'static [u8]) -> Payload {
    bytes.into()
}

fn block(bytes: &'static [u8]) -> AppendBlock {
    AppendBlock {
        writer_id: writer_id(),
        data: data(bytes),
    }
}

fn block_end(whole: i32, rest: &'static [u8], events: i32, last: i64) -> AppendBlockEnd {
    AppendBlockEnd {
        writer_id: writer_id(),
        size_of_whole_events: whole,
        data: data(rest),
        num_events: events,
        last_event_number: last,
        request_id: FLOW_ONE,
    }
}

#[test]
fn all_25_worked_frames_are_there() {
    assert_eq!(
        WORKED.lines().filter(|line| !line.starts_with('#')).count(),
        25
    );
}

#[test]
fn hello_and_keep_alive_go_both_ways() {
    is_request("E1", Hello::current());
    is_reply(
        "E1",
        Hello {
            high_version: 17,
            low_version: 5,
        },
    );
    is_request("E2", KeepAlive);
    is_reply("E2", KeepAlive);
}

#[test]
fn setting_up_a_writer() {
    is_request(
        "E3",
        SetupAppend {
            request_id: FLOW_ONE,
            writer_id: writer_id(),
            segment: segment(),
            delegation_token: no_token(),
        },
    );
    is_reply(
        "E4",
        AppendSetup {
            request_id: FLOW_ONE,
            segment: segment(),
            writer_id: writer_id(),
            last_event_number: NO_EVENT_NUMBER,
        },
    );
}

#[test]
fn append_blocks() {
    is_request("E5a", block(b"hello"));
    is_request("E5b", block_end(5, b"", 1, 1));
    is_request("E6a", block(b"hello\xff\xff\xff\xff\0\0\0\x03\0\0\0"));
    is_request("E6b", block_end(5, b"", 1, 2));
    is_request("E7a", block(b"hello\xff\xff\xff\xfe\0\0\0\x03wor"));
    is_request("E7b", block_end(5, b"ld", 2, 4));
    is_request(
        "E8",
        AppendBlockEnd {
            request_id: 7,
            ..block_end(5, b"hello", 1, 5)
        },
    );
}

/// The five worked appends leave "hello", "hello", "helloworld", "hello" behind.
#[test]
fn append_blocks_put_together() {
    let mut assembler = Assembler::new();
    let mut stored = Vec::new();
    for name in ["E5a", "E5b", "E6a", "E6b", "E7a", "E7b", "E8"] {
        match Request::decode(only_frame(&worked(name))).unwrap() {
            Request::AppendBlock(block) => assembler.begin(block).unwrap(),
            Request::AppendBlockEnd(end) => stored.push(assembler.finish(end).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    let read = |append: Append| {
        (
            append.event_number,
            append.num_events,
            append.data.into_bytes(),
        )
    };
    assert_eq!(
        stored.into_iter().map(read).collect::<Vec<_>>(),
        [
            (1, 1, "hello".into()),
            (2, 1, "hello".into()),
            (4, 2, "helloworld".into()),
            (5, 1, "hello".into()),
        ]
    );
}

#[test]
fn conditional_appends() {
    is_request(
        "E9",
        ConditionalBlockEnd {
            writer_id: writer_id(),
            event_number: 6,
            expected_offset: 25,
            data: data(b"hello"),
            request_id: FLOW_ONE + 5,
        },
    );
    is_request(
        "E10",
        ConditionalAppend {
            writer_id: writer_id(),
            event_number: 6,
            expected_offset: 25,
            event: data(b"hello"),
            request_id: FLOW_ONE + 5,
        },
    );
}

#[test]
fn answers_to_appends() {
    is_reply(
        "E11",
        DataAppended {
            writer_id: writer_id(),
            event_number: 2,
            previous_event_number: 1,
            request_id: FLOW_ONE,
            current_segment_write_offset: 10,
        },
    );
    is_reply(
        "E12",
        ConditionalCheckFailed {
            writer_id: writer_id(),
            event_number: 6,
            request_id: FLOW_ONE + 5,
        },
    );
    is_reply(
        "E13",
        InvalidEventNumber {
            writer_id: writer_id(),
            request_id: FLOW_ONE,
            server_stack_trace: String::new(),
            event_number: 7,
        },
    );
}

#[test]
fn reading() {
    is_request(
        "E14",
        ReadSegment {
            segment: segment(),
            offset: 0,
            suggested_length: 1 << 20,
            delegation_token: no_token(),
            request_id: 9,
        },
    );
    is_reply(
        "E15",
        SegmentRead {
            segment: segment(),
            offset: 0,
            at_tail: true,
            end_of_segment: false,
            data: data(b"hello"),
            request_id: 9,
        },
    );
}

#[test]
fn segments() {
    is_request(
        "E16",
        GetStreamSegmentInfo {
            request_id: 3,
            segment: segment(),
            delegation_token: no_token(),
        },
    );
    is_reply(
        "E17",
        StreamSegmentInfo {
            request_id: 3,
            segment: segment(),
            exists: true,
            is_sealed: false,
            is_deleted: false,
            last_modified: 1_700_000_000_000,
            write_offset: 10,
            start_offset: 2,
        },
    );
    is_request(
        "E18",
        TruncateSegment {
            request_id: 4,
            segment: segment(),
            truncation_offset: 2,
            delegation_token: no_token(),
        },
    );
    is_request(
        "E20",
        CreateSegment {
            request_id: 1,
            segment: segment(),
            target_rate: 0,
            scale_type: 0,
            delegation_token: no_token(),
            rollover_size_bytes: 0,
        },
    );
}

#[test]
fn failures() {
    is_reply(
        "E19",
        SegmentIsTruncated {
            request_id: 9,
            segment: segment(),
            start_offset: 2,
            server_stack_trace: String::new(),
            offset: 1,
        },
    );
    is_reply(
        "E21",
        AuthTokenCheckFailed {
            request_id: 9,
            server_stack_trace: String::new(),
            error_code: AuthTokenCheckFailed::EXPIRED,
        },
    );
    is_reply(
        "E22",
        ErrorMessage {
            request_id: 9,
            segment: segment(),
            message: "bad".to_owned(),
            error_code: ErrorMessage::ILLEGAL_ARGUMENT,
        },
    );
}
