//! How many bytes of replies may wait in a connection: requests are taken below the limit, and neither at it nor
//! above it.

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{MAX_READ_BYTES, ReadSegment, Reply, SegmentRead};

use super::{Client, SEGMENT, append, connect, connect_to, read, settle};
use crate::Limits;

/// What the pipe holds of the replies, bytes: they no longer wait in the connection.
const PIPE: usize = 4096;

/// The least that a read is answered with, where there is so much, bytes.
const LEAST: usize = 8;

fn read_of(length: usize) -> ReadSegment {
    ReadSegment {
        segment: SEGMENT.into(),
        offset: 0,
        suggested_length: i32::try_from(length).unwrap(),
        delegation_token: DelegationToken::default(),
        request_id: 1,
    }
}

/// Bytes of a read reply beside its data.
fn overhead() -> usize {
    let empty = SegmentRead {
        segment: SEGMENT.into(),
        offset: 0,
        at_tail: false,
        end_of_segment: false,
        data: Bytes::new().into(),
        request_id: 1,
    };
    Reply::from(empty).encode_to_bytes().unwrap().len()
}

/// The lengths of reads whose replies are this many bytes.
fn reads(mut bytes: usize) -> Vec<usize> {
    let (least, most) = (overhead() + LEAST, overhead() + MAX_READ_BYTES);
    let mut lengths = Vec::new();
    while bytes > 0 {
        // What is left of them is a reply too.
        let reply = if bytes > most { most - least } else { bytes };
        lengths.push(reply - overhead());
        bytes -= reply;
    }
    lengths
}

/// A client whose segment holds as much as one read gives.
async fn written(limit: usize) -> Client {
    let mut client = connect(PIPE, |limits| limits.max_reply_bytes = limit).await;
    client.greet().await;
    client.set_up().await;
    client.send(append(1, vec![7; MAX_READ_BYTES].into())).await;
    assert!(matches!(client.next().await, Some(Reply::DataAppended(_))));
    client
}

/// Makes as many bytes of read replies wait in the connection. Returns the lengths of these reads.
async fn fill(client: &mut Client, waiting: usize) -> Vec<usize> {
    let lengths = reads(PIPE + waiting);
    for length in &lengths {
        client.send(read_of(*length)).await;
        settle().await;
    }
    let reads = u64::try_from(lengths.len()).unwrap();
    assert_eq!(client.shared.stats().reads, reads, "all are taken");
    lengths
}

/// The replies to the reads come whole and in order.
async fn receives(client: &mut Client, lengths: &[usize]) {
    for length in lengths {
        match client.next().await {
            Some(Reply::SegmentRead(read)) => assert_eq!(read.data.len(), *length),
            other => panic!("{other:?}"),
        }
    }
}

/// Whether an append is stored while replies wait. It is in any case when they have gone.
async fn takes_a_request(waiting: usize, limit: usize) -> bool {
    let mut client = written(limit).await;
    let lengths = fill(&mut client, waiting).await;
    client.send(append(2, Bytes::from_static(b"next"))).await;
    settle().await;
    let is_taken = client.shared.stats().appends == 2;
    receives(&mut client, &lengths).await;
    match client.next().await {
        Some(Reply::DataAppended(acked)) => assert_eq!(acked.event_number, 2),
        other => panic!("{other:?}"),
    }
    is_taken
}

#[tokio::test(start_paused = true)]
async fn a2_a_request_is_taken_while_fewer_bytes_of_replies_wait_than_the_limit() {
    const LIMIT: usize = 20_000;
    for (waiting, is_taken) in [(LIMIT - 1, true), (LIMIT, false), (LIMIT + 1, false)] {
        assert_eq!(takes_a_request(waiting, LIMIT).await, is_taken, "{waiting}");
    }
}

#[tokio::test(start_paused = true)]
async fn a2_eight_mebibytes_of_replies_may_wait() {
    let limit = Limits::default().max_reply_bytes;
    assert_eq!(limit, 8 << 20);
    for (waiting, is_taken) in [(limit - 1, true), (limit, false), (limit + 1, false)] {
        assert_eq!(takes_a_request(waiting, limit).await, is_taken, "{waiting}");
    }
}

/// Whether a read that waited at the tail is answered while other replies wait.
async fn answers_a_parked_read(waiting: usize, limit: usize) -> bool {
    let mut client = written(limit).await;
    let tail = i64::try_from(MAX_READ_BYTES).unwrap();
    client.send(read(tail)).await;
    let lengths = fill(&mut client, waiting).await;
    let before = client.shared.stats().reads;
    let mut other = connect_to(PIPE, Arc::clone(&client.shared)).await;
    other.greet().await;
    other.set_up().await;
    other.send(append(2, Bytes::from_static(b"wake"))).await;
    assert!(matches!(other.next().await, Some(Reply::DataAppended(_))));
    settle().await;
    let is_answered = client.shared.stats().reads > before;
    receives(&mut client, &lengths).await;
    receives(&mut client, &[4]).await;
    is_answered
}

#[tokio::test(start_paused = true)]
async fn a2_a_late_answer_waits_like_a_request() {
    const LIMIT: usize = 20_000;
    for (waiting, is_answered) in [(LIMIT - 1, true), (LIMIT, false), (LIMIT + 1, false)] {
        let answered = answers_a_parked_read(waiting, LIMIT).await;
        assert_eq!(answered, is_answered, "{waiting}");
    }
}
