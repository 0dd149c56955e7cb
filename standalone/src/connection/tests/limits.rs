//! The limits of a connection: one below, at, and one above each.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use pravega_wire_protocol::{KeepAlive, Reply};
use tokio::{io::AsyncWriteExt as _, time::sleep_until};

use super::{Client, append, connect, connect_to, read, setup};
use crate::{Limits, append_memory::APPEND_OVERHEAD, handler::CloseReason};

const TICK: Duration = Duration::from_millis(1);

/// A connection that waits for nothing but the deadline is there just before it, and not just after it.
async fn ends_at(client: Client, since_connected: Duration, reason: CloseReason) {
    sleep_until(client.began + since_connected - TICK).await;
    assert!(!client.connection.is_finished(), "{reason:?} comes early");
    sleep_until(client.began + since_connected + TICK).await;
    assert!(client.connection.is_finished(), "{reason:?} comes late");
    assert_eq!(client.connection.await.unwrap(), reason);
}

#[tokio::test(start_paused = true)]
async fn a2_the_first_message_has_ten_seconds_to_the_millisecond() {
    let limit = Limits::default().hello_timeout;
    assert_eq!(limit.as_secs(), 10);
    ends_at(connect(1024, |_| {}).await, limit, CloseReason::NoHello).await;
}

#[tokio::test(start_paused = true)]
async fn a2_a_frame_has_thirty_seconds_to_the_millisecond() {
    let limit = Limits::default().frame_timeout;
    assert_eq!(limit.as_secs(), 30);
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    client.pipe.write_all(&[0; 3]).await.unwrap();
    ends_at(client, limit, CloseReason::SlowFrame).await;
}

#[tokio::test(start_paused = true)]
async fn a2_silence_has_five_minutes_to_the_millisecond() {
    let limit = Limits::default().idle_timeout;
    assert_eq!(limit.as_secs(), 300);
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    ends_at(client, limit, CloseReason::Idle).await;
}

#[tokio::test(start_paused = true)]
async fn a2_replies_have_thirty_seconds_to_be_taken_to_the_millisecond() {
    let limit = Limits::default().write_timeout;
    assert_eq!(limit.as_secs(), 30);
    let mut client = connect(256, |_| {}).await;
    client.greet().await;
    client.set_up().await;
    client.send(append(1, vec![7; 10_000].into())).await;
    assert!(matches!(client.next().await, Some(Reply::DataAppended(_))));
    client.send(read(0)).await;
    ends_at(client, limit, CloseReason::NotReading).await;
}

async fn sets_up(client: &mut Client, writer: usize) -> bool {
    let writer = u128::try_from(writer).unwrap();
    client.send(setup(writer)).await;
    match client.next().await {
        Some(Reply::AppendSetup(_)) => true,
        Some(Reply::ErrorMessage(_)) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a4_a_connection_has_1024_writers() {
    let limit = Limits::default().max_writers;
    assert_eq!(limit, 1_024);
    let mut client = connect(64 * 1024, |_| {}).await;
    client.greet().await;
    for writer in 1..=limit {
        assert!(sets_up(&mut client, writer).await, "{writer}");
    }
    assert!(!sets_up(&mut client, limit + 1).await);
    // One that is known may come again.
    assert!(sets_up(&mut client, limit).await);
}

#[tokio::test(start_paused = true)]
async fn a4_a_connection_has_64_waiting_reads() {
    let limit = Limits::default().max_parked_reads;
    assert_eq!(limit, 64);
    let mut client = connect(64 * 1024, |_| {}).await;
    client.greet().await;
    for _ in 0..limit {
        client.send(read(0)).await;
    }
    client.send(KeepAlive).await;
    assert_eq!(
        client.next().await,
        Some(KeepAlive.into()),
        "all of them wait"
    );
    client.send(read(0)).await;
    assert!(matches!(client.next().await, Some(Reply::ErrorMessage(_))));
    client.set_up().await;
    client.send(append(1, Bytes::from_static(b"wake"))).await;
    let mut woken = 0;
    while woken < limit {
        match client.next().await {
            Some(Reply::SegmentRead(_)) => woken += 1,
            Some(Reply::DataAppended(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The memory for appends, with a frame that needs this much of it.
async fn is_received(memory: usize, frame: &[u8]) -> bool {
    let mut client = connect(32 << 20, |limits| limits.max_append_bytes = memory).await;
    client.greet().await;
    client.set_up().await;
    // All of it but what is given is somebody else's.
    client.pipe.write_all(frame).await.unwrap();
    client.send(KeepAlive).await;
    loop {
        match client.next().await {
            Some(Reply::DataAppended(_)) => return true,
            Some(_) => {}
            None => return false,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a3_a_frame_is_read_only_with_memory_for_all_of_it() {
    let frame = append(1, vec![1; 1 << 20].into())
        .encode_to_bytes()
        .unwrap();
    let needed = frame.len() + APPEND_OVERHEAD;
    for (memory, is_enough) in [(needed - 1, false), (needed, true), (needed + 1, true)] {
        let received = is_received(memory, &frame).await;
        assert_eq!(received, is_enough, "{memory} for {needed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a3_memory_is_one_for_all_connections() {
    let frame = append(1, vec![1; 1 << 20].into())
        .encode_to_bytes()
        .unwrap();
    let both = 2 * (frame.len() + APPEND_OVERHEAD);
    for (memory, both_fit) in [(both - 1, false), (both, true)] {
        let mut first = connect(4 << 20, |limits| limits.max_append_bytes = memory).await;
        first.greet().await;
        first.pipe.write_all(&frame[..100]).await.unwrap();
        let mut second = connect_to(4 << 20, Arc::clone(&first.shared)).await;
        second.greet().await;
        second.set_up().await;
        second.send(KeepAlive).await;
        assert_eq!(second.next().await, Some(KeepAlive.into()));
        second.pipe.write_all(&frame).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(20), second.next()).await;
        assert_eq!(answer.is_ok(), both_fit, "{memory}");
    }
}
