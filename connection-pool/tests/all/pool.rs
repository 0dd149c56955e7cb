//! Which connection is used, and how many there are: rows N8, N9, scenario T45.

use std::{
    io,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures::{FutureExt as _, future::join_all};
use pravega_connection_pool::{ConnectError, Connection, ConnectionError, ConnectionPool};
use tokio::time::Instant;

use crate::support::{
    LONG, Recorder, builder, config, endpoint, handler, info, info_reply,
    peer::{Joined, PIPE, Pipes, dialer, join},
};

/// A pool whose peers say hello, answer every request, and stay.
fn serving(max: usize) -> (ConnectionPool, Arc<Pipes>) {
    let (pipes, mut peers) = Pipes::new(PIPE);
    let config = builder().max_connections_per_endpoint(max).build().unwrap();
    let pool = ConnectionPool::with_dialer(&config, dialer(&pipes));
    tokio::spawn(async move {
        while let Some(mut peer) = peers.recv().await {
            tokio::spawn(async move {
                peer.hello().await;
                while let Some(request) = peer.next().await {
                    match request.request_id() {
                        Some(id) => peer.send(info_reply(id, 0)).await,
                        None => peer.send(pravega_wire_protocol::KeepAlive).await,
                    }
                }
            });
        }
    });
    (pool, pipes)
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_uses_is_used_again() {
    let (pool, pipes) = serving(8);
    for _ in 0..10 {
        let connection = pool.connect(&endpoint()).await.unwrap();
        let _flow = connection.open_flow(Recorder::new()).unwrap();
        connection.call(info, LONG).await.unwrap();
    }
    assert_eq!(pipes.dials(), 1);
    assert_eq!(pool.stats().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn busy_connections_get_company_up_to_the_maximum_and_then_more_flows() {
    let (pool, pipes) = serving(4);
    let mut flows = Vec::new();
    for _ in 0..10 {
        let connection = pool.connect(&endpoint()).await.unwrap();
        flows.push(connection.open_flow(Recorder::new()).unwrap());
    }
    assert_eq!(pipes.dials(), 4);
    let mut ids: Vec<_> = flows.iter().map(|flow| flow.connection().id()).collect();
    ids.sort_unstable();
    let counts: Vec<_> = ids.chunk_by(|a, b| a == b).map(<[u64]>::len).collect();
    let (min, max) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert_eq!((counts.len(), *min, *max), (4, 2, 3));
}

#[tokio::test(start_paused = true)]
async fn t45_a_crowd_that_comes_at_once_shares_the_connections_evenly() {
    let (pool, pipes) = serving(8);
    let endpoint = endpoint();
    let opened = join_all((0..64).map(|_| async {
        let connection = pool.connect(&endpoint).await.unwrap();
        let flow = connection.open_flow(Recorder::new()).unwrap();
        connection.call(info, LONG).await.unwrap();
        flow
    }))
    .await;
    assert_eq!(pipes.dials(), 8);
    assert!(
        opened
            .iter()
            .all(|flow| flow.connection().stats().flows <= 12)
    );
}

#[tokio::test(start_paused = true)]
async fn calls_do_not_add_connections() {
    let (pool, pipes) = serving(8);
    let endpoint = endpoint();
    let first = pool.connect(&endpoint).await.unwrap();
    let _flow = first.open_flow(Recorder::new()).unwrap();
    join_all((0..20).map(|_| async {
        let connection = pool.connect_for_calls(&endpoint).await.unwrap();
        connection.call(info, LONG).await.unwrap();
    }))
    .await;
    assert_eq!(pipes.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_first_share_one_dial() {
    let (pool, pipes) = serving(8);
    let endpoint = endpoint();
    let connect = || pool.connect_for_calls(&endpoint);
    let connections = join_all((0..20).map(|_| connect())).await;
    assert_eq!(pipes.dials(), 1);
    let first = connections[0].as_ref().unwrap().id();
    assert!(
        connections
            .iter()
            .all(|other| other.as_ref().unwrap().id() == first)
    );
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_closed_and_forgotten() {
    let (pool, pipes) = serving(8);
    let connection = pool.connect(&endpoint()).await.unwrap();
    let flow = connection.open_flow(Recorder::new()).unwrap();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert!(!connection.is_closed());
    let start = Instant::now();
    drop(flow);
    let cause = connection.closed().await;
    assert!(matches!(cause, ConnectionError::Idle { .. }), "{cause:?}");
    assert_eq!(start.elapsed().as_secs(), 60);
    let again = pool.connect(&endpoint()).await.unwrap();
    assert_ne!(again.id(), connection.id());
    assert_eq!((pipes.dials(), pool.stats().connections), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_handle_keeps_its_connection_until_it_is_dropped() {
    let (pool, _) = serving(8);
    let connection = pool.connect(&endpoint()).await.unwrap();
    let clone = connection.clone();
    drop(connection);
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert!(!clone.is_closed());
    drop(clone);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(pool.stats(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn n9_a_connection_that_died_is_replaced_and_forgotten() {
    let Joined {
        pool,
        mut peers,
        connection,
        peer,
        ..
    } = join(&config()).await;
    drop(peer);
    let cause = connection.closed().await;
    assert!(cause.is_retryable());
    let endpoint = endpoint();
    let (again, _peer) = tokio::join!(pool.connect(&endpoint), async {
        let mut peer = peers.recv().await.unwrap();
        peer.hello().await;
        peer
    });
    assert_ne!(again.unwrap().id(), connection.id());
    assert_eq!((pool.stats().connections, pool.stats().tasks), (1, 1));
}

fn refused() -> ConnectError {
    ConnectError::Unreachable {
        endpoint: endpoint(),
        addresses: 1,
        source: Arc::new(io::ErrorKind::ConnectionRefused.into()),
    }
}

#[tokio::test(start_paused = true)]
async fn n8_a_failed_dial_fails_all_its_waiters_once_and_is_not_repeated() {
    let (pipes, _peers) = Pipes::new(PIPE);
    let config = builder().max_connections_per_endpoint(1).build().unwrap();
    let pool = ConnectionPool::with_dialer(&config, dialer(&pipes));
    pipes.refuse_next(refused());
    let endpoint = endpoint();
    let results = join_all((0..10).map(|_| pool.connect(&endpoint))).await;
    let mut sources = results.iter().map(|result| match result {
        Err(ConnectError::Unreachable { source, .. }) => Arc::as_ptr(source),
        other => panic!("unexpected {other:?}"),
    });
    let first = sources.next().unwrap();
    assert!(sources.all(|source| source == first), "not one cause");
    assert_eq!(pipes.dials(), 1);
    tokio::task::yield_now().await;
    assert_eq!(pool.stats(), Default::default());
}

/// Asks a pool for a connection in the very moment in which somebody is told how his attempt ended.
struct ComesNext {
    pool: ConnectionPool,
    /// What it is told at once, if it came.
    told: Mutex<Option<Option<Result<Connection, ConnectError>>>>,
}

impl Wake for ComesNext {
    fn wake(self: Arc<Self>) {
        let told = self.pool.connect(&endpoint()).now_or_never();
        *self.told.lock().unwrap() = Some(told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_dial_is_not_told_to_those_who_come_after_it() {
    let (pool, pipes) = serving(1);
    let next = Arc::new(ComesNext {
        pool: pool.clone(),
        told: Mutex::default(),
    });
    pipes.refuse_next(refused());
    let endpoint = endpoint();
    let mut first = pin!(pool.connect(&endpoint));
    let waker = Waker::from(Arc::clone(&next));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    while next.told.lock().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(first.await.is_err());
    let told = next.told.lock().unwrap().take();
    assert!(matches!(told, Some(None)), "told at once: {told:?}");
    pool.connect(&endpoint).await.unwrap();
    assert_eq!(
        pipes.dials(),
        2,
        "the one that was made is there for others"
    );
}

#[tokio::test(start_paused = true)]
async fn closing_the_pool_ends_connections_attempts_and_tasks() {
    let Joined {
        pool,
        connection,
        peers: _peers,
        peer: _peer,
    } = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = connection.open_flow(handler(&recorder)).unwrap();
    let other: pravega_client_shared::Endpoint = "other:1".parse().unwrap();
    let (attempt, ()) = tokio::join!(pool.connect(&other), async {
        tokio::task::yield_now().await;
        pool.shutdown().await;
    });
    assert!(
        matches!(attempt, Err(ConnectError::ShutDown { .. })),
        "{attempt:?}"
    );
    let cause = recorder.wait_for_end().await;
    assert!(
        matches!(cause, ConnectionError::ShutDown { .. }),
        "{cause:?}"
    );
    let late = pool.connect(&endpoint()).await.unwrap_err();
    assert!(matches!(late, ConnectError::ShutDown { .. }), "{late:?}");
    assert_eq!(pool.stats(), Default::default());
    pool.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn connections_of_a_dropped_pool_end_with_their_last_user() {
    let (pool, _) = serving(2);
    let used = pool.connect(&endpoint()).await.unwrap();
    let recorder = Recorder::new();
    let flow = used.open_flow(handler(&recorder)).unwrap();
    let other = pool.connect(&endpoint()).await.unwrap();
    let weak_eye = other.clone();
    drop(pool);
    used.call(info, LONG).await.unwrap();
    assert!(!used.is_closed());
    drop((other, weak_eye));
    let watcher = used.clone();
    let start = Instant::now();
    drop(flow);
    watcher.closed().await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(recorder.causes().is_empty());
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let (pipes, _peers) = Pipes::new(PIPE);
    let pool = ConnectionPool::with_dialer(&config(), pipes);
    let endpoint = endpoint();
    let mut connecting = Box::pin(pool.connect(&endpoint));
    let mut cx = Context::from_waker(Waker::noop());
    let std::task::Poll::Ready(Err(error)) = connecting.as_mut().poll(&mut cx) else {
        panic!("no error");
    };
    assert!(matches!(error, ConnectError::NoRuntime { .. }), "{error:?}");
    assert_eq!(pool.stats(), Default::default());
}

#[test]
fn c3_a_runtime_that_ends_ends_its_connections_with_an_error() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let joined = first.block_on(join(&config()));
    let recorder = Recorder::new();
    let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    drop(first);
    let causes = recorder.causes();
    assert!(
        matches!(causes[..], [ConnectionError::Stopped { .. }]),
        "{causes:?}"
    );
    assert!(
        flow.enqueue(&info(flow.id().request(0)))
            .unwrap_err()
            .sent_nothing()
    );
    flow.pump();
    drop(flow);
    assert_eq!(joined.pool.stats(), Default::default());
    // The pool itself goes on, on another runtime.
    let second = runtime();
    let mut peers = joined.peers;
    second.block_on(async {
        let endpoint = endpoint();
        let (connection, _peer) = tokio::join!(joined.pool.connect(&endpoint), async {
            let mut peer = peers.recv().await.unwrap();
            peer.hello().await;
            peer
        });
        assert!(connection.is_ok());
    });
}

struct Panics;

impl pravega_connection_pool::FlowHandler for Panics {
    fn on_reply(
        &self,
        _: std::time::Instant,
        _: pravega_wire_protocol::Reply,
    ) -> Result<(), pravega_connection_pool::ProtocolError> {
        panic!("a bug in a handler (expected in this test)");
    }

    fn on_disconnect(&self, _: &ConnectionError) {}
}

#[tokio::test(start_paused = true)]
async fn c3_a_handler_that_panics_ends_the_connection_and_not_the_pool() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let _bystander = joined.connection.open_flow(handler(&recorder)).unwrap();
    let flow = joined.connection.open_flow(Arc::new(Panics)).unwrap();
    joined
        .peer
        .send(info_reply(flow.id().request(0).to_wire(), 0))
        .await;
    let cause = recorder.wait_for_end().await;
    assert!(
        matches!(cause, ConnectionError::Stopped { .. }),
        "{cause:?}"
    );
    assert_eq!(joined.peer.next().await, None);
    assert_eq!(joined.pool.stats().connections, 0);
}
