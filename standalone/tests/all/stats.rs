//! The server's numbers, as data.

use pravega_standalone::ServerStats;
use pravega_wire_protocol::Reply;

use crate::{
    peer::{conditional_request, writer},
    server::Server,
};

const SEGMENT: &str = "s/counted/0.#epoch.0";

async fn count(server: Server) {
    let meter = server.handle.meter();
    assert_eq!(server.handle.stats(), ServerStats::default());
    let mut peer = server.connect().await;
    peer.create(SEGMENT).await;
    peer.set_up(1, SEGMENT).await;
    peer.append(1, 1, "stored").await;
    let refused = peer.call(conditional_request(1, 2, 99, "refused")).await;
    let Reply::ConditionalCheckFailed(refused) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.writer_id, writer(1));
    assert_eq!(peer.read(SEGMENT, 2, 100).await.data.len(), 4);

    let stats = server.handle.stats();
    assert_eq!(meter.stats(), Some(stats));
    assert_eq!((stats.segments, stats.connections), (1, 1));
    assert_eq!((stats.appends, stats.appended_bytes), (1, 6));
    assert_eq!(stats.conflicts, 1);
    assert_eq!((stats.reads, stats.read_bytes), (1, 4));

    drop(peer);
    // The memory of an append goes back a moment after its ack, and the connection when the server looks.
    let is_busy = |stats: ServerStats| stats.connections > 0 || stats.append_memory_bytes > 0;
    while is_busy(server.handle.stats()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.handle.stats().connections_accepted, 1);
    server.handle.shutdown().await;
    assert_eq!(meter.stats(), None, "a meter keeps no server");
}

#[tokio::test]
async fn a_server_in_memory_counts_what_its_clients_do() {
    count(Server::in_memory().await).await;
}

#[tokio::test]
async fn a_server_on_disk_counts_what_its_clients_do() {
    count(Server::on_disk().await).await;
}
