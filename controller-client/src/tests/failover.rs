//! Attempts: which failures are repeated, where, and what a repetition makes of the answer.

use std::time::Duration;

use pravega_client_config::RetryPolicy;
use pravega_client_shared::ScopedSegment;
use pravega_controller_api as api;
use tonic::Code;

use super::peer::{HERE, Network, Peer, Step, client_of, config, pair, scope, status, stream};
use crate::{ControllerClient, ControllerError, retry::MAX_FAILURE_REPEATS};

const REPEATED: [Code; 9] = [
    Code::Cancelled,
    Code::Unknown,
    Code::DeadlineExceeded,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
];

#[tokio::test(start_paused = true)]
async fn passing_trouble_is_outwaited() {
    for code in REPEATED {
        let (client, peer) = pair();
        let exists = Step::reply(&api::ExistsResponse { exists: true });
        peer.on(
            "checkScopeExists",
            [Step::Status(code), Step::Status(code), exists],
        );
        assert!(client.scope_exists(&scope()).await.unwrap(), "{code:?}");
        assert_eq!(peer.asked().len(), 3, "{code:?}");
        let [first, second, third] = &peer.asked()[..] else {
            panic!()
        };
        let pauses = (second.at - first.at, third.at - second.at);
        assert!(pauses.0 >= Duration::from_millis(25) && pauses.0 <= Duration::from_millis(51));
        assert!(pauses.1 >= Duration::from_millis(50) && pauses.1 <= Duration::from_millis(101));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    for number in 1..=16 {
        let code = Code::from_i32(number);
        if REPEATED.contains(&code) {
            continue;
        }
        let (client, peer) = pair();
        peer.on("createScope", [Step::Status(code)]);
        let error = client.create_scope(&scope()).await.unwrap_err();
        assert_eq!(peer.asked().len(), 1, "{code:?}");
        assert!(!error.is_retryable(), "{code:?}");
        let expected = match code {
            Code::Unauthenticated => matches!(error, ControllerError::Unauthenticated { .. }),
            Code::PermissionDenied => matches!(error, ControllerError::PermissionDenied { .. }),
            _ => matches!(error, ControllerError::Rejected { .. }),
        };
        assert!(expected, "{code:?}: {error:?}");
        assert_eq!(error.endpoint().unwrap().to_string(), HERE);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted() {
    let network = Network::default();
    let peer = network.host(HERE);
    let retry = RetryPolicy::default().with_max_attempts(4);
    let client = client_of(&network, &config(HERE).retry(retry).build().unwrap());
    peer.on("createScope", [Step::Status(Code::Internal)]);
    let error = client.create_scope(&scope()).await.unwrap_err();
    assert_eq!(peer.asked().len(), 4);
    assert_eq!(error.call().unwrap().attempts(), 4);
    assert!(error.is_retryable() && error.may_have_taken_effect());
}

#[tokio::test(start_paused = true)]
async fn an_in_band_failure_is_repeated_a_few_times() {
    let (client, peer) = pair();
    peer.on("sealStream", [status(1), status(0)]);
    client.seal_stream(&stream()).await.unwrap();
    assert_eq!(peer.asked().len(), 2);
    peer.on("sealStream", [status(1)]);
    let error = client.seal_stream(&stream()).await.unwrap_err();
    assert!(matches!(error, ControllerError::Failure { .. }));
    assert!(error.is_retryable() && error.may_have_taken_effect());
    let repeats = usize::try_from(MAX_FAILURE_REPEATS).unwrap();
    assert_eq!(peer.asked().len(), 2 + 1 + repeats);
}

/// K3: what our own lost attempt did is not somebody else's work.
#[tokio::test(start_paused = true)]
async fn k3_exists_after_an_own_attempt_of_unknown_outcome_is_success() {
    let lost = Step::Status(Code::Unavailable);
    let (client, peer) = pair();
    for call in ["createScope", "createStream", "deleteScope", "deleteStream"] {
        peer.on(call, [lost.clone(), status(2)]);
    }
    let configuration = crate::StreamConfiguration::default();
    assert!(client.create_scope(&scope()).await.unwrap());
    assert!(
        client
            .create_stream(&stream(), &configuration)
            .await
            .unwrap()
    );
    assert!(client.delete_stream(&stream()).await.unwrap());
    assert!(client.delete_scope(&scope()).await.unwrap());
    // The next calls are new ones, and know nothing of those.
    assert!(!client.create_scope(&scope()).await.unwrap());
    assert!(!client.delete_scope(&scope()).await.unwrap());
}

/// An attempt that never left the machine did nothing, so "exists" is somebody else's work.
#[tokio::test(start_paused = true)]
async fn k3_exists_after_a_refused_connection_is_not_ours() {
    let network = Network::default();
    let two = network.host("two:9090");
    two.on("createScope", [status(2)]);
    let client = client_of(
        &network,
        &config("tcp://one:9090,two:9090").build().unwrap(),
    );
    assert!(!client.create_scope(&scope()).await.unwrap());
    assert_eq!(two.asked().len(), 1);
}

fn cluster() -> (ControllerClient, Network, [Peer; 3]) {
    let network = Network::default();
    let addresses = ["one:9090", "two:9090", "three:9090"];
    let peers = addresses.map(|address| network.host(address));
    for peer in &peers {
        peer.on("createScope", [status(0)]);
    }
    let config = config(&format!("tcp://{}", addresses.join(",")))
        .build()
        .unwrap();
    (client_of(&network, &config), network, peers)
}

#[tokio::test(start_paused = true)]
async fn the_next_controller_is_asked_at_once_and_kept() {
    let (client, network, [one, two, three]) = cluster();
    network.take_away("one:9090");
    two.on("createScope", [Step::Status(Code::Unavailable)]);
    let began = tokio::time::Instant::now();
    assert!(client.create_scope(&scope()).await.unwrap());
    assert!(
        began.elapsed() < Duration::from_millis(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        [&one, &two, &three].map(|peer| peer.asked().len()),
        [0, 1, 1]
    );
    for _ in 0..5 {
        client.create_scope(&scope()).await.unwrap();
    }
    assert_eq!(
        [&one, &two, &three].map(|peer| peer.asked().len()),
        [0, 1, 6]
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_no_fault_of_the_controller_moves_nobody() {
    let (client, _network, [one, two, _]) = cluster();
    one.on("createScope", [Step::Status(Code::Internal), status(0)]);
    client.create_scope(&scope()).await.unwrap();
    assert_eq!((one.asked().len(), two.asked().len()), (2, 0));
}

/// K1, T76: with nobody there the error is typed and in time; with somebody back, all is well.
#[tokio::test(start_paused = true)]
async fn k1_works_again_when_a_controller_is_back() {
    let network = Network::default();
    let config = config("tcp://one:9090,two:9090").build().unwrap();
    let client = client_of(&network, &config);
    let began = tokio::time::Instant::now();
    let error = client.create_scope(&scope()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(error.is_retryable() && !error.may_have_taken_effect());
    assert!(began.elapsed() <= config.operation_timeout());
    let attempts = error.call().unwrap().attempts();
    assert_eq!(
        usize::try_from(attempts).unwrap(),
        2 * config.retry().max_attempts()
    );

    let peer = network.host("two:9090");
    peer.on("createScope", [status(0)]);
    assert!(client.create_scope(&scope()).await.unwrap());
}

/// A controller that comes back while a call still tries is found by that call.
#[tokio::test(start_paused = true)]
async fn k1_a_call_outlives_a_restart() {
    let network = Network::default();
    let client = client_of(&network, &config(HERE).build().unwrap());
    let segment = ScopedSegment::from("camera/front/0");
    let located = tokio::spawn(async move { client.endpoint(&segment).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    let peer = network.host(HERE);
    let uri = api::NodeUri {
        endpoint: "store".to_owned(),
        port: 6000,
    };
    peer.on("getURI", [Step::reply(&uri)]);
    assert_eq!(
        located.await.unwrap().unwrap().endpoint.to_string(),
        "store:6000"
    );
}

/// T82: a refusal is repeated only when there is something new to say.
#[tokio::test(start_paused = true)]
async fn t82_credentials_that_were_renewed_meanwhile_are_tried() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static TOKEN: AtomicUsize = AtomicUsize::new(0);
    let network = Network::default();
    let peer = network.host(HERE);
    let current = || {
        let number = TOKEN.load(Ordering::Relaxed);
        pravega_client_config::SecretString::from(format!("token-{number}"))
    };
    let credentials = pravega_client_config::Credentials::bearer_from(current);
    let client = client_of(
        &network,
        &config(HERE).credentials(credentials).build().unwrap(),
    );
    let late = Step::Status(Code::Unauthenticated).after(Duration::from_secs(1));
    peer.on("createScope", [late, status(0)]);
    let call = tokio::spawn(async move { client.create_scope(&scope()).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    TOKEN.store(1, Ordering::Relaxed);
    assert!(call.await.unwrap().unwrap());
    let said: Vec<_> = peer
        .asked()
        .into_iter()
        .map(|asked| asked.authorization.unwrap())
        .collect();
    assert_eq!(said, ["Bearer token-0", "Bearer token-1"]);
}
