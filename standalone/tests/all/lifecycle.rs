//! Start, end, and everything that keeps a server from starting.

use std::error::Error;

use pravega_standalone::{DirectoryError, Limits, Standalone, StartError};
use pravega_wire_protocol::Reply;

use crate::{
    peer::read_request,
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";

on_both! {
    async fn shutdown_ends_every_connection(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.append(1, 1, "x").await;
        peer.send(read_request(S, 1, 8, 1)).await;
        peer.assert_nothing_comes().await;
        let idle = server.connect().await;
        let address = server.handle.store_addr();
        let closing = async {
            peer.assert_closed().await;
            idle.assert_closed().await;
        };
        tokio::join!(server.handle.shutdown(), closing);
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn ports_can_be_used_again_at_once() {
    let first = Standalone::builder().start().await.unwrap();
    let (store, controller) = (first.store_addr(), first.controller_addr());
    assert_eq!(first.controller_uri(), format!("tcp://{controller}"));
    let taken = Standalone::builder()
        .store_listen(store)
        .start()
        .await
        .unwrap_err();
    assert!(matches!(&taken, StartError::Listen { address, .. } if *address == store));
    assert!(taken.is_retryable());
    first.shutdown().await;
    let builder = Standalone::builder()
        .store_listen(store)
        .controller_listen(controller);
    let again = builder.start().await.unwrap();
    assert_eq!(again.store_addr(), store);
}

#[tokio::test]
async fn d8_a_directory_has_one_owner() {
    let server = Server::on_disk().await;
    let second = Standalone::builder()
        .data_dir(server.path())
        .start()
        .await
        .unwrap_err();
    assert!(second.is_retryable());
    let source = second.source().unwrap().to_string();
    assert!(
        source.contains(&server.path().display().to_string()),
        "{source}"
    );
    let StartError::DataDirectory { source } = second else {
        panic!()
    };
    assert!(matches!(*source, DirectoryError::Locked { .. }));
    server.restart().await;
}

#[tokio::test]
async fn an_unusable_directory_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Standalone::builder()
        .data_dir(file.path())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::DataDirectory { .. }) && !error.is_retryable());
}

#[tokio::test]
async fn a_host_that_is_none_is_an_error() {
    let error = Standalone::builder()
        .advertised_host("no host")
        .start()
        .await
        .unwrap_err();
    assert!(
        matches!(error, StartError::AdvertisedHost { .. }),
        "{error}"
    );
    let server = Standalone::builder()
        .advertised_host("store.example")
        .start()
        .await
        .unwrap();
    assert!(server.controller_uri().starts_with("tcp://store.example:"));
}

#[tokio::test]
async fn a4_connections_beyond_the_limit_wait() {
    let server = Server::with_limits(|limits: &mut Limits| limits.max_connections = 2).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    let mut third = server.connect_silently().await;
    third.send(pravega_wire_protocol::Hello::current()).await;
    first.assert_nothing_comes().await;
    second.assert_nothing_comes().await;
    drop(first);
    assert!(matches!(third.receive().await, Reply::Hello(_)));
}

#[tokio::test]
async fn n10_a_silent_peer_is_closed() {
    let soon = std::time::Duration::from_millis(20);
    let server = Server::with_limits(|limits: &mut Limits| limits.hello_timeout = soon).await;
    let silent = server.connect_silently().await;
    silent.assert_closed().await;
}
