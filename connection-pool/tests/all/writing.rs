//! The way out: slow peers, large requests, failed writes. Rows N1, N5.

use std::time::Duration;

use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_connection_pool::{ConnectionError, Flow};
use pravega_wire_protocol::{AppendBlockEnd, Request};
use tokio::time::timeout;

use crate::support::{
    Recorder, config, handler, info, info_reply,
    peer::{Joined, join, join_through},
};

fn block(flow: &Flow, number: u32, data: Bytes) -> Request {
    Request::from(AppendBlockEnd {
        writer_id: WriterId::from_wire(1),
        size_of_whole_events: 0,
        data: data.into(),
        num_events: 1,
        last_event_number: number.into(),
        request_id: flow.id().request(number).to_wire(),
    })
}

#[tokio::test(start_paused = true)]
async fn n5_a_slow_peer_holds_nobody_up_and_the_queue_holds_what_was_put_in() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join_through(&config(), 1_000).await;
    let flow = connection.open_flow(Recorder::new()).unwrap();
    let data = Bytes::from(vec![5; 100_000]);
    for number in 0..50 {
        flow.enqueue(&block(&flow, number, data.clone())).unwrap();
        flow.pump();
        let before = connection.stats().queued_bytes;
        flow.pump();
        assert_eq!(connection.stats().queued_bytes, before);
    }
    for number in 0..50 {
        let Some(Request::AppendBlockEnd(block)) = peer.next().await else {
            panic!("a block is missing");
        };
        assert_eq!(
            (block.last_event_number, block.data.len()),
            (number, 100_000)
        );
    }
    let stats = connection.stats();
    assert_eq!(stats.queued_bytes, 0);
    assert!(stats.written_bytes > 5_000_000);
}

#[tokio::test(start_paused = true)]
async fn requests_are_written_without_a_turn_of_the_connections_task() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join(&config()).await;
    let flow = connection.open_flow(Recorder::new()).unwrap();
    tokio::task::yield_now().await;
    flow.enqueue(&info(flow.id().request(0))).unwrap();
    assert!(timeout(Duration::ZERO, peer.next()).await.is_err());
    let before = connection.stats().written_bytes;
    flow.pump();
    // No await since the pump: the caller itself has written.
    assert!(connection.stats().written_bytes > before);
    assert!(peer.next().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn whoever_pumps_writes_for_all() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join(&config()).await;
    let flows = [0, 1, 2].map(|_| connection.open_flow(Recorder::new()).unwrap());
    for flow in &flows {
        flow.enqueue(&info(flow.id().request(0))).unwrap();
    }
    flows[1].pump();
    for flow in &flows {
        assert_eq!(peer.next_id().await, flow.id().request(0).to_wire());
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_dropped_in_mid_frame_leaves_the_frame_whole() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join_through(&config(), 10).await;
    let flow = connection.open_flow(Recorder::new()).unwrap();
    flow.enqueue(&block(&flow, 1, vec![1; 20_000].into()))
        .unwrap();
    flow.pump();
    drop(flow);
    let other = connection.open_flow(Recorder::new()).unwrap();
    other.enqueue(&info(other.id().request(0))).unwrap();
    other.pump();
    let Some(Request::AppendBlockEnd(block)) = peer.next().await else {
        panic!("the block is missing");
    };
    assert_eq!(block.data.len(), 20_000);
    assert_eq!(peer.next_id().await, other.id().request(0).to_wire());
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_said_before_it_went_is_still_told() {
    let Joined {
        connection,
        mut peer,
        ..
    } = join(&config()).await;
    let recorder = Recorder::new();
    let flow = connection.open_flow(handler(&recorder)).unwrap();
    peer.send(info_reply(flow.id().request(0).to_wire(), 4))
        .await;
    drop(peer);
    // Writing fails at once, before the connection's task has had a look.
    flow.enqueue(&info(flow.id().request(1))).unwrap();
    flow.pump();
    let cause = recorder.wait_for_end().await;
    assert_eq!(recorder.replies().len(), 1);
    assert!(
        matches!(
            cause,
            ConnectionError::Write { .. } | ConnectionError::ClosedByPeer { .. }
        ),
        "{cause:?}"
    );
}
