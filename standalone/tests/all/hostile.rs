//! Bytes that no client should send.

use bytes::{BufMut, BytesMut};
use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{
    ConditionalBlockEnd, GetStreamSegmentInfo, Hello, KeepAlive, LocateOffset, MAX_APPEND_BYTES,
    Reply, Request, TruncateSegment, UpdateSegmentAttribute, UpdateSegmentPolicy,
};

use crate::{
    peer::{Peer, append_request, conditional_request, read_request},
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";

fn frame(code: i32, payload: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_i32(code);
    frame.put_i32(i32::try_from(payload.len()).unwrap());
    frame.put_slice(payload);
    frame
}

async fn with_segment(server: &Server) -> Peer {
    let mut peer = server.connect().await;
    peer.create(S).await;
    peer.set_up(1, S).await;
    peer
}

#[tokio::test]
async fn p1_p2_p3_garbage_closes_only_its_own_connection() {
    let server = Server::in_memory().await;
    let mut witness = with_segment(&server).await;
    let mut negative = BytesMut::new();
    negative.put_i32(11);
    negative.put_i32(-1);
    let mut oversize = BytesMut::new();
    oversize.put_i32(4);
    oversize.put_i32(16_777_208);
    let mut huge_info = BytesMut::new();
    huge_info.put_i32(11);
    huge_info.put_i32(16_777_200);
    let bad = [
        BytesMut::from(&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..]),
        frame(12345, b""),
        frame(-99, b"abc"),
        negative,
        oversize,
        huge_info,
        frame(12, &[0; 60]),   // a reply
        frame(0, b"event"),    // nested only
        frame(-2, b"partial"), // nested only
        frame(-3, &[0; 20]),   // for administrators
        frame(11, &[0; 7]),    // a field is missing
        frame(9, &[0xff; 40]), // a length that lies
        frame(1, &[0xc0; 64]), // no text
    ];
    for bytes in bad {
        let mut peer = server.connect().await;
        peer.send_bytes(&bytes).await;
        peer.assert_closed().await;
        // Also as the very first bytes.
        let mut peer = server.connect_silently().await;
        peer.send_bytes(&bytes).await;
        peer.assert_closed().await;
    }
    witness.append(1, 1, "still here").await;
}

#[tokio::test]
async fn one_byte_more_than_the_largest_append_closes() {
    let server = Server::in_memory().await;
    let mut peer = with_segment(&server).await;
    let Ok(frame) =
        Request::from(append_request(1, 1, vec![0; MAX_APPEND_BYTES])).encode_to_bytes()
    else {
        panic!();
    };
    let mut frame = BytesMut::from(&frame[..8]);
    frame[4..8].copy_from_slice(&16_777_208_i32.to_be_bytes());
    peer.send_bytes(&frame).await;
    peer.assert_closed().await;
}

#[tokio::test]
async fn odd_but_legal_frames_are_taken() {
    let server = Server::in_memory().await;
    let mut peer = server.connect_silently().await;
    // No hello at all.
    assert!(matches!(peer.create(S).await, Reply::SegmentCreated(_)));
    peer.send_bytes(&frame(-1, &[0; 100])).await; // padding
    peer.send_bytes(&frame(100, b"payload")).await; // sign of life with a payload
    assert_eq!(peer.receive().await, KeepAlive.into());
    // Bytes behind the last field.
    let info = GetStreamSegmentInfo {
        request_id: 5,
        segment: S.into(),
        delegation_token: DelegationToken::default(),
    };
    let mut payload = BytesMut::from(&Request::from(info).encode_to_bytes().unwrap()[8..]);
    payload.put_slice(b"from the future");
    peer.send_bytes(&frame(11, &payload)).await;
    assert!(matches!(peer.receive().await, Reply::StreamSegmentInfo(_)));
    // A read without its request id.
    let read = Request::from(read_request(S, 0, 8, 77))
        .encode_to_bytes()
        .unwrap();
    peer.seal(S).await;
    peer.send_bytes(&frame(9, &read[8..read.len() - 8])).await;
    assert!(matches!(peer.receive().await, Reply::SegmentRead(read) if read.request_id == -1));
}

/// Requests about `S` with numbers at the edges of what a field can hold.
fn with_extreme_numbers() -> Vec<Request> {
    let delegation_token = DelegationToken::default();
    let of_offsets = [i64::MIN, i64::MIN + 1, -1, i64::MAX - 1, i64::MAX].map(|edge| {
        let truncate = TruncateSegment {
            request_id: edge,
            segment: S.into(),
            truncation_offset: edge,
            delegation_token: delegation_token.clone(),
        };
        let locate = LocateOffset {
            request_id: edge,
            segment: S.into(),
            target_offset: edge,
            delegation_token: delegation_token.clone(),
        };
        let swap = UpdateSegmentAttribute {
            request_id: edge,
            segment: S.into(),
            attribute_id: 77,
            new_value: edge,
            expected_value: edge.wrapping_sub(1),
            delegation_token: delegation_token.clone(),
        };
        let condition = ConditionalBlockEnd {
            request_id: edge,
            // A negative offset is no condition.
            ..conditional_request(2, 1, edge.max(6), "never")
        };
        [
            truncate.into(),
            locate.into(),
            swap.into(),
            condition.into(),
        ]
    });
    let of_rates = [i32::MIN, -1, i32::MAX].map(|edge| {
        let policy = UpdateSegmentPolicy {
            request_id: 3,
            segment: S.into(),
            target_rate: edge,
            scale_type: if edge < 0 { i8::MIN } else { i8::MAX },
            delegation_token: delegation_token.clone(),
        };
        let read = read_request(S, 0, edge, 4);
        [policy.into(), read.into()]
    });
    let all = of_offsets.into_iter().flatten();
    all.chain(of_rates.into_iter().flatten()).collect()
}

/// What a real server closes for, without a word.
fn is_illegal(request: &Request) -> bool {
    matches!(request, Request::TruncateSegment(truncate) if truncate.truncation_offset < 0)
}

on_both! {
    async fn a6_numbers_at_the_edges_change_no_byte(server) {
        let mut witness = with_segment(&server).await;
        assert_eq!(witness.append(1, 1, "bytes").await, 5);
        for request in with_extreme_numbers() {
            let (shown, is_illegal) = (format!("{request:?}"), is_illegal(&request));
            let mut peer = server.connect().await;
            peer.set_up(2, S).await;
            peer.send(request).await;
            let reply = peer.next().await;
            assert_eq!(reply.is_none(), is_illegal, "{shown}: {reply:?}");
            assert!(!format!("{reply:?}").contains(".rs:"), "{shown} is told where: {reply:?}");
        }
        let info = witness.info(S).await;
        assert_eq!((info.start_offset, info.write_offset, info.is_sealed), (0, 5, false));
        assert_eq!(witness.append(1, 2, " more").await, 10);
        assert_eq!(witness.read_to_tail(S, 0).await, b"bytes more");
    }
}

#[tokio::test]
async fn commands_for_others_are_refused_by_name() {
    let server = Server::in_memory().await;
    let mut peer = server.connect().await;
    let mut payload = BytesMut::new();
    payload.put_i64(42);
    payload.put_slice(&[0; 20]);
    peer.send_bytes(&frame(70, &payload)).await;
    let reply = peer.receive().await;
    assert!(
        matches!(&reply, Reply::OperationUnsupported(no) if no.request_id == 42
            && no.operation_name == "CreateTableSegment"),
        "{reply:?}"
    );
    peer.assert_nothing_comes().await;
}

#[tokio::test]
async fn p13_hello_is_answered_before_the_versions_are_judged() {
    let server = Server::in_memory().await;
    for (high, low, fits) in [
        (17, 5, true),
        (15, 5, true),
        (99, 17, true),
        (5, 1, true),
        (99, 18, false),
        (4, 1, false),
    ] {
        let mut peer = server.connect_silently().await;
        let hello = Hello {
            high_version: high,
            low_version: low,
        };
        assert_eq!(
            peer.call(hello).await,
            Hello {
                high_version: 17,
                low_version: 5
            }
            .into()
        );
        if fits {
            peer.assert_nothing_comes().await;
        } else {
            peer.assert_closed().await;
        }
    }
}

#[tokio::test]
async fn n3_a_cut_frame_is_never_applied() {
    let server = Server::in_memory().await;
    let mut peer = with_segment(&server).await;
    let whole = Request::from(append_request(1, 1, vec![9; 5000]))
        .encode_to_bytes()
        .unwrap();
    peer.send_bytes(&whole[..whole.len() - 1]).await;
    drop(peer);
    let mut other = server.connect().await;
    assert_eq!(other.set_up(1, S).await, i64::MIN);
    assert_eq!(other.info(S).await.write_offset, 0);
    assert_eq!(other.append(1, 1, "x").await, 1);
}

#[tokio::test]
async fn frames_in_single_bytes_are_understood() {
    let server = Server::in_memory().await;
    let mut peer = with_segment(&server).await;
    let frame = Request::from(append_request(1, 1, "dripping"))
        .encode_to_bytes()
        .unwrap();
    for byte in &frame {
        peer.send_bytes(&[*byte]).await;
    }
    assert_eq!(peer.acked(1).await.current_segment_write_offset, 8);
}

/// A peer that never reads its replies is not read from for ever, and harms nobody else.
#[tokio::test]
async fn a2_replies_nobody_reads_are_bounded() {
    let server = Server::with_limits(|limits| limits.max_reply_bytes = 1024 * 1024).await;
    let mut peer = with_segment(&server).await;
    peer.append(1, 1, vec![7; 2 * 1024 * 1024]).await;
    let request = Request::from(read_request(S, 0, i32::MAX, 1))
        .encode_to_bytes()
        .unwrap();
    let mut sent = 0_usize;
    // 64 GiB of replies are asked for: the requests back up instead.
    while sent < 32 * 1024 {
        match peer.socket.try_write(&request) {
            Ok(count) if count == request.len() => sent += 1,
            Ok(_) => break,
            Err(_) if sent > 100 => break,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    let mut other = server.connect().await;
    assert_eq!(other.info(S).await.write_offset, 2 * 1024 * 1024);
    // And who starts reading late gets everything in order.
    for _ in 0..10 {
        assert!(
            matches!(peer.receive().await, Reply::SegmentRead(read) if read.data.len() == 2 * 1024 * 1024)
        );
    }
}
