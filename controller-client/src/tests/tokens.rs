//! Delegation tokens: asked for once, renewed in time.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use pravega_controller_api as api;
use tokio::time::{Instant, sleep};
use tonic::Code;

use super::peer::{Step, pair, secure_pair, stream};
use crate::{Access, BadReply, ControllerError};

const ASK: &str = "getDelegationToken";

/// A web token with this name that lives for this long.
fn token(name: &str, seconds: u64) -> String {
    let claims = format!(r#"{{"sub":"{name}","iat":1000,"exp":{}}}"#, 1_000 + seconds);
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

fn reply(token: impl Into<String>) -> Step {
    Step::reply(&api::DelegationToken {
        delegation_token: token.into(),
    })
}

#[tokio::test(start_paused = true)]
async fn without_credentials_nobody_is_asked() {
    let (client, peer) = pair();
    let issued = client.token(&stream(), Access::ReadWrite).await.unwrap();
    assert!(issued.token.is_empty() && peer.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_access_is_named_and_kept_apart() {
    let (client, peer) = secure_pair();
    peer.on(ASK, [reply(token("one", 600)), reply(token("two", 600))]);
    let read = client.token(&stream(), Access::Read).await.unwrap();
    assert_eq!(peer.last::<api::StreamInfo>().access_operation, 3);
    let write = client.token(&stream(), Access::ReadWrite).await.unwrap();
    assert_eq!(peer.last::<api::StreamInfo>().access_operation, 5);
    assert_ne!(read.token, write.token);
    assert_eq!(client.token(&stream(), Access::Read).await.unwrap(), read);
    assert_eq!(peer.asked().len(), 2);
}

/// T79: renewed once for all, shortly before its end.
#[tokio::test(start_paused = true)]
async fn t79_a_token_is_renewed_once_for_all_before_it_ends() {
    let (client, peer) = secure_pair();
    peer.on(
        ASK,
        [
            reply(token("old", 600)),
            reply(token("new", 600)).after(Duration::from_millis(500)),
        ],
    );
    let old = client.token(&stream(), Access::Read).await.unwrap();
    sleep(Duration::from_secs(594)).await;
    assert_eq!(client.token(&stream(), Access::Read).await.unwrap(), old);
    sleep(Duration::from_secs(2)).await;
    let (stream, waiters) = (stream(), 100);
    let renewed = join_all((0..waiters).map(|_| client.token(&stream, Access::Read))).await;
    for issued in renewed {
        assert_eq!(issued.unwrap().token.expose(), token("new", 600));
    }
    assert_eq!(peer.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn t79_a_refused_token_is_replaced_once() {
    let (client, peer) = secure_pair();
    peer.on(ASK, [reply(token("old", 600)), reply(token("new", 600))]);
    let stream = stream();
    let old = client.token(&stream, Access::ReadWrite).await.unwrap();
    for _ in 0..100 {
        client.forget_token(&stream, Access::ReadWrite, old.generation);
        let new = client.token(&stream, Access::ReadWrite).await.unwrap();
        assert_eq!(new.token.expose(), token("new", 600));
    }
    assert_eq!(peer.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn n11_a_good_token_outlives_a_failed_renewal() {
    let (client, peer) = secure_pair();
    peer.on(
        ASK,
        [
            reply(token("old", 600)),
            Step::Status(Code::PermissionDenied),
        ],
    );
    let old = client.token(&stream(), Access::Read).await.unwrap();
    sleep(Duration::from_secs(597)).await;
    assert_eq!(client.token(&stream(), Access::Read).await.unwrap(), old);
    sleep(Duration::from_secs(4)).await;
    let error = client.token(&stream(), Access::Read).await.unwrap_err();
    assert!(matches!(error, ControllerError::PermissionDenied { .. }));
}

/// A controller that hangs holds nobody up for long whose token is still good.
#[tokio::test(start_paused = true)]
async fn n11_a_good_token_outlives_a_slow_renewal() {
    let (client, peer) = secure_pair();
    peer.on(
        ASK,
        [
            reply(token("old", 600)),
            reply(token("new", 600)).after(Duration::from_secs(3)),
        ],
    );
    let old = client.token(&stream(), Access::Read).await.unwrap();
    sleep(Duration::from_secs(596)).await;
    let began = Instant::now();
    assert_eq!(client.token(&stream(), Access::Read).await.unwrap(), old);
    assert!(
        began.elapsed() <= Duration::from_millis(1_001),
        "{:?}",
        began.elapsed()
    );
    sleep(Duration::from_secs(4)).await;
    let new = client.token(&stream(), Access::Read).await.unwrap();
    assert_eq!(
        (new.token.expose(), peer.asked().len()),
        (&*token("new", 600), 2)
    );
}

/// One that was refused is not handed out again, even when no better one can be had.
#[tokio::test(start_paused = true)]
async fn a_refused_token_does_not_come_back() {
    let (client, peer) = secure_pair();
    peer.on(
        ASK,
        [
            reply(token("old", 600)),
            Step::Status(Code::PermissionDenied),
        ],
    );
    let old = client.token(&stream(), Access::Read).await.unwrap();
    client.forget_token(&stream(), Access::Read, old.generation);
    client.token(&stream(), Access::Read).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn tokens_without_an_end_are_kept() {
    for everlasting in [String::new(), "opaque".to_owned(), "a.b.c".to_owned()] {
        let (client, peer) = secure_pair();
        peer.on(ASK, [reply(everlasting.as_str())]);
        assert_eq!(
            client
                .token(&stream(), Access::Read)
                .await
                .unwrap()
                .token
                .expose(),
            everlasting
        );
        sleep(Duration::from_secs(1_000_000)).await;
        client.token(&stream(), Access::Read).await.unwrap();
        assert_eq!(peer.asked().len(), 1, "{everlasting:?}");
    }
}

/// A controller may be set up to issue tokens that are over at once: each use costs a call, and no loop.
#[tokio::test(start_paused = true)]
async fn tokens_that_are_over_at_once_are_handed_out() {
    let (client, peer) = secure_pair();
    peer.on(ASK, [reply(token("over", 0))]);
    for _ in 0..3 {
        assert!(
            !client
                .token(&stream(), Access::Read)
                .await
                .unwrap()
                .token
                .is_empty()
        );
    }
    assert_eq!(peer.asked().len(), 3);
}

/// T2: a renewal that is refused is a definite answer, and comes at once.
#[tokio::test(start_paused = true)]
async fn t2_a_refused_renewal_is_definite() {
    let (client, peer) = secure_pair();
    peer.on(ASK, [Step::Status(Code::PermissionDenied)]);
    let began = Instant::now();
    let error = client
        .token(&stream(), Access::ReadWrite)
        .await
        .unwrap_err();
    assert!(matches!(error, ControllerError::PermissionDenied { .. }));
    assert!(!error.is_retryable() && began.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_token_too_long_for_the_wire_is_refused() {
    let (client, peer) = secure_pair();
    peer.on(ASK, [reply("x".repeat(65_536))]);
    let error = client.token(&stream(), Access::Read).await.unwrap_err();
    assert!(matches!(
        error,
        ControllerError::BadReply {
            source: BadReply::TooMany { count: 65_536, .. },
            ..
        }
    ));
}
