//! Peers that send what no segment store sends: rows P1, P2, P3, N3 and A8.

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, FlowId};
use pravega_connection_pool::{ConnectionError, Flow};
use pravega_wire_protocol::{ReadSegment, Reply, Request, SegmentRead, Unknown};

use crate::support::{
    Recorder, config, handler, info_reply,
    peer::{Joined, join},
};

/// What the connection makes of these bytes.
async fn cause_of(bytes: &[u8]) -> ConnectionError {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    joined.peer.send_raw(bytes).await;
    let cause = recorder.wait_for_end().await;
    assert!(joined.connection.is_closed());
    assert_eq!(joined.peer.next().await, None);
    cause
}

fn header(code: i32, length: i32) -> Vec<u8> {
    [code.to_be_bytes(), length.to_be_bytes()].concat()
}

const SEGMENT_READ: i32 = 10;
const INFO: i32 = 12;

#[tokio::test(start_paused = true)]
async fn p1_lengths_that_cannot_be_are_refused_from_the_header() {
    let headers = [
        header(INFO, -1),
        header(INFO, i32::MIN),
        header(INFO, i32::MAX),
        // A control reply above 64 KiB.
        header(INFO, 64 * 1024 + 1),
        // A read reply though nothing was asked for.
        header(SEGMENT_READ, 1024 * 1024),
        header(SEGMENT_READ, i32::MAX),
    ];
    for bytes in headers {
        let cause = cause_of(&bytes).await;
        assert!(
            matches!(cause, ConnectionError::Malformed { .. }),
            "{cause:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn p2_unknown_and_foreign_types_close_the_connection() {
    for code in [999, -77, 1, 90] {
        let frame = Reply::Unknown(Unknown {
            code,
            body: Bytes::from_static(b"abc"),
        });
        let cause = cause_of(&frame.encode_to_bytes().unwrap()).await;
        let ConnectionError::UnknownReply { code: told, .. } = cause else {
            panic!("unexpected {cause:?}");
        };
        assert_eq!(told, code);
        assert!(cause.is_retryable());
    }
}

#[tokio::test(start_paused = true)]
async fn p3_inner_lengths_that_lie_close_the_connection() {
    let mut whole = info_reply(FlowId::new(0).unwrap().request(0).to_wire(), 1)
        .encode_to_bytes()
        .unwrap()
        .to_vec();
    // The length of the segment's name, behind header and request id.
    whole[16..18].copy_from_slice(&[0xff, 0xff]);
    let cause = cause_of(&whole).await;
    assert!(
        matches!(cause, ConnectionError::Malformed { .. }),
        "{cause:?}"
    );
    let cause = cause_of(&header(INFO, 0)).await;
    assert!(
        matches!(cause, ConnectionError::Malformed { .. }),
        "{cause:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn n3_a_frame_that_is_cut_is_dropped_whole() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    let id = flow.id().request(0).to_wire();
    let frame = info_reply(id, 2).encode_to_bytes().unwrap();
    joined.peer.send(info_reply(id, 1)).await;
    joined.peer.send_raw(&frame[..frame.len() - 1]).await;
    drop(joined.peer);
    let cause = recorder.wait_for_end().await;
    assert!(
        matches!(cause, ConnectionError::CutFrame { .. }),
        "{cause:?}"
    );
    assert_eq!(recorder.replies(), [info_reply(id, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_close_between_frames_is_told_from_a_cut() {
    let joined = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    drop(joined.peer);
    let cause = recorder.wait_for_end().await;
    assert!(
        matches!(cause, ConnectionError::ClosedByPeer { .. }),
        "{cause:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_single_byte_flipped_never_panics() {
    let flow = FlowId::new(0).unwrap();
    let frame = info_reply(flow.request(0).to_wire(), 1)
        .encode_to_bytes()
        .unwrap();
    for at in 0..frame.len() {
        let mut joined = join(&config()).await;
        let recorder = Recorder::new();
        let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
        let mut bytes = frame.to_vec();
        bytes[at] ^= 0xff;
        joined.peer.send_raw(&bytes).await;
        drop(joined.peer);
        recorder.wait_for_end().await;
        assert!(recorder.replies().len() <= 1);
    }
}

fn ask(flow: &Flow, length: i32) {
    flow.enqueue(&Request::from(ReadSegment {
        segment: "s/t/0.#epoch.0".into(),
        offset: 0,
        suggested_length: length,
        delegation_token: DelegationToken::default(),
        request_id: flow.id().request(0).to_wire(),
    }))
    .unwrap();
    flow.pump();
}

fn read_reply(flow: &Flow, data: Vec<u8>) -> Reply {
    Reply::from(SegmentRead {
        segment: "s/t/0.#epoch.0".into(),
        offset: 0,
        at_tail: false,
        end_of_segment: false,
        data: data.into(),
        request_id: flow.id().request(0).to_wire(),
    })
}

#[tokio::test(start_paused = true)]
async fn large_read_replies_pass_when_they_were_asked_for_and_share_one_memory() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join(&config()).await;
    let recorder = Recorder::new();
    let flow = connection.open_flow(handler(&recorder)).unwrap();
    for round in 1_usize..=4 {
        let length = 700_000 * round;
        ask(&flow, i32::try_from(length).unwrap());
        peer.next_id().await;
        let data: Vec<u8> = (0..length)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        peer.send(read_reply(&flow, data.clone())).await;
        peer.send(read_reply(&flow, vec![7; 3])).await;
        let replies = recorder.wait_for(round * 2).await;
        let [.., Reply::SegmentRead(large), Reply::SegmentRead(small)] = &replies[..] else {
            panic!("unexpected {replies:?}");
        };
        assert_eq!(large.data.chunks().len(), 1);
        assert_eq!(large.data.clone().into_bytes(), data);
        assert_eq!(small.data.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_reply_far_beyond_what_was_asked_for_is_refused() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join(&config()).await;
    let recorder = Recorder::new();
    let flow = connection.open_flow(handler(&recorder)).unwrap();
    ask(&flow, 1_000);
    peer.next_id().await;
    peer.send_raw(&header(SEGMENT_READ, 1_000_000)).await;
    let cause = recorder.wait_for_end().await;
    assert!(
        matches!(cause, ConnectionError::Malformed { .. }),
        "{cause:?}"
    );
}
