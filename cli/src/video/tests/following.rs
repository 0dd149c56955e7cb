//! `GET /live/…`.

use axum::{body::Body, http::StatusCode};
use futures::StreamExt as _;
use pravega_byte_stream::ScopedStream;

use super::{Answer, Site, request};

async fn next(body: &mut axum::body::BodyDataStream) -> Option<Vec<u8>> {
    let chunk = body.next().await?;
    Some(chunk.unwrap().to_vec())
}

#[tokio::test]
async fn a_live_answer_gives_what_is_there_then_what_comes_and_ends_with_the_seal() {
    let site = Site::new().await;
    let segment = site.hold("demo/live", b"there").await;
    let response = site
        .ask(request("GET", "/live/demo/live", &[], Body::empty()))
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("content-length"));
    let mut body = response.into_body().into_data_stream();
    assert_eq!(next(&mut body).await.unwrap(), b"there");
    for more in [&b"one"[..], b"two"] {
        site.hold("demo/live", more).await;
        assert_eq!(next(&mut body).await.unwrap(), more);
    }
    segment.seal().await.unwrap();
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn a_live_answer_starts_at_any_offset_that_there_is() {
    let site = Site::new().await;
    let segment = site.hold("demo/live", b"0123456789").await;
    segment.truncate_data_before(4).await.unwrap();
    segment.seal().await.unwrap();
    let from = async |from: &str| site.get(&format!("/live/demo/live{from}"), &[]).await;
    assert_eq!(from("").await.body, "456789");
    assert_eq!(from("?from=4").await.body, "456789");
    assert_eq!(from("?from=9").await.body, "9");
    assert_eq!(from("?from=10").await.body, "");
    let beyond = from("?from=11").await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let truncated = from("?from=3").await;
    assert_eq!(
        (truncated.status, &truncated.json()["head"]),
        (StatusCode::GONE, &4.into())
    );
    for bad in [
        "?from=-1",
        "?from=x",
        "?from=",
        "?to=1",
        "?from=99999999999999999999",
    ] {
        assert_eq!(from(bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_live_answer_takes_no_range_and_head_does_not_wait() {
    let site = Site::new().await;
    let segment = site.hold("demo/live", b"0123456789").await;
    let response = site
        .ask(request("HEAD", "/live/demo/live", &[], Body::empty()))
        .await;
    assert_eq!(Answer::of(response).await.status, StatusCode::OK);
    segment.seal().await.unwrap();
    let answer = site.get("/live/demo/live", &[("range", "bytes=2-3")]).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"0123456789"[..])
    );
    assert!(!answer.headers.contains_key("accept-ranges"));
}

#[tokio::test]
async fn the_end_of_the_server_breaks_a_live_answer_off() {
    let site = Site::new().await;
    site.hold("demo/live", b"some").await;
    let response = site
        .ask(request("GET", "/live/demo/live", &[], Body::empty()))
        .await;
    let mut body = response.into_body().into_data_stream();
    assert_eq!(next(&mut body).await.unwrap(), b"some");
    site.app.closing.cancel();
    body.next().await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_live_answer_goes_on_with_the_client_that_takes_the_place_of_a_closed_one() {
    let site = Site::new().await;
    site.hold("demo/live", b"before").await;
    let response = site
        .ask(request("GET", "/live/demo/live", &[], Body::empty()))
        .await;
    let mut body = response.into_body().into_data_stream();
    assert_eq!(next(&mut body).await.unwrap(), b"before");
    let config = pravega_byte_stream::ClientConfigBuilder::default();
    let config = config
        .controller_uri(site._server.controller_uri())
        .build()
        .unwrap();
    let successor = pravega_byte_stream::ClientFactory::new(config);
    site._factories.send_replace(successor.clone());
    site.factory.shutdown().await;
    let stream = ScopedStream::from("demo/live");
    let mut writer = successor.open_byte_writer(stream).await.unwrap();
    writer.write_all(b"after").await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(next(&mut body).await.unwrap(), b"after");
}

#[tokio::test]
async fn one_live_answer_too_many_is_told_to_come_again() {
    let site = Site::new().await;
    site.hold("demo/live", b"some").await;
    let all = u32::try_from(crate::video::limits::MAX_LIVE).unwrap();
    let taken = site.app.places.live.acquire_many(all - 1).await.unwrap();
    let last = site
        .ask(request("GET", "/live/demo/live", &[], Body::empty()))
        .await;
    assert_eq!(last.status(), StatusCode::OK);
    let refused = site.get("/live/demo/live", &[]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), "5");
    drop(last);
    let again = site
        .ask(request("GET", "/live/demo/live", &[], Body::empty()))
        .await;
    assert_eq!(again.status(), StatusCode::OK);
    drop(taken);
}
