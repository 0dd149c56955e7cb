//! What is kept: one call for all that wait, nothing lost with those that leave, complaints by generation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use pravega_client_shared::{Endpoint, ScopedSegment};
use pravega_controller_api as api;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

use super::peer::{HERE, Network, Step, client_of, config, pair};
use crate::{
    BadReply, ControllerError,
    cache::{Cache, Freshness, Keep},
};

fn segment() -> ScopedSegment {
    ScopedSegment::from("camera/front/0")
}

fn uri(endpoint: &str, port: i32) -> Step {
    Step::reply(&api::NodeUri {
        endpoint: endpoint.to_owned(),
        port,
    })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_waiters_make_one_call() {
    let (client, peer) = pair();
    peer.on("getURI", [uri("store", 6000).after(Duration::from_secs(1))]);
    let located = join_all((0..100).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.endpoint(&segment()).await.unwrap() })
    }))
    .await;
    let first = located[0].as_ref().unwrap().clone();
    assert_eq!(first.endpoint.to_string(), "store:6000");
    assert!(located.into_iter().all(|one| one.unwrap() == first));
    assert_eq!(client.endpoint(&segment()).await.unwrap(), first);
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_waiter_may_leave() {
    let (client, peer) = pair();
    peer.on("getURI", [uri("store", 6000).after(Duration::from_secs(2))]);
    let impatient = timeout(Duration::from_secs(1), client.endpoint(&segment())).await;
    assert!(impatient.is_err());
    assert_eq!(
        client
            .endpoint(&segment())
            .await
            .unwrap()
            .endpoint
            .to_string(),
        "store:6000"
    );
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_waiters_may_leave() {
    let (client, peer) = pair();
    peer.on("getURI", [uri("store", 6000).after(Duration::from_secs(2))]);
    timeout(Duration::from_secs(1), client.endpoint(&segment()))
        .await
        .unwrap_err();
    sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    client.endpoint(&segment()).await.unwrap();
    assert_eq!((began.elapsed(), peer.asked().len()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_everybodys_and_is_not_kept() {
    let (client, peer) = pair();
    let refused = Step::Status(Code::PermissionDenied).after(Duration::from_secs(1));
    peer.on("getURI", [refused, uri("store", 6000)]);
    let segment = segment();
    let errors = join_all((0..10).map(|_| client.endpoint(&segment))).await;
    for error in errors {
        assert!(matches!(
            error,
            Err(ControllerError::PermissionDenied { .. })
        ));
    }
    assert_eq!(peer.asked().len(), 1);
    client.endpoint(&segment).await.unwrap();
    assert_eq!(peer.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_complaint_leaves_the_new_answer_alone() {
    let (client, peer) = pair();
    peer.on("getURI", [uri("old", 1), uri("new", 2), uri("newer", 3)]);
    let old = client.endpoint(&segment()).await.unwrap();
    client.doubt(&segment(), old.generation);
    let new = client.endpoint(&segment()).await.unwrap();
    assert_eq!(new.endpoint.to_string(), "new:2");
    assert_ne!(new.generation, old.generation);
    for _ in 0..100 {
        client.doubt(&segment(), old.generation);
    }
    assert_eq!(client.endpoint(&segment()).await.unwrap(), new);
    assert_eq!(peer.asked().len(), 2);
    client.doubt(&segment(), new.generation);
    assert_eq!(
        client
            .endpoint(&segment())
            .await
            .unwrap()
            .endpoint
            .to_string(),
        "newer:3"
    );
}

#[tokio::test(start_paused = true)]
async fn n11_what_is_kept_needs_no_controller() {
    let network = Network::default();
    let peer = network.host(HERE);
    let client = client_of(&network, &config(HERE).build().unwrap());
    peer.on(
        "getURI",
        [uri("store", 6000), Step::Status(Code::Unavailable)],
    );
    client.endpoint(&segment()).await.unwrap();
    network.take_away(HERE);
    assert_eq!(
        client
            .endpoint(&segment())
            .await
            .unwrap()
            .endpoint
            .to_string(),
        "store:6000"
    );
    let other = ScopedSegment::from("camera/back/0");
    let error = client.endpoint(&other).await.unwrap_err();
    assert!(matches!(error, ControllerError::Unavailable { .. }));
}

/// Seed 3895 of the proxy campaign: a connection that died at the hello left a writer without an address for as long
/// as the controller was down.
#[tokio::test(start_paused = true)]
async fn n11_a_doubted_address_does_as_long_as_there_is_no_controller() {
    let (client, peer) = pair();
    let down = Step::Status(Code::Unavailable);
    peer.on("getURI", [uri("store", 6000), down]);
    let old = client.endpoint(&segment()).await.unwrap();
    client.doubt(&segment(), old.generation);
    for _ in 0..3 {
        assert_eq!(client.endpoint(&segment()).await.unwrap(), old);
    }
    peer.on("getURI", [uri("other", 6000)]);
    let is_new = async || client.endpoint(&segment()).await.unwrap() != old;
    while !is_new().await {}
    assert_eq!(
        client.endpoint(&segment()).await.unwrap().endpoint.host(),
        "other"
    );
}

#[tokio::test(start_paused = true)]
async fn k2_an_absurd_address_is_an_error() {
    let (client, peer) = pair();
    for (host, port) in [
        ("", 6000),
        ("store", 0),
        ("store", 70_000),
        ("store", -1),
        ("st ore", 1),
        ("[::g]", 1),
    ] {
        peer.on("getURI", [uri(host, port)]);
        let error = client.endpoint(&segment()).await.unwrap_err();
        let bad = matches!(
            error,
            ControllerError::BadReply {
                source: BadReply::BadEndpoint { .. },
                ..
            }
        );
        assert!(bad && !error.is_retryable(), "{host:?} {port}: {error:?}");
    }
}

/// A server that was not told its own address publishes "all interfaces".
#[tokio::test(start_paused = true)]
async fn all_interfaces_means_beside_the_controller() {
    let (client, peer) = pair();
    peer.on("getURI", [uri("0.0.0.0", 6000)]);
    assert_eq!(
        client
            .endpoint(&segment())
            .await
            .unwrap()
            .endpoint
            .to_string(),
        "one:6000"
    );
}

#[derive(Debug, Clone, PartialEq)]
struct Value(usize);

impl Keep for Value {
    const PATIENCE: Duration = Duration::ZERO;

    fn freshness(&self, _now: Instant) -> Freshness {
        Freshness::Fresh
    }
}

/// A fetch that panics, or whose runtime goes away, leaves nobody waiting.
#[tokio::test]
async fn c3_a_fetch_that_dies_is_an_error() {
    let cache: Cache<u8, Value> = Cache::new(4);
    let tries = Arc::new(AtomicUsize::new(0));
    let fetch = || {
        let tries = Arc::clone(&tries);
        async move {
            tries.fetch_add(1, Ordering::Relaxed);
            std::panic::resume_unwind(Box::new("planted"));
        }
    };
    let error = cache.get(&0, fetch).await.unwrap_err();
    assert!(matches!(error, ControllerError::Abandoned));
    assert_eq!(tries.load(Ordering::Relaxed), 4);
    let entry = cache.get(&0, || async { Ok(Value(1)) }).await.unwrap();
    assert_eq!(entry.value, Value(1));
}

/// A waiter in one runtime takes over when the runtime that fetched is gone.
#[test]
fn c3_another_runtime_takes_over() {
    let cache: Cache<u8, Value> = Cache::new(4);
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let (first, second) = (runtime(), runtime());
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
    let waiter = cache.clone();
    let waiting = first.spawn(async move {
        let fetch = || {
            begun.lock().unwrap().take().unwrap().send(()).unwrap();
            std::future::pending()
        };
        waiter.get(&0, fetch).await.map(drop)
    });
    first.block_on(has_begun).unwrap();
    let other = cache.clone();
    let taking_over = second.spawn(async move {
        other
            .get(&0, || async { Ok(Value(2)) })
            .await
            .unwrap()
            .value
    });
    // Whether it waits already or comes later makes no difference.
    first.shutdown_background();
    assert_eq!(second.block_on(taking_over).unwrap(), Value(2));
    drop(waiting);
}

#[tokio::test]
async fn keys_are_fetched_side_by_side_and_kept_apart() {
    let cache: Cache<usize, Value> = Cache::new(2_000);
    let fetched = join_all((0..1_000).map(|key| {
        let cache = cache.clone();
        async move {
            let fetch = move || async move {
                tokio::task::yield_now().await;
                Ok(Value(key))
            };
            cache.get(&key, fetch).await.unwrap()
        }
    }))
    .await;
    let mut generations: Vec<_> = fetched.iter().map(|entry| entry.generation).collect();
    generations.sort_unstable();
    generations.dedup();
    assert_eq!(generations.len(), 1_000);
    assert!(
        fetched
            .iter()
            .enumerate()
            .all(|(key, entry)| entry.value == Value(key))
    );
}

#[tokio::test(start_paused = true)]
async fn many_segments_are_located_over_one_connection() {
    let (client, peer) = pair();
    peer.on(
        "getURI",
        [uri("store", 6000).after(Duration::from_millis(100))],
    );
    let segments: Vec<ScopedSegment> = (0..1_000)
        .map(|number| format!("camera/s{number}/0").parse().unwrap())
        .collect();
    let located = join_all(segments.iter().map(|segment| client.endpoint(segment))).await;
    let store: Endpoint = "store:6000".parse().unwrap();
    assert!(
        located
            .into_iter()
            .all(|located| located.unwrap().endpoint == store)
    );
    assert_eq!(peer.asked().len(), 1_000);
}
