//! Numbers and words of the interface that no frame shows.

use bytes::Bytes;
use pravega_wire_protocol::{
    AuthTokenCheckFailed, EncodeError, ErrorMessage, Foreign, Frame, Hello, MAX_CONTROL_PAYLOAD,
    MAX_READ_BYTES, MERGE_LIMIT, Payload, Reply, Unknown, negotiate,
};

#[test]
fn limits_are_what_the_protocol_and_other_clients_have() {
    assert_eq!(MAX_READ_BYTES, 2_097_152);
    assert_eq!(MAX_CONTROL_PAYLOAD, 65_536);
    assert_eq!(MERGE_LIMIT, 8_192);
    assert_eq!(AuthTokenCheckFailed::UNSPECIFIED, -1);
    assert_eq!(ErrorMessage::UNSPECIFIED, -1);
}

#[test]
fn only_an_expired_token_is_told_apart() {
    for (error_code, is_expired) in [(-1, false), (0, false), (1, true), (2, false)] {
        let failure = AuthTokenCheckFailed {
            request_id: 1,
            server_stack_trace: String::new(),
            error_code,
        };
        assert_eq!(failure.is_expired(), is_expired, "{error_code}");
    }
}

#[test]
fn t84_bodies_are_never_shown() {
    let body = Bytes::from_static(b"a secret");
    let code = 86;
    let foreign = Foreign {
        code,
        name: "CreateTableSegment",
        body: body.clone(),
    };
    let unknown = Unknown {
        code,
        body: body.clone(),
    };
    let shown = [
        format!("{foreign:?}"),
        format!("{:?}", Reply::Unknown(unknown)),
        format!("{:?}", Frame { code, body }),
        format!("{:?}", Payload::from(&b"a secret"[..])),
    ];
    for text in &shown {
        assert!(!text.contains("secret") && text.contains('8'), "{text}");
    }
    assert!(shown[0].contains("CreateTableSegment"));
}

#[test]
fn what_can_never_work_is_not_to_be_tried_again() {
    let message = "AppendBlockEnd";
    let field = "segment";
    let (length, max) = (70_000, u16::MAX);
    let error = EncodeError::TextTooLong {
        message,
        field,
        length,
        max,
    };
    assert!(!error.is_retryable());
    let peer = Hello {
        high_version: 4,
        low_version: 1,
    };
    assert!(!negotiate(&peer).unwrap_err().is_retryable());
}

#[test]
fn payloads_are_equal_when_their_bytes_are() {
    let whole = Payload::from(b"four words of text".to_vec());
    assert_eq!(whole.len(), 18);
    assert!(!whole.is_empty() && Payload::new().is_empty());
    let parts = [&b"four words"[..], b" of text"].map(Bytes::from_static);
    assert_eq!(whole, Payload::from_chunks(parts.to_vec()));
    assert_eq!(whole, Payload::from(&b"four words of text"[..]));
    assert_ne!(whole, Payload::from(&b"four words of test"[..]));
    assert_ne!(whole, Payload::new());
}
