//! The bad frames: every reply, spoiled in every way.

use bytes::{BufMut, Bytes, BytesMut};
use pravega_client_shared::{FlowId, WriterId};
use pravega_wire_protocol::{
    AppendSetup, AuthTokenCheckFailed, ConditionalCheckFailed, DataAppended, ErrorMessage, Frame,
    HEADER_BYTES, Hello, InvalidEventNumber, KeepAlive, NoSuchSegment, OffsetLocated,
    OperationUnsupported, Reply, SegmentAlreadyExists, SegmentAttribute, SegmentAttributeUpdated,
    SegmentCreated, SegmentDeleted, SegmentIsSealed, SegmentIsTruncated, SegmentPolicyUpdated,
    SegmentRead, SegmentSealed, SegmentTruncated, StreamSegmentInfo, WrongHost, message_type,
};

/// What a client does about a bad frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// It closes the connection.
    Close,
    /// It goes on as if nothing had come.
    Ignore,
}

/// A frame that no honest server sends.
#[derive(Debug, Clone)]
pub(super) struct BadFrame {
    /// Which reply it was, and what was done to it.
    pub(super) name: String,
    pub(super) bytes: Bytes,
    pub(super) expected: Expected,
}

/// Stands for the id of the request that a client waits for, which is known when a frame is sent.
const ANY_ID: i64 = 0x7c3a_91e5_0b6d_42f8;

impl BadFrame {
    /// The frame for a client that waits for the reply with this id.
    pub(super) fn for_request(&self, id: i64) -> Bytes {
        let mut bytes = self.bytes.to_vec();
        let found = bytes
            .windows(8)
            .position(|eight| eight == ANY_ID.to_be_bytes());
        if let Some(at) = found {
            bytes[at..at + 8].copy_from_slice(&id.to_be_bytes());
        }
        bytes.into()
    }
}

/// Every bad frame about `segment`.
pub(super) fn all(segment: &str) -> Vec<BadFrame> {
    let mut all = Vec::new();
    for reply in replies(segment, ANY_ID) {
        spoiled(&reply, &mut all);
    }
    let stray = FlowId::new(FlowId::MAX).unwrap().request(7).to_wire();
    for reply in replies(segment, stray) {
        if reply.request_id() == Some(stray) {
            let is_failure = reply.is_failure();
            all.push(BadFrame {
                name: format!("{} for nobody", reply.name()),
                bytes: reply.encode_to_bytes().unwrap(),
                expected: match is_failure {
                    true => Expected::Close,
                    false => Expected::Ignore,
                },
            });
        }
    }
    all
}

/// Types that only clients send.
const REQUESTS: [i32; 8] = [
    message_type::SETUP_APPEND,
    message_type::APPEND_BLOCK,
    message_type::APPEND_BLOCK_END,
    message_type::CONDITIONAL_BLOCK_END,
    message_type::READ_SEGMENT,
    message_type::GET_STREAM_SEGMENT_INFO,
    message_type::CREATE_SEGMENT,
    message_type::SEAL_SEGMENT,
];

fn spoiled(reply: &Reply, all: &mut Vec<BadFrame>) {
    let whole = reply.encode_to_bytes().unwrap();
    let (code, body) = (reply.code(), whole.slice(HEADER_BYTES..));
    let mut add = |how: String, bytes: BytesMut| {
        all.push(BadFrame {
            name: format!("{}: {how}", reply.name()),
            bytes: bytes.freeze(),
            expected: Expected::Close,
        });
    };
    // P1: lengths that cannot be, told by the header alone.
    for length in [-1, i32::MIN, i32::MAX, 0x00ff_ffff + 1] {
        add(format!("length {length}"), frame(code, length, b""));
    }
    if !matches!(reply, Reply::SegmentRead(_)) {
        add(
            "above the limit".to_owned(),
            frame(code, 64 * 1024 + 1, b""),
        );
    }
    let length = i32::try_from(body.len()).unwrap();
    // P2: types that nobody knows, and requests.
    for other in [4_711, i32::MIN, 999].into_iter().chain(REQUESTS) {
        add(format!("as type {other}"), frame(other, length, &body));
    }
    // P3: what is inside does not fill the frame, or has no room in it, or is no text.
    let mut inside = |how: String, body: &[u8]| {
        let decoded = Reply::decode(Frame {
            code,
            body: Bytes::copy_from_slice(body),
        });
        // Some bytes may be anything, and the last fields may be missing, as older servers have it.
        if decoded.is_err() {
            let length = i32::try_from(body.len()).unwrap();
            add(how, frame(code, length, body));
        }
    };
    for cut in 0..body.len() {
        inside(format!("cut to {cut}"), &body[..cut]);
    }
    for extra in [1, 8, 100] {
        let longer = [&body[..], &vec![0; extra]].concat();
        inside(format!("{extra} bytes left over"), &longer);
    }
    for at in 0..body.len() {
        for byte in [0xff, 0x80, body[at] ^ 1] {
            let mut other = body.to_vec();
            other[at] = byte;
            inside(format!("byte {at} is {byte:#x}"), &other);
        }
    }
}

fn frame(code: i32, length: i32, body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_i32(code);
    frame.put_i32(length);
    frame.put_slice(body);
    frame
}

/// One of each kind of reply.
#[expect(clippy::too_many_lines, reason = "a list with one entry for each kind")]
fn replies(segment: &str, request_id: i64) -> Vec<Reply> {
    let writer_id = WriterId::from_wire(7);
    let name = || segment.into();
    let trace = || "at store".to_owned();
    let mut all = vec![
        Hello::current().into(),
        KeepAlive.into(),
        AppendSetup {
            request_id,
            segment: name(),
            writer_id,
            last_event_number: 0,
        }
        .into(),
        DataAppended {
            writer_id,
            event_number: 1,
            previous_event_number: 0,
            request_id,
            current_segment_write_offset: 10,
        }
        .into(),
        ConditionalCheckFailed {
            writer_id,
            event_number: 1,
            request_id,
        }
        .into(),
        InvalidEventNumber {
            writer_id,
            request_id,
            server_stack_trace: trace(),
            event_number: 1,
        }
        .into(),
        SegmentRead {
            segment: name(),
            offset: 0,
            at_tail: true,
            end_of_segment: false,
            data: b"data"[..].to_vec().into(),
            request_id,
        }
        .into(),
        StreamSegmentInfo {
            request_id,
            segment: name(),
            exists: true,
            is_sealed: false,
            is_deleted: false,
            last_modified: 1,
            write_offset: 10,
            start_offset: 0,
        }
        .into(),
        SegmentAttribute {
            request_id,
            value: 1,
        }
        .into(),
        SegmentAttributeUpdated {
            request_id,
            success: true,
        }
        .into(),
        OffsetLocated {
            request_id,
            segment: name(),
            offset: 3,
        }
        .into(),
    ];
    all.extend(done(segment, request_id));
    all.extend(failures(segment, request_id));
    all
}

fn done(segment: &str, request_id: i64) -> [Reply; 5] {
    let name = || segment.into();
    [
        SegmentCreated {
            request_id,
            segment: name(),
        }
        .into(),
        SegmentSealed {
            request_id,
            segment: name(),
        }
        .into(),
        SegmentDeleted {
            request_id,
            segment: name(),
        }
        .into(),
        SegmentPolicyUpdated {
            request_id,
            segment: name(),
        }
        .into(),
        SegmentTruncated {
            request_id,
            segment: name(),
        }
        .into(),
    ]
}

fn failures(segment: &str, request_id: i64) -> [Reply; 8] {
    let name = || segment.into();
    let trace = || "at store".to_owned();
    let offset = 5;
    [
        WrongHost {
            request_id,
            segment: name(),
            correct_host: "elsewhere".to_owned(),
            server_stack_trace: trace(),
        }
        .into(),
        SegmentIsSealed {
            request_id,
            segment: name(),
            server_stack_trace: trace(),
            offset,
        }
        .into(),
        SegmentAlreadyExists {
            request_id,
            segment: name(),
            server_stack_trace: trace(),
        }
        .into(),
        NoSuchSegment {
            request_id,
            segment: name(),
            server_stack_trace: trace(),
            offset,
        }
        .into(),
        SegmentIsTruncated {
            request_id,
            segment: name(),
            start_offset: 3,
            server_stack_trace: trace(),
            offset,
        }
        .into(),
        OperationUnsupported {
            request_id,
            operation_name: "reading".to_owned(),
            server_stack_trace: trace(),
        }
        .into(),
        AuthTokenCheckFailed {
            request_id,
            server_stack_trace: trace(),
            error_code: 0,
        }
        .into(),
        ErrorMessage {
            request_id,
            segment: name(),
            message: trace(),
            error_code: 0,
        }
        .into(),
    ]
}
