//! Fields that older peers leave out at the end, and bytes that newer ones add.

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlockEnd, AuthTokenCheckFailed, ConditionalAppend, ConditionalCheckFailed, CreateSegment,
    DataAppended, DecodeError, Frame, InvalidEventNumber, NoSuchSegment, OperationUnsupported,
    Payload, ReadSegment, Reply, Request, SegmentAlreadyExists, SegmentIsSealed,
    SegmentIsTruncated, SegmentRead, StreamSegmentInfo, WrongHost,
};
use proptest::prelude::*;

use crate::{
    only_frame,
    strategy::{reply, request},
};

const WRITER: u128 = 7;

/// Decodes the message once with each of the `cuts` bytes missing at its end, and expects it unchanged:
/// so `message` must hold the defaults in the fields that are cut off.
fn request_survives_cuts(message: impl Into<Request>, cuts: &[usize]) {
    let message = message.into();
    let Frame { code, body } = only_frame(&message.encode_to_bytes().unwrap());
    for cut in cuts {
        let body = body.slice(..body.len() - cut);
        let decoded = Request::decode(Frame { code, body });
        assert_eq!(decoded.as_ref(), Ok(&message), "{cut} bytes cut off");
    }
}

/// See [`request_survives_cuts`].
fn reply_survives_cuts(message: impl Into<Reply>, cuts: &[usize]) {
    let message = message.into();
    let Frame { code, body } = only_frame(&message.encode_to_bytes().unwrap());
    for cut in cuts {
        let body = body.slice(..body.len() - cut);
        let decoded = Reply::decode(Frame { code, body });
        assert_eq!(decoded.as_ref(), Ok(&message), "{cut} bytes cut off");
    }
}

#[test]
fn requests_without_their_late_fields() {
    let writer_id = WriterId::from_wire(WRITER);
    let data = || Payload::from(&b"abc"[..]);
    let delegation_token = DelegationToken::default();
    request_survives_cuts(
        AppendBlockEnd {
            writer_id,
            size_of_whole_events: 3,
            data: data(),
            num_events: 1,
            last_event_number: 1,
            request_id: -1,
        },
        &[1, 7, 8],
    );
    request_survives_cuts(
        ConditionalAppend {
            writer_id,
            event_number: 1,
            expected_offset: 0,
            event: data(),
            request_id: -1,
        },
        &[1, 7, 8],
    );
    request_survives_cuts(
        ReadSegment {
            segment: "s".into(),
            offset: 0,
            suggested_length: 8,
            delegation_token: delegation_token.clone(),
            request_id: -1,
        },
        &[1, 7, 8],
    );
    request_survives_cuts(
        CreateSegment {
            request_id: 1,
            segment: "s".into(),
            target_rate: 0,
            scale_type: 0,
            delegation_token,
            rollover_size_bytes: 0,
        },
        &[1, 7, 8],
    );
}

#[test]
fn append_and_read_replies_without_their_late_fields() {
    let writer_id = WriterId::from_wire(WRITER);
    reply_survives_cuts(
        DataAppended {
            writer_id,
            event_number: 1,
            previous_event_number: -1,
            request_id: -1,
            current_segment_write_offset: -1,
        },
        &[1, 7, 8, 9, 16, 17, 24],
    );
    reply_survives_cuts(
        ConditionalCheckFailed {
            writer_id,
            event_number: 1,
            request_id: -1,
        },
        &[1, 8],
    );
    reply_survives_cuts(
        InvalidEventNumber {
            writer_id,
            request_id: 1,
            server_stack_trace: String::new(),
            event_number: -1,
        },
        &[1, 8, 10],
    );
    reply_survives_cuts(
        SegmentRead {
            segment: "s".into(),
            offset: 0,
            at_tail: false,
            end_of_segment: true,
            data: Payload::new(),
            request_id: -1,
        },
        &[1, 8],
    );
    reply_survives_cuts(
        StreamSegmentInfo {
            request_id: 1,
            segment: "s".into(),
            exists: true,
            is_sealed: false,
            is_deleted: false,
            last_modified: 1,
            write_offset: 1,
            start_offset: 0,
        },
        &[1, 8],
    );
}

#[test]
fn failures_without_their_late_fields() {
    let (segment, server_stack_trace) = (|| "s".into(), String::new);
    reply_survives_cuts(
        WrongHost {
            request_id: 1,
            segment: segment(),
            correct_host: String::new(),
            server_stack_trace: server_stack_trace(),
        },
        &[2],
    );
    reply_survives_cuts(
        SegmentIsSealed {
            request_id: 1,
            segment: segment(),
            server_stack_trace: server_stack_trace(),
            offset: -1,
        },
        &[1, 8, 10],
    );
    reply_survives_cuts(
        SegmentAlreadyExists {
            request_id: 1,
            segment: segment(),
            server_stack_trace: server_stack_trace(),
        },
        &[2],
    );
    reply_survives_cuts(
        NoSuchSegment {
            request_id: 1,
            segment: segment(),
            server_stack_trace: server_stack_trace(),
            offset: -1,
        },
        &[1, 8, 10],
    );
    reply_survives_cuts(
        SegmentIsTruncated {
            request_id: 1,
            segment: segment(),
            start_offset: 1,
            server_stack_trace: server_stack_trace(),
            offset: -1,
        },
        &[1, 8, 10],
    );
}

#[test]
fn failures_without_a_segment_without_their_late_fields() {
    let server_stack_trace = String::new;
    reply_survives_cuts(
        OperationUnsupported {
            request_id: 1,
            operation_name: "appending data".to_owned(),
            server_stack_trace: server_stack_trace(),
        },
        &[2],
    );
    reply_survives_cuts(
        AuthTokenCheckFailed {
            request_id: 1,
            server_stack_trace: server_stack_trace(),
            error_code: AuthTokenCheckFailed::UNSPECIFIED,
        },
        &[1, 4, 6],
    );
}

/// One byte is enough to expect a string, so half of its length is an error, as upstream.
#[test]
fn half_a_string_is_an_error() {
    let whole = Reply::from(WrongHost {
        request_id: 1,
        segment: "s".into(),
        correct_host: String::new(),
        server_stack_trace: String::new(),
    });
    let Frame { code, body } = only_frame(&whole.encode_to_bytes().unwrap());
    let body = body.slice(..body.len() - 1);
    assert_eq!(
        Reply::decode(Frame { code, body }),
        Err(DecodeError::Short {
            message: "WrongHost",
            field: "server_stack_trace",
            needed: 2,
            left: 1
        })
    );
}

fn with_more(frame: &Frame, more: &[u8]) -> Frame {
    let body = Bytes::from([&frame.body[..], more].concat());
    let code = frame.code;
    Frame { code, body }
}

proptest! {
    #[test]
    fn bytes_of_newer_peers_are_ignored(
        request in request(),
        reply in reply(),
        more in proptest::collection::vec(any::<u8>(), 1..20),
    ) {
        let takes_the_rest = matches!(
            request,
            Request::AppendBlock(_)
                | Request::Padding(_)
                | Request::Foreign(_)
                | Request::Unknown(_)
        );
        if !takes_the_rest {
            let frame = with_more(&only_frame(&request.encode_to_bytes().unwrap()), &more);
            prop_assert_eq!(Request::decode(frame), Ok(request));
        }
        if !matches!(reply, Reply::Foreign(_) | Reply::Unknown(_)) {
            let frame = with_more(&only_frame(&reply.encode_to_bytes().unwrap()), &more);
            prop_assert_eq!(Reply::decode(frame), Ok(reply));
        }
    }
}
