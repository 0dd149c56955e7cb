//! The exchange of hellos: rows N10 and P13, scenario T86.

use std::{error::Error as _, time::Duration};

use pravega_connection_pool::{ConnectError, ConnectStep, Connection, ConnectionPool};
use pravega_wire_protocol::{Hello, KeepAlive, Reply, Request};
use tokio::time::Instant;

use crate::support::{
    LONG, Recorder, config, endpoint, handler, info, info_reply, mark,
    peer::{PIPE, Peer, Pipes, join_through},
};

/// Connects, with a peer that does `script` to the raw connection and keeps what it returns.
async fn connect<F>(script: impl FnOnce(Peer) -> F) -> Result<Connection, ConnectError>
where
    F: Future,
{
    let (pipes, mut peers) = Pipes::new(PIPE);
    let pool = ConnectionPool::with_dialer(&config(), pipes);
    let endpoint = endpoint();
    let (result, _kept) = tokio::join!(pool.connect(&endpoint), async {
        script(peers.recv().await.unwrap()).await
    });
    result
}

async fn connect_to_versions(
    low_version: i32,
    high_version: i32,
) -> Result<Connection, ConnectError> {
    connect(|mut peer| async move {
        assert!(matches!(peer.next().await, Some(Request::Hello(_))));
        peer.send(Hello {
            high_version,
            low_version,
        })
        .await;
        // Nothing follows a hello that does not fit but the end of the connection.
        assert_eq!(peer.next().await, None);
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn t86_p13_versions_below_and_above_ours_are_a_clear_error() {
    for (low, high) in [(1, 4), (18, 30), (i32::MIN, i32::MIN), (i32::MAX, i32::MAX)] {
        let error = connect_to_versions(low, high).await.unwrap_err();
        assert!(matches!(error, ConnectError::Version { .. }), "{error:?}");
        assert!(!error.is_retryable());
        assert!(
            error
                .source()
                .unwrap()
                .to_string()
                .contains("no common wire version")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn t86_versions_that_overlap_with_ours_work_on_the_highest_common_one() {
    for (low, high, common) in [(5, 17, 17), (5, 16, 16), (17, 40, 17), (1, 5, 5)] {
        let connected = connect(|mut peer| async move {
            peer.next().await.unwrap();
            peer.send(Hello {
                high_version: high,
                low_version: low,
            })
            .await;
            peer
        });
        assert_eq!(connected.await.unwrap().version(), common);
    }
}

#[tokio::test(start_paused = true)]
async fn n10_other_protocols_are_told_at_the_hello() {
    let http2_settings = [0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
    let tls_alert = [0x15, 3, 1, 0, 2, 2, 70];
    let short_frame_of_another_type = [0, 0, 0, 99, 0, 0, 0, 0];
    let answers: [&[u8]; 6] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &http2_settings,
        &[tls_alert, tls_alert].concat(),
        &short_frame_of_another_type,
        // A hello whose length is negative, or beyond what a hello may have.
        &[0xff, 0xff, 0xff, 0x81, 0xff, 0xff, 0xff, 0xff],
    ];
    for answer in answers {
        let error = connect(|mut peer| async move { peer.send_raw(answer).await })
            .await
            .unwrap_err();
        assert!(
            matches!(error, ConnectError::NotPravega { .. }),
            "{error:?}"
        );
        assert!(!error.is_retryable());
        assert!(error.source().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn another_reply_in_the_place_of_the_hello_is_an_error() {
    let error = connect(|mut peer| async move { peer.send(KeepAlive).await })
        .await
        .unwrap_err();
    let said = error.source().unwrap().to_string();
    assert!(said.contains("KeepAlive"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_hello_above_64_bytes_is_refused_from_its_header() {
    let header = [0xff, 0xff, 0xff, 0x81, 0, 0, 0, 65];
    let error = connect(|mut peer| async move {
        peer.send_raw(&header).await;
        // The client does not wait for the announced bytes.
        assert!(matches!(peer.next().await, Some(Request::Hello(_))));
        assert_eq!(peer.next().await, None);
    })
    .await
    .unwrap_err();
    assert!(
        matches!(error, ConnectError::NotPravega { .. }),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_or_cuts_its_hello_is_told_from_one_that_is_silent() {
    let closed = connect(|peer| async move { drop(peer) }).await.unwrap_err();
    assert!(
        matches!(
            closed,
            ConnectError::ClosedBeforeHello { .. } | ConnectError::BrokenBeforeHello { .. }
        ),
        "{closed:?}"
    );
    let cut = connect(|mut peer| async move {
        peer.next().await.unwrap();
        peer.send_raw(&[0xff, 0xff, 0xff]).await;
    });
    let cut = cut.await.unwrap_err();
    assert!(
        matches!(cut, ConnectError::ClosedBeforeHello { .. }),
        "{cut:?}"
    );
    let start = Instant::now();
    let silent = connect(|mut peer| async move {
        peer.next().await.unwrap();
        assert_eq!(peer.next().await, None);
    });
    let silent = silent.await.unwrap_err();
    let ConnectError::Timeout { step, after, .. } = silent else {
        panic!("unexpected {silent:?}");
    };
    assert_eq!((step, after), (ConnectStep::Hello, Duration::from_secs(10)));
    assert_eq!(start.elapsed(), after);
    assert!(closed.is_retryable() && cut.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_hello_was_checked() {
    let (pipes, mut peers) = Pipes::new(PIPE);
    let pool = ConnectionPool::with_dialer(&config(), pipes);
    let endpoint = endpoint();
    let calling = async {
        let connection = pool.connect(&endpoint).await.unwrap();
        connection.call(info, LONG).await.unwrap()
    };
    let (reply, ()) = tokio::join!(calling, async {
        let mut peer = peers.recv().await.unwrap();
        assert!(matches!(peer.next().await, Some(Request::Hello(_))));
        let early = tokio::time::timeout(Duration::from_secs(5), peer.next()).await;
        assert!(early.is_err(), "sent before the hello: {early:?}");
        peer.send(Hello::current()).await;
        let id = peer.next_id().await;
        peer.send(info_reply(id, 3)).await;
    });
    assert_eq!(mark(&reply), 3);
}

#[tokio::test(start_paused = true)]
async fn replies_that_come_with_the_hello_are_not_lost() {
    let (pipes, mut peers) = Pipes::new(PIPE);
    let pool = ConnectionPool::with_dialer(&config(), pipes);
    let endpoint = endpoint();
    let (connection, mut peer) = tokio::join!(pool.connect(&endpoint), async {
        let mut peer = peers.recv().await.unwrap();
        peer.next().await.unwrap();
        let hello = Reply::from(Hello::current()).encode_to_bytes().unwrap();
        let stray = info_reply(5, 0).encode_to_bytes().unwrap();
        peer.send_raw(&[&hello[..], &stray[..]].concat()).await;
        peer
    });
    let connection = connection.unwrap();
    let (reply, ()) = tokio::join!(connection.call(info, LONG), async {
        let id = peer.next_id().await;
        peer.send(info_reply(id, 1)).await;
    });
    assert!(reply.is_ok());
    assert_eq!(connection.stats().ignored_replies, 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_hello_is_ignored_and_counted() {
    let mut joined = join_through(&config(), PIPE).await;
    let recorder = Recorder::new();
    let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    joined.peer.send(Hello::current()).await;
    joined
        .peer
        .send(info_reply(flow.id().request(0).to_wire(), 1))
        .await;
    recorder.wait_for(1).await;
    assert_eq!(joined.connection.stats().ignored_replies, 1);
}

#[tokio::test(start_paused = true)]
async fn the_hello_fits_through_a_pipe_of_one_byte() {
    let mut joined = join_through(&config(), 1).await;
    let (reply, ()) = tokio::join!(joined.connection.call(info, LONG), async {
        let id = joined.peer.next_id().await;
        joined.peer.send(info_reply(id, 9)).await;
    });
    assert_eq!(mark(&reply.unwrap()), 9);
}
