//! Bytes that no honest peer sends: no panic, no allocation by an unproven length, a typed error.

use bytes::{Bytes, BytesMut};
use pravega_wire_protocol::{
    AppendBlockEnd, DecodeError, EncodeError, Frame, FrameDecoder, FrameLimits, HEADER_BYTES,
    MAX_APPEND_BYTES, MAX_CONTROL_PAYLOAD, MAX_HELLO_PAYLOAD, MAX_RECEIVED_PAYLOAD,
    MAX_SENT_PAYLOAD, Payload, Reply, Request, SegmentSealed, SetupAppend, WrongHost, message_type,
};
use proptest::prelude::*;

use crate::{
    only_frame,
    strategy::{reply, request},
};

/// A decoded request encodes and decodes to itself; only a name in a longer encoding may not fit again.
fn request_is_stable(request: &Request) {
    match request.encode_to_bytes() {
        Ok(bytes) => assert_eq!(Request::decode(only_frame(&bytes)).as_ref(), Ok(request)),
        Err(error) => assert!(matches!(error, EncodeError::TextTooLong { .. }), "{error}"),
    }
}

/// See [`request_is_stable`].
fn reply_is_stable(reply: &Reply) {
    match reply.encode_to_bytes() {
        Ok(bytes) => assert_eq!(Reply::decode(only_frame(&bytes)).as_ref(), Ok(reply)),
        Err(error) => assert!(matches!(error, EncodeError::TextTooLong { .. }), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_beginning_of_a_frame_is_not_yet_a_frame(request in request()) {
        let bytes = request.encode_to_bytes().unwrap();
        let mut decoder = FrameDecoder::new(FrameLimits::SERVER);
        for end in 0..bytes.len().min(600) {
            let mut buffer = BytesMut::from(&bytes[..end]);
            prop_assert_eq!(decoder.decode_frame(&mut buffer), Ok(None));
            prop_assert_eq!(buffer.len(), end);
            let whole = if end < HEADER_BYTES { HEADER_BYTES } else { bytes.len() };
            prop_assert_eq!(decoder.missing(&buffer), whole - end);
        }
    }

    #[test]
    fn a_payload_that_ends_early_is_an_error_or_a_message(request in request(), reply in reply()) {
        let Frame { code, body } = only_frame(&request.encode_to_bytes().unwrap());
        for end in 0..body.len().min(600) {
            if let Ok(request) = Request::decode(Frame { code, body: body.slice(..end) }) {
                request_is_stable(&request);
            }
        }
        let Frame { code, body } = only_frame(&reply.encode_to_bytes().unwrap());
        for end in 0..body.len().min(600) {
            if let Ok(reply) = Reply::decode(Frame { code, body: body.slice(..end) }) {
                reply_is_stable(&reply);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_another_message(request in request(), reply in reply()) {
        let Frame { code, body } = only_frame(&request.encode_to_bytes().unwrap());
        for bit in 0..body.len().min(120) * 8 {
            let mut flipped = BytesMut::from(&body[..]);
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(request) = Request::decode(Frame { code, body: flipped.freeze() }) {
                request_is_stable(&request);
            }
        }
        let Frame { code, body } = only_frame(&reply.encode_to_bytes().unwrap());
        for bit in 0..body.len().min(120) * 8 {
            let mut flipped = BytesMut::from(&body[..]);
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(reply) = Reply::decode(Frame { code, body: flipped.freeze() }) {
                reply_is_stable(&reply);
            }
        }
    }
}

proptest! {
    #[test]
    fn garbage_of_every_type_is_an_error_or_a_message(
        code in -130..130_i32,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let body = Bytes::from(body);
        if let Ok(request) = Request::decode(Frame { code, body: body.clone() }) {
            request_is_stable(&request);
            prop_assert_eq!(request.code(), code);
        }
        if let Ok(reply) = Reply::decode(Frame { code, body }) {
            reply_is_stable(&reply);
            prop_assert_eq!(reply.code(), code);
        }
    }

    #[test]
    fn a_header_never_reserves_memory(header in any::<[u8; HEADER_BYTES]>()) {
        for limits in [FrameLimits::HELLO, FrameLimits::CLIENT, FrameLimits::SERVER] {
            let mut decoder = FrameDecoder::new(limits);
            let mut buffer = BytesMut::from(&header[..]);
            let capacity = buffer.capacity();
            let outcome = decoder.decode_frame(&mut buffer);
            prop_assert!(buffer.capacity() <= capacity);
            let missing = decoder.missing(&header);
            prop_assert!(missing <= usize::try_from(limits.max_bulk_payload).unwrap());
            prop_assert!(outcome.is_ok() || (missing == 0 && buffer == header[..]));
        }
    }
}

fn header(code: i32, length: i32) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.extend_from_slice(&code.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes
}

fn refuses(limits: FrameLimits, code: i32, length: u32) -> bool {
    let mut buffer = header(code, length.try_into().unwrap());
    match FrameDecoder::new(limits).decode_frame(&mut buffer) {
        Err(DecodeError::FrameTooLarge { announced, .. }) => announced == length,
        other => {
            // A frame without payload is complete with its header.
            assert!(matches!(other, Ok(frame) if frame.is_none() || length == 0));
            false
        }
    }
}

#[test]
fn each_state_has_its_limits() {
    let hello = FrameLimits::HELLO;
    assert!(!refuses(hello, message_type::HELLO, MAX_HELLO_PAYLOAD));
    assert!(refuses(
        hello,
        message_type::SEGMENT_READ,
        MAX_HELLO_PAYLOAD + 1
    ));
    let client = FrameLimits::CLIENT;
    assert!(!refuses(
        client,
        message_type::SEGMENT_READ,
        MAX_RECEIVED_PAYLOAD
    ));
    assert!(refuses(
        client,
        message_type::SEGMENT_READ,
        MAX_RECEIVED_PAYLOAD + 1
    ));
    assert!(!refuses(
        client,
        message_type::NO_SUCH_SEGMENT,
        MAX_CONTROL_PAYLOAD
    ));
    assert!(refuses(
        client,
        message_type::NO_SUCH_SEGMENT,
        MAX_CONTROL_PAYLOAD + 1
    ));
    let server = FrameLimits::SERVER;
    assert!(!refuses(
        server,
        message_type::APPEND_BLOCK_END,
        MAX_SENT_PAYLOAD
    ));
    assert!(refuses(
        server,
        message_type::APPEND_BLOCK_END,
        MAX_SENT_PAYLOAD + 1
    ));
    assert!(refuses(
        server,
        message_type::READ_SEGMENT,
        MAX_CONTROL_PAYLOAD + 1
    ));
    let mut decoder = FrameDecoder::new(hello);
    decoder.set_max_payload(5);
    assert_eq!(decoder.limits(), FrameLimits::new(5));
    decoder.set_limits(client);
    assert_eq!(decoder.limits(), client);
}

#[test]
fn a_negative_length_is_refused_again_and_again() {
    let mut buffer = header(message_type::HELLO, -1);
    let mut decoder = FrameDecoder::new(FrameLimits::CLIENT);
    let error = DecodeError::NegativeFrame {
        code: message_type::HELLO,
        announced: -1,
    };
    for _ in 0..2 {
        assert_eq!(decoder.decode_frame(&mut buffer), Err(error.clone()));
    }
    assert_eq!(buffer.len(), HEADER_BYTES);
    assert!(!error.is_retryable());
}

/// Lengths inside a payload promise up to 2 GiB; the reader only ever cuts slices.
#[test]
fn lying_lengths_inside_a_payload_are_refused() {
    let end = Request::from(AppendBlockEnd {
        writer_id: pravega_client_shared::WriterId::from_wire(1),
        size_of_whole_events: 0,
        data: Payload::from(&b"abc"[..]),
        num_events: 1,
        last_event_number: 1,
        request_id: 1,
    });
    let Frame { code, body } = only_frame(&end.encode_to_bytes().unwrap());
    let with_length = |length: i32| {
        let mut bomb = BytesMut::from(&body[..]);
        bomb[20..24].copy_from_slice(&length.to_be_bytes());
        Request::decode(Frame {
            code,
            body: bomb.freeze(),
        })
    };
    assert_eq!(with_length(3), Ok(end));
    let (message, field) = ("AppendBlockEnd", "data");
    assert_eq!(
        with_length(i32::MAX),
        Err(DecodeError::Short {
            message,
            field,
            needed: 0x7fff_ffff,
            left: 23
        })
    );
    for length in [-1, i32::MIN] {
        assert_eq!(
            with_length(length),
            Err(DecodeError::NegativeField {
                message,
                field,
                length
            })
        );
    }
}

#[test]
fn names_and_tokens_must_be_text_and_prose_need_not() {
    let sealed = |name: &'static [u8]| Frame {
        code: message_type::SEGMENT_SEALED,
        body: Bytes::from([&1_i64.to_be_bytes()[..], &[0, 2], name].concat()),
    };
    assert_eq!(
        Reply::decode(sealed(b"\xff\xfe")),
        Err(DecodeError::BadText {
            message: "SegmentSealed",
            field: "segment"
        })
    );
    // Java's NUL.
    assert_eq!(
        Reply::decode(sealed(b"\xc0\x80")),
        Ok(SegmentSealed {
            request_id: 1,
            segment: "\0".into()
        }
        .into())
    );
    let refused = Frame {
        code: message_type::AUTH_TOKEN_CHECK_FAILED,
        body: Bytes::from([&1_i64.to_be_bytes()[..], &[0, 2], b"a\xff"].concat()),
    };
    assert!(matches!(
        Reply::decode(refused),
        Ok(Reply::AuthTokenCheckFailed(failed)) if failed.server_stack_trace == "a\u{fffd}"
    ));
}

#[test]
fn a_nested_frame_of_the_wrong_type_is_refused() {
    let body = [0_u8; 16 + 8 + 8 + 3]
        .into_iter()
        .chain([9, 0, 0, 0, 0])
        .collect();
    assert_eq!(
        Request::decode(Frame {
            code: message_type::CONDITIONAL_APPEND,
            body
        }),
        Err(DecodeError::BadNesting {
            message: "ConditionalAppend",
            field: "event",
            found: 9
        })
    );
}

#[test]
fn what_no_peer_would_accept_is_not_sent() {
    let setup = |segment: &str| {
        Request::from(SetupAppend {
            request_id: 1,
            writer_id: pravega_client_shared::WriterId::from_wire(1),
            segment: segment.into(),
            delegation_token: Default::default(),
        })
    };
    let mut queue = pravega_wire_protocol::FrameQueue::new();
    assert!(setup(&"a".repeat(65_535)).encode(&mut queue).is_ok());
    queue.clear();
    let error = setup(&"\0".repeat(32_768)).encode(&mut queue).unwrap_err();
    assert!(
        matches!(
            error,
            EncodeError::TextTooLong {
                field: "segment",
                length: 65_536,
                ..
            }
        ),
        "{error}"
    );
    let append = |bytes: usize| {
        Request::from(AppendBlockEnd {
            writer_id: pravega_client_shared::WriterId::from_wire(1),
            size_of_whole_events: 0,
            data: Bytes::from(vec![0; bytes]).into(),
            num_events: 1,
            last_event_number: 1,
            request_id: 1,
        })
    };
    let error = append(MAX_APPEND_BYTES + 1).encode(&mut queue).unwrap_err();
    assert!(
        matches!(
            error,
            EncodeError::MessageTooLarge {
                length: 16_777_208,
                ..
            }
        ),
        "{error}"
    );
    assert!(queue.is_empty(), "a refused message left bytes behind");
    assert!(append(MAX_APPEND_BYTES).encode(&mut queue).is_ok());
    assert_eq!(
        queue.len(),
        HEADER_BYTES + usize::try_from(MAX_SENT_PAYLOAD).unwrap()
    );
}

/// A rope of many clones of one chunk can be longer than memory.
#[test]
fn an_absurd_rope_is_refused() {
    let chunk = Bytes::from(vec![0; 1 << 20]);
    let request = Request::from(pravega_wire_protocol::AppendBlock {
        writer_id: pravega_client_shared::WriterId::from_wire(1),
        data: Payload::from_chunks(vec![chunk; 1 << 13]),
    });
    assert!(matches!(
        request.encode_to_bytes(),
        Err(EncodeError::MessageTooLarge { length, .. }) if length == 16 + (1 << 33)
    ));
}

/// A failure must always be tellable, however long the server's stack trace is.
#[test]
fn long_prose_is_cut_between_characters() {
    let failure = WrongHost {
        request_id: 1,
        segment: "s".into(),
        correct_host: String::new(),
        server_stack_trace: format!("a{}", "\u{1F600}".repeat(11_000)),
    };
    let bytes = Reply::from(failure).encode_to_bytes().unwrap();
    let Ok(Reply::WrongHost(told)) = Reply::decode(only_frame(&bytes)) else {
        panic!("no WrongHost");
    };
    // 65,535 bytes hold the first letter and 10,922 characters of 6 bytes each.
    assert_eq!(told.server_stack_trace.chars().count(), 10_923);
}
