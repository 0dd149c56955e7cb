//! Attacks A6 and A7: numbers at the ends of their range, and texts that are no texts for a terminal.

use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{
    CreateSegment, DeleteSegment, GetSegmentAttribute, LocateOffset, Reply, Request,
    UpdateSegmentAttribute, UpdateSegmentPolicy,
};

use crate::{
    peer::{append_request, conditional_request, read_request},
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";

/// Both ends of the range, what is beside them, and what overflows when a few bytes are added.
const NUMBERS: [i64; 12] = [
    i64::MIN,
    i64::MIN + 1,
    -(1 << 32) - 1,
    -1 << 31,
    -2,
    -1,
    1 << 31,
    1 << 32,
    1 << 62,
    i64::MAX - 8,
    i64::MAX - 1,
    i64::MAX,
];

fn lengths() -> impl Iterator<Item = i32> {
    [i32::MIN, -1, 0, 1, i32::MAX].into_iter()
}

/// Every request that has a number in it, with this one.
fn with_number(number: i64) -> Vec<Request> {
    let (segment, delegation_token) = (|| S.into(), DelegationToken::default);
    let small = i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX });
    let mut requests: Vec<Request> = vec![
        append_request(1, number, "x").into(),
        conditional_request(1, 1, number, "x").into(),
        conditional_request(1, number, number, "x").into(),
        LocateOffset {
            request_id: number,
            segment: segment(),
            target_offset: number,
            delegation_token: delegation_token(),
        }
        .into(),
        UpdateSegmentAttribute {
            request_id: number,
            segment: segment(),
            attribute_id: 7,
            new_value: number,
            expected_value: number,
            delegation_token: delegation_token(),
        }
        .into(),
        GetSegmentAttribute {
            request_id: number,
            segment: segment(),
            attribute_id: u128::MAX,
            delegation_token: delegation_token(),
        }
        .into(),
        UpdateSegmentPolicy {
            request_id: number,
            segment: segment(),
            target_rate: small,
            scale_type: i8::MIN,
            delegation_token: delegation_token(),
        }
        .into(),
        CreateSegment {
            request_id: number,
            segment: segment(),
            target_rate: small,
            scale_type: i8::MAX,
            delegation_token: delegation_token(),
            rollover_size_bytes: number,
        }
        .into(),
    ];
    requests.extend(lengths().map(|length| read_request(S, number, length, number).into()));
    requests
}

on_both! {
    async fn a6_numbers_at_the_ends_of_their_range_break_nothing(server) {
        let mut witness = server.connect().await;
        witness.create(S).await;
        witness.set_up(9, S).await;
        witness.append(9, 1, "here to stay").await;
        let (mut tail, mut most) = (12, 12);
        for number in NUMBERS {
            for request in with_number(number) {
                let mut peer = server.connect().await;
                peer.set_up(1, S).await;
                peer.send(request).await;
                // Answered, waiting or closed; and the store goes on.
                drop(peer);
                most += 1;
                let info = witness.info(S).await;
                assert!((tail..=most).contains(&info.write_offset), "{number}: {info:?}");
                tail = info.write_offset;
                assert_eq!((info.start_offset, info.is_sealed), (0, false), "{number}");
            }
            let mut peer = server.connect().await;
            peer.send(pravega_wire_protocol::TruncateSegment {
                request_id: 1,
                segment: S.into(),
                truncation_offset: number,
                delegation_token: DelegationToken::default(),
            }).await;
            let answer = peer.next().await;
            assert!(matches!(answer, None | Some(Reply::SegmentIsTruncated(_))), "{number}: {answer:?}");
        }
        assert_eq!(witness.read(S, 0, 12).await.data.into_bytes(), "here to stay");
    }
}

/// The text in a reply that the server makes up itself.
fn texts(reply: &Reply) -> Vec<&str> {
    match reply {
        Reply::NoSuchSegment(it) => vec![&it.server_stack_trace],
        Reply::SegmentAlreadyExists(it) => vec![&it.server_stack_trace],
        Reply::ErrorMessage(it) => vec![&it.message],
        Reply::OperationUnsupported(it) => vec![&it.server_stack_trace, &it.operation_name],
        _ => vec![],
    }
}

#[tokio::test]
async fn a7_peers_are_told_short_texts_of_ours_and_no_stack_traces() {
    let server = Server::in_memory().await;
    let mut peer = server.connect().await;
    let odd = [
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "line\r\nline",
        "\u{202e}backwards",
        &"x".repeat(5_000),
    ];
    for name in odd {
        let replies = [
            peer.call(DeleteSegment {
                request_id: 1,
                segment: name.into(),
                delegation_token: DelegationToken::default(),
            })
            .await,
            peer.call(read_request(name, 0, 8, 2)).await,
            peer.seal(name).await,
            peer.create(name).await,
            peer.create(name).await,
        ];
        for reply in replies {
            for text in texts(&reply) {
                assert!(text.len() <= 100, "{text}");
                assert!(
                    text.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
                    "{text:?}"
                );
                assert!(
                    !text.contains(".rs:") && !text.contains("panicked"),
                    "{text}"
                );
            }
        }
    }
}
