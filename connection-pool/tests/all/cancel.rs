//! Callers that go away: row C1. Every future is polled 0, 1, 2 … times and dropped; the pool must be as
//! good as new afterwards.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use pravega_connection_pool::{Connection, ConnectionPool};
use pravega_wire_protocol::KeepAlive;

use crate::support::{
    LONG, Recorder, config, endpoint, handler, info, info_reply,
    peer::{PIPE, Peer, Pipes, dialer, join_through},
};

/// Polls a future at most so often and drops it; its output, if it came to one.
async fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let step = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = step {
            return Some(output);
        }
        // Everybody else goes on until nothing moves: the next poll meets the next state.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }
    None
}

async fn serve(mut peer: Peer) {
    peer.hello().await;
    while let Some(request) = peer.next().await {
        match request.request_id() {
            Some(id) => peer.send(info_reply(id, 0)).await,
            None => peer.send(KeepAlive).await,
        }
    }
}

async fn check_usable(connection: &Connection) {
    let reply = connection.call(info, LONG).await;
    assert!(reply.is_ok(), "{reply:?}");
    let stats = connection.stats();
    assert_eq!((stats.calls, stats.queued_bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn c1_connect_dropped_at_every_await_leaves_the_pool_usable() {
    for capacity in [1, PIPE] {
        let mut times = 0;
        loop {
            let (pipes, mut peers) = Pipes::new(capacity);
            let pool = ConnectionPool::with_dialer(&config(), dialer(&pipes));
            tokio::spawn(async move {
                while let Some(peer) = peers.recv().await {
                    tokio::spawn(serve(peer));
                }
            });
            let endpoint = endpoint();
            let finished = poll_times(pool.connect(&endpoint), times).await.is_some();
            let connection = pool.connect(&endpoint).await.unwrap();
            check_usable(&connection).await;
            // What was begun for the caller that left is there for the next one.
            assert_eq!(pipes.dials(), 1);
            assert_eq!(connection.stats().flows, 1, "a claim was left behind");
            if finished {
                break;
            }
            times += 1;
        }
        assert!(times >= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn c1_call_dropped_at_every_await_leaves_the_connection_usable() {
    for capacity in [1, PIPE] {
        let joined = join_through(&config(), capacity).await;
        let mut peer = joined.peer;
        tokio::spawn(async move {
            while let Some(request) = peer.next().await {
                peer.send(info_reply(request.request_id().unwrap(), 0))
                    .await;
            }
        });
        let mut times = 0;
        while poll_times(joined.connection.call(info, LONG), times)
            .await
            .is_none()
        {
            check_usable(&joined.connection).await;
            times += 1;
        }
        assert!(times >= 1);
        check_usable(&joined.connection).await;
        assert!(!joined.connection.is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn c1_a_wait_for_the_end_that_is_dropped_misses_nothing() {
    let joined = join_through(&config(), PIPE).await;
    assert!(poll_times(joined.connection.closed(), 2).await.is_none());
    drop(joined.peer);
    joined.connection.closed().await;
    joined.connection.closed().await;
}

#[tokio::test(start_paused = true)]
async fn c1_a_flow_dropped_at_any_time_is_told_nothing_more() {
    let mut joined = join_through(&config(), PIPE).await;
    let recorder = Recorder::new();
    let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    let id = flow.id().request(0).to_wire();
    joined.peer.send(info_reply(id, 1)).await;
    drop(flow);
    drop(joined.peer);
    joined.connection.closed().await;
    assert!(recorder.replies().is_empty() && recorder.causes().is_empty());
}
