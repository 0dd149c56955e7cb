//! What a restart finds.

use pravega_client_shared::DelegationToken;
use pravega_standalone::Standalone;
use pravega_wire_protocol::{DeleteSegment, GetSegmentAttribute, NO_EVENT_NUMBER, Reply};

use crate::{
    peer::{append_request, conditional_request},
    server::Server,
};

const S: &str = "s/b/0.#epoch.0";

#[tokio::test]
async fn bytes_and_numbers_survive_together() {
    let server = Server::on_disk().await;
    let mut peer = server.connect().await;
    peer.create(S).await;
    peer.set_up(1, S).await;
    peer.set_up(2, S).await;
    let mut expected = Vec::new();
    for number in 1..40_i64 {
        let block = vec![u8::try_from(number).unwrap(); usize::try_from(number * 997).unwrap()];
        expected.extend_from_slice(&block);
        let id = u128::try_from(number % 2).unwrap() + 1;
        peer.append(id, number, block).await;
    }
    let before = peer.info(S).await;
    let server = server.restart().await;
    let mut peer = server.connect().await;
    assert_eq!(peer.info(S).await, before);
    assert_eq!(peer.read_to_tail(S, 0).await, expected);
    assert_eq!(peer.set_up(1, S).await, 38);
    assert_eq!(peer.set_up(2, S).await, 39);
    assert_eq!(peer.set_up(3, S).await, NO_EVENT_NUMBER);
    peer.send(conditional_request(2, 40, before.write_offset, "next"))
        .await;
    assert_eq!(peer.acked(40).await.previous_event_number, 39);
    assert_eq!(
        peer.read(S, before.write_offset, 8).await.data.into_bytes(),
        "next"
    );
}

#[tokio::test]
async fn seals_truncations_deletions_and_attributes_survive() {
    let server = Server::on_disk().await;
    let mut peer = server.connect().await;
    for segment in ["sealed", "truncated", "deleted", "again"] {
        peer.create(segment).await;
        peer.set_up(1, segment).await;
        peer.append(1, 5, vec![7; 200_000]).await;
    }
    peer.seal("sealed").await;
    peer.truncate("truncated", 150_000).await;
    for segment in ["deleted", "again"] {
        peer.call(DeleteSegment {
            request_id: 4,
            segment: segment.into(),
            delegation_token: DelegationToken::default(),
        })
        .await;
    }
    peer.create("again").await;
    let server = server.restart().await;
    let mut peer = server.connect().await;
    assert!(peer.info("sealed").await.is_sealed);
    assert_eq!(peer.info("truncated").await.start_offset, 150_000);
    assert_eq!(
        peer.read_to_tail("truncated", 150_000).await,
        vec![7; 50_000]
    );
    assert!(matches!(
        peer.seal("deleted").await,
        Reply::NoSuchSegment(_)
    ));
    assert_eq!(peer.info("again").await.write_offset, 0);
    assert_eq!(peer.set_up(1, "again").await, NO_EVENT_NUMBER);
    let attribute = GetSegmentAttribute {
        request_id: 3,
        segment: "sealed".into(),
        attribute_id: 1,
        delegation_token: DelegationToken::default(),
    };
    assert!(matches!(peer.call(attribute).await, Reply::SegmentAttribute(a) if a.value == 5));
}

#[tokio::test]
async fn an_aborted_server_keeps_what_it_acknowledged() {
    let server = Server::on_disk().await;
    let mut peer = server.connect().await;
    peer.create(S).await;
    peer.set_up(1, S).await;
    for number in 1..500 {
        peer.send(append_request(1, number, "0123456789")).await;
    }
    let acked = loop {
        if let Reply::DataAppended(ack) = peer.receive().await
            && ack.event_number >= 100
        {
            break ack.event_number;
        }
    };
    let path = server.path();
    let directory = server.abort();
    // The storage thread finishes what it has begun before it gives the directory up.
    let handle = loop {
        match Standalone::builder().data_dir(&path).start().await {
            Ok(handle) => break handle,
            Err(error) if error.is_retryable() => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let server = Server::over(handle, directory);
    let mut peer = server.connect().await;
    let last = peer.set_up(1, S).await;
    assert!(last >= acked);
    assert_eq!(peer.info(S).await.write_offset, last * 10);
}
