//! Nothing waits for ever, and no answer is too odd.

use std::time::Duration;

use futures::FutureExt;
use pravega_client_config::{Credentials, SecretString};
use pravega_controller_api as api;
use tokio::time::Instant;
use tonic::Code;

use super::peer::{HERE, Network, Step, client_of, config, pair, scope, status};
use crate::ControllerError;

#[tokio::test(start_paused = true)]
async fn k4_a_call_that_hangs_ends_at_its_deadline() {
    let network = Network::default();
    let peer = network.host(HERE);
    let config = config(HERE)
        .request_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let client = client_of(&network, &config);
    peer.on("createScope", [Step::Hang]);
    let began = Instant::now();
    let error = client.create_scope(&scope()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::Timeout { .. }),
        "{error:?}"
    );
    assert!(error.is_retryable() && error.may_have_taken_effect());
    assert!(
        began.elapsed() <= Duration::from_millis(10_010),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(peer.asked().len(), 3);
    // The server is told how long anybody waits.
    let told: Vec<_> = peer
        .asked()
        .into_iter()
        .map(|asked| asked.timeout.unwrap())
        .collect();
    assert_eq!(told[0], "4000000u");
}

#[tokio::test(start_paused = true)]
async fn k4_a_slow_answer_is_waited_for_once_more() {
    let network = Network::default();
    let peer = network.host(HERE);
    let config = config(HERE)
        .request_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let client = client_of(&network, &config);
    let slow = |seconds| status(2).after(Duration::from_secs(seconds));
    peer.on("createScope", [slow(9), slow(4)]);
    // The first attempt made it, as far as anybody can tell.
    assert!(client.create_scope(&scope()).await.unwrap());
    assert_eq!(peer.asked().len(), 2);
}

/// A controller that takes requests and never answers must not keep those that would.
#[tokio::test(start_paused = true)]
async fn k4_a_hanging_controller_is_left_for_the_next() {
    let network = Network::default();
    let (one, two) = (network.host("one:9090"), network.host("two:9090"));
    one.on("createScope", [Step::Hang]);
    two.on("createScope", [status(0)]);
    let config = config("tcp://one:9090,two:9090");
    let config = config
        .request_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let client = client_of(&network, &config);
    let began = Instant::now();
    assert!(client.create_scope(&scope()).await.unwrap());
    assert!(
        began.elapsed() < Duration::from_millis(1_100),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn k4_a_huge_reply_is_refused() {
    let (client, peer) = pair();
    let huge = api::ScopesResponse {
        scopes: vec!["x".repeat(5 * 1024 * 1024)],
        continuation_token: None,
    };
    peer.on("listScopes", [Step::reply(&huge)]);
    let mut listing = client.list_scopes();
    let error = futures::StreamExt::next(&mut listing)
        .await
        .unwrap()
        .unwrap_err();
    let ControllerError::Rejected { source, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(source.code(), "OUT_OF_RANGE");
    assert!(!error.is_retryable());
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn unfit_credentials_are_an_error() {
    let network = Network::default();
    let peer = network.host(HERE);
    let credentials = Credentials::bearer_from(|| SecretString::from("line\nbreak"));
    let client = client_of(
        &network,
        &config(HERE).credentials(credentials).build().unwrap(),
    );
    let error = client.create_scope(&scope()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::BadCredentials),
        "{error:?}"
    );
    assert!(peer.asked().is_empty());
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let client = crate::ControllerClient::new(&config(HERE).build().unwrap()).unwrap();
    let error = client
        .create_scope(&scope())
        .now_or_never()
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, ControllerError::NoRuntime));
    let segment = pravega_client_shared::ScopedSegment::from("a/b/0");
    let error = client
        .endpoint(&segment)
        .now_or_never()
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, ControllerError::NoRuntime));
}

/// The numbers that have no name in gRPC arrive as UNKNOWN, which is repeated, and come to an end.
#[tokio::test(start_paused = true)]
async fn an_unknown_status_comes_to_an_end() {
    let (client, peer) = pair();
    peer.on("createScope", [Step::Status(Code::from_i32(99))]);
    let error = client.create_scope(&scope()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::Rejected { .. }),
        "{error:?}"
    );
    assert!(error.is_retryable());
    assert_eq!(peer.asked().len(), 10);
}
