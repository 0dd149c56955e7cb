//! Real sockets: nobody there, somebody else there, and a true server.

use std::{net::SocketAddr, time::Duration};

use pravega_client_config::{ClientConfigBuilder, RetryPolicy};
use pravega_client_shared::{Endpoint, ScopedSegment};
use pravega_controller_api as api;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::peer::{Peer, Step, scope, status};
use crate::{ControllerClient, ControllerError};

/// Short times, since these tests wait in earnest.
fn config(uri: &str) -> ClientConfigBuilder {
    let retry = RetryPolicy::default()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(2))
        .with_max_attempts(3);
    super::peer::config(uri).retry(retry)
}

fn client(uri: &str) -> ControllerClient {
    ControllerClient::new(&config(uri).build().unwrap()).unwrap()
}

/// Serves each connection with `talk`.
async fn listen<F, Fut>(talk: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(talk(socket));
        }
    });
    address
}

async fn serve(peer: &Peer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = futures::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(socket, _)| socket);
        Some((accepted, listener))
    });
    let server = tonic::transport::Server::builder().add_service(peer.service());
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

#[tokio::test]
async fn a_true_server_is_reached_by_address_and_by_name() {
    let peer = Peer::default();
    peer.on("createScope", [status(0)]);
    let uri = api::NodeUri {
        endpoint: "0.0.0.0".to_owned(),
        port: 6000,
    };
    peer.on("getURI", [Step::reply(&uri)]);
    let address = serve(&peer).await;
    for uri in [
        address.to_string(),
        format!("tcp://localhost:{}", address.port()),
    ] {
        assert!(client(&uri).create_scope(&scope()).await.unwrap(), "{uri}");
    }
    let located = client(&address.to_string())
        .endpoint(&ScopedSegment::from("a/b/0"))
        .await;
    assert_eq!(
        located.unwrap().endpoint,
        Endpoint::new("127.0.0.1", 6000).unwrap()
    );
}

#[tokio::test]
async fn k1_nobody_there_is_a_typed_error() {
    // A port that was free a moment ago; if somebody takes it, it is no controller.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(&address.to_string())
        .create_scope(&scope())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ControllerError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(error.is_retryable() && !error.may_have_taken_effect());
    assert_eq!(error.endpoint().unwrap().to_string(), address.to_string());
}

#[tokio::test]
async fn n8_a_name_that_does_not_resolve_is_a_typed_error() {
    let error = client("nowhere.invalid:9090")
        .create_scope(&scope())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ControllerError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(!error.may_have_taken_effect());
}

#[tokio::test]
async fn n10_another_protocol_is_a_typed_error() {
    let answers: [&'static [u8]; 4] = [
        b"",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[0xff; 4_096],
    ];
    for answer in answers {
        let address = listen(move |mut socket| async move {
            socket.write_all(answer).await.ok();
            let mut preface = [0_u8; 24];
            socket.read_exact(&mut preface).await.ok();
        })
        .await;
        let error = client(&address.to_string())
            .create_scope(&scope())
            .await
            .unwrap_err();
        assert!(
            matches!(error, ControllerError::Unavailable { .. }),
            "{answer:?}: {error:?}"
        );
        assert_eq!(error.call().unwrap().attempts(), 3);
    }
}

/// A peer that takes the connection and says nothing is found out by the deadline.
#[tokio::test]
async fn n10_a_silent_peer_is_a_timeout() {
    let address = listen(|socket| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let config = config(&address.to_string())
        .request_timeout(Duration::from_millis(50))
        .operation_timeout(Duration::from_millis(200));
    let client = ControllerClient::new(&config.build().unwrap()).unwrap();
    let error = client.create_scope(&scope()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::Timeout { .. }),
        "{error:?}"
    );
}

/// A connection whose runtime is gone is replaced, so that one client serves many runtimes.
#[test]
fn a_client_outlives_its_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let server = runtime();
    let peer = Peer::default();
    peer.on("createScope", [status(0)]);
    let client = client(&server.block_on(serve(&peer)).to_string());
    for _ in 0..3 {
        let own = runtime();
        assert!(own.block_on(client.create_scope(&scope())).unwrap());
    }
}

/// The connection breaks under a call: the call goes on over a new one.
#[tokio::test]
async fn n1_a_broken_connection_is_made_anew() {
    let peer = Peer::default();
    peer.on("createScope", [status(2)]);
    let server = serve(&peer).await;
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let proxy = listen(move |mut socket| {
        let first = !broken.swap(true, std::sync::atomic::Ordering::Relaxed);
        async move {
            if first {
                // Long enough for the request to be under way.
                let mut preface = [0_u8; 24];
                socket.read_exact(&mut preface).await.ok();
                return;
            }
            let mut upstream = TcpStream::connect(server).await.unwrap();
            tokio::io::copy_bidirectional(&mut socket, &mut upstream)
                .await
                .ok();
        }
    })
    .await;
    // The first attempt may have come through, for all that the client knows.
    assert!(
        client(&proxy.to_string())
            .create_scope(&scope())
            .await
            .unwrap()
    );
}
