//! What the server does with clients that are odd, slow, greedy, or gone.

use std::time::Duration;

use pravega_controller_api::controller_service_client::ControllerServiceClient;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tonic::{Code, Request, metadata::MetadataValue, transport::Endpoint};

use super::{
    fake::Fake,
    support::{Running, answer, open, scope, start, stream},
};
use crate::{controller::serve::serve_within, incoming};

#[tokio::test]
async fn credentials_and_tracing_headers_are_ignored() {
    let mut client = start().await.client;
    let mut request = Request::new(scope("s"));
    for (key, value) in [
        ("authorization", "Basic Og=="),
        ("requestid", "-12"),
        ("requestdescriptor", "createScope-s"),
    ] {
        request
            .metadata_mut()
            .insert(key, MetadataValue::from_static(value));
    }
    assert_eq!(
        answer(client.create_scope(request).await).unwrap().status,
        0
    );
}

#[tokio::test]
async fn an_authority_that_is_not_ours_is_served() {
    let running = start().await;
    for authority in ["other.example", "a,b:1", "0.0.0.0:1", "[::1]:1", "u_v:9"] {
        let origin = format!("http://{authority}").parse().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{}", running.addr)).unwrap();
        let channel = endpoint.origin(origin).connect().await.unwrap();
        let mut client = ControllerServiceClient::new(channel);
        let reply = answer(client.check_scope_exists(scope("s")).await);
        assert!(!reply.unwrap().exists, "{authority}");
    }
}

#[tokio::test]
async fn k4_messages_and_headers_have_a_limit() {
    let mut client = start().await.client;
    // A message with one text has a tag and its length in front of it, 5 bytes in all.
    let text = (4 << 20) - 5;
    for (length, is_taken) in [(text - 1, true), (text, true), (text + 1, false)] {
        let reply = answer(client.create_scope(scope(&"x".repeat(length))).await);
        match reply {
            Ok(status) => assert!(is_taken && status.status != 0, "{length}"),
            Err(code) => assert!(!is_taken && code == Code::OutOfRange, "{length}"),
        }
    }
    let mut request = Request::new(scope("s"));
    let large = MetadataValue::try_from("x".repeat(20 << 10)).unwrap();
    request.metadata_mut().insert("large", large);
    assert!(answer(client.create_scope(request).await).is_err());
    // The next call is served all the same.
    assert_eq!(
        answer(client.create_scope(scope("s")).await)
            .unwrap()
            .status,
        0
    );
}

#[tokio::test]
async fn a4_a_hundred_calls_at_once_are_served_and_more_wait() {
    let client = start().await.client;
    let calls = (0..300).map(|number| {
        let mut client = client.clone();
        async move { answer(client.create_scope(scope(&format!("s{number}"))).await) }
    });
    let replies = futures::future::join_all(calls).await;
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply, Ok(status) if status.status == 0))
    );
}

/// Reads until the server closes.
async fn closed(mut socket: TcpStream) {
    let mut rest = Vec::new();
    // A reset is as good as an end.
    drop(socket.read_to_end(&mut rest).await);
}

#[tokio::test]
async fn a4_garbage_closes_the_connection() {
    let running = start().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0xff; 64],
        &[0; 64],
    ] {
        let mut socket = TcpStream::connect(running.addr).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        closed(socket).await;
    }
}

#[tokio::test]
async fn a_stop_ends_idle_and_silent_connections() {
    let Running {
        mut client,
        addr,
        stop,
        server,
        ..
    } = start().await;
    client.create_scope(scope("s")).await.unwrap();
    let silent = TcpStream::connect(addr).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), async {
        server.await.unwrap();
        closed(silent).await;
    })
    .await
    .unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
    assert!(answer(client.check_stream_exists(stream("s", "t")).await).is_err());
}

#[tokio::test]
async fn an_aborted_server_closes_its_connections() {
    let Running { addr, server, .. } = start().await;
    let socket = TcpStream::connect(addr).await.unwrap();
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    closed(socket).await;
}

/// A2: who connects and does not say that it speaks HTTP/2 is shown out, however it stalls.
#[tokio::test]
async fn a2_a_slow_beginning_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let service = open(&Fake::default()).await;
    let limit = Duration::from_millis(20);
    tokio::spawn(serve_within(
        limit,
        service,
        incoming::tcp(listener),
        std::future::pending(),
    ));
    for said in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        socket.write_all(said).await.unwrap();
        tokio::time::timeout(Duration::from_secs(30), closed(socket))
            .await
            .unwrap();
    }
}
