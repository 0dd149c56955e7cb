//! Connections whose peers fall silent or take long are not given to others: rows N4, N6.

use std::{sync::Arc, time::Duration};

use pravega_connection_pool::{ConnectionError, ConnectionPool};

use crate::support::{
    Recorder, config, endpoint, info, info_reply,
    peer::{PIPE, Pipes, dialer},
};

/// A pool whose first peer says hello and nothing else, or only that it lives; the others answer.
fn first_is_dumb(lives: bool) -> (ConnectionPool, Arc<Pipes>) {
    let (pipes, mut peers) = Pipes::new(PIPE);
    let pool = ConnectionPool::with_dialer(&config(), dialer(&pipes));
    tokio::spawn(async move {
        let mut is_first = true;
        while let Some(mut peer) = peers.recv().await {
            let is_dumb = std::mem::take(&mut is_first);
            tokio::spawn(async move {
                peer.hello().await;
                while let Some(request) = peer.next().await {
                    match request.request_id() {
                        Some(id) if !is_dumb => peer.send(info_reply(id, 0)).await,
                        None if !is_dumb || lives => {
                            peer.send(pravega_wire_protocol::KeepAlive).await;
                        }
                        _ => {}
                    }
                }
            });
        }
    });
    (pool, pipes)
}

/// Seed 57399 of the network campaign: call after call was made on a connection that answered none.
#[tokio::test(start_paused = true)]
async fn n4_after_a_call_without_an_answer_another_connection_is_used() {
    let (pool, pipes) = first_is_dumb(true);
    let first = pool.connect_for_calls(&endpoint()).await.unwrap();
    let brief = Duration::from_secs(1);
    let error = first.call(info, brief).await.unwrap_err();
    assert!(
        matches!(error, ConnectionError::Timeout { .. }),
        "{error:?}"
    );
    let second = pool.connect_for_calls(&endpoint()).await.unwrap();
    assert_ne!(second.id(), first.id());
    second.call(info, brief).await.unwrap();
    assert_eq!(pipes.dials(), 2);
    // A sign of life is enough to be as good as the other one again.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let claimed = pool.connect(&endpoint()).await.unwrap();
    let other = pool.connect(&endpoint()).await.unwrap();
    let mut ids = [claimed.id(), other.id()];
    ids.sort_unstable();
    assert_eq!((ids, pipes.dials()), ([first.id(), second.id()], 2));
}

/// Seed 27926 of the network campaign: of several connections that a partition had cut, each was found out in its turn.
#[tokio::test(start_paused = true)]
async fn n4_a_peer_that_falls_silent_costs_its_unused_connections_too() {
    let (pool, pipes) = first_is_dumb(false);
    let first = pool.connect(&endpoint()).await.unwrap();
    let second = pool.connect(&endpoint()).await.unwrap();
    let third = pool.connect(&endpoint()).await.unwrap();
    let _flow = third.open_flow(Recorder::new()).unwrap();
    let unused = second.id();
    drop(second);
    let cause = first.closed().await;
    assert!(matches!(cause, ConnectionError::Silent { .. }), "{cause:?}");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(pool.stats().connections, 1, "but the one that is used");
    let next = pool.connect(&endpoint()).await.unwrap();
    assert!(next.id() != unused && !third.is_closed());
    assert_eq!(pipes.dials(), 4);
}

/// Seed 21702 of the network campaign: a writer went from one dripping connection to the next.
#[tokio::test(start_paused = true)]
async fn n6_a_connection_that_drips_is_not_given_to_others() {
    let (pipes, mut peers) = Pipes::new(PIPE);
    let pool = ConnectionPool::with_dialer(&config(), dialer(&pipes));
    tokio::spawn(async move {
        let mut first = peers.recv().await.unwrap();
        first.hello().await;
        // Of a frame of 9 bytes.
        for byte in [0, 0, 0, 100, 0, 0, 0] {
            first.send_raw(&[byte]).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let mut second = peers.recv().await.unwrap();
        second.hello().await;
        std::future::pending::<()>().await;
    });
    let first = pool.connect(&endpoint()).await.unwrap();
    let id = first.id();
    drop(first);
    tokio::time::sleep(Duration::from_secs(8)).await;
    let soon = pool.connect_for_calls(&endpoint()).await.unwrap();
    assert_eq!(soon.id(), id, "a frame may take a moment");
    tokio::time::sleep(Duration::from_secs(8)).await;
    let later = pool.connect_for_calls(&endpoint()).await.unwrap();
    assert_ne!(later.id(), id);
    assert_eq!((pipes.dials(), soon.is_closed()), (2, false));
}
