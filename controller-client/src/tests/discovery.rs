//! Addresses that only lead to the controllers.

use std::time::Duration;

use pravega_client_config::RetryPolicy;
use pravega_controller_api as api;
use tokio::time::sleep;
use tonic::Code;

use super::peer::{Network, Peer, Step, client_of, config, scope, status};

const ASK: &str = "getControllerServerList";

fn list(controllers: &[(&str, i32)]) -> Step {
    let uri = |&(endpoint, port): &(&str, i32)| api::NodeUri {
        endpoint: endpoint.to_owned(),
        port,
    };
    Step::reply(&api::ServerResponse {
        node_uri: controllers.iter().map(uri).collect(),
    })
}

fn network() -> (Network, Peer, Peer) {
    let network = Network::default();
    let (front, back) = (network.host("front:9090"), network.host("back:9090"));
    for peer in [&front, &back] {
        peer.on("createScope", [status(0)]);
    }
    (network, front, back)
}

#[tokio::test(start_paused = true)]
async fn calls_go_to_the_controllers_that_were_named() {
    let (network, front, back) = network();
    front.on(ASK, [list(&[("back", 9090)])]);
    let client = client_of(&network, &config("pravega://front:9090").build().unwrap());
    for _ in 0..10 {
        client.create_scope(&scope()).await.unwrap();
    }
    assert_eq!(
        (
            front.count(ASK),
            front.count("createScope"),
            back.count("createScope")
        ),
        (1, 0, 10)
    );
}

#[tokio::test(start_paused = true)]
async fn a_direct_address_asks_nobody() {
    let (network, front, _) = network();
    let client = client_of(&network, &config("tcp://front:9090").build().unwrap());
    client.create_scope(&scope()).await.unwrap();
    assert_eq!((front.count(ASK), front.count("createScope")), (0, 1));
}

/// Pravega up to 0.13.0 in one process answers UNKNOWN; others may not know the call.
#[tokio::test(start_paused = true)]
async fn a_controller_without_a_list_serves_itself() {
    for answer in [
        Step::Status(Code::Unknown),
        Step::Status(Code::Unimplemented),
        Step::Status(Code::Internal),
        Step::Hang,
        list(&[]),
        list(&[("", 9090), ("back", 0), ("back", 70_000), ("ba ck", 1)]),
    ] {
        let (network, front, back) = network();
        front.on(ASK, [answer]);
        let client = client_of(&network, &config("pravega://front:9090").build().unwrap());
        client.create_scope(&scope()).await.unwrap();
        client.create_scope(&scope()).await.unwrap();
        assert_eq!((front.count(ASK), front.count("createScope")), (1, 2));
        assert_eq!(back.asked().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_list_is_asked_for_again_after_its_time() {
    let (network, front, back) = network();
    let slow = list(&[("back", 9090)]).after(Duration::from_secs(1));
    front.on(ASK, [list(&[("front", 9090)]), slow]);
    let client = client_of(&network, &config("pravega://front:9090").build().unwrap());
    client.create_scope(&scope()).await.unwrap();
    sleep(Duration::from_secs(119)).await;
    client.create_scope(&scope()).await.unwrap();
    assert_eq!((front.count(ASK), front.count("createScope")), (1, 2));
    sleep(Duration::from_secs(2)).await;
    // Nobody waits for the new list.
    client.create_scope(&scope()).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    client.create_scope(&scope()).await.unwrap();
    assert_eq!((front.count(ASK), back.count("createScope")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_list_is_asked_for_again_when_nobody_on_it_answers() {
    let (network, front, back) = network();
    front.on(ASK, [list(&[("gone", 9090)]), list(&[("back", 9090)])]);
    let config = config("pravega://front:9090").retry(RetryPolicy::default().with_max_attempts(20));
    let client = client_of(&network, &config.build().unwrap());
    // The first list is believed for ten seconds, which the attempts of one call outlast.
    assert!(client.create_scope(&scope()).await.unwrap());
    assert_eq!((front.count(ASK), back.count("createScope")), (2, 1));
}

/// An old list is better than none.
#[tokio::test(start_paused = true)]
async fn the_list_outlives_those_who_gave_it() {
    let (network, front, back) = network();
    front.on(
        ASK,
        [list(&[("back", 9090)]), Step::Status(Code::Unavailable)],
    );
    let client = client_of(&network, &config("pravega://front:9090").build().unwrap());
    client.create_scope(&scope()).await.unwrap();
    sleep(Duration::from_secs(200)).await;
    client.create_scope(&scope()).await.unwrap();
    assert_eq!(back.count("createScope") + front.count("createScope"), 2);
    assert_eq!(back.count("createScope"), 2);
}
