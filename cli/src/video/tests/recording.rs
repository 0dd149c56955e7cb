//! `PUT` of a stream.

use std::io;

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures::{SinkExt as _, channel::mpsc};

use super::{Answer, Site, noise, request};

const PATH: &str = "/streams/demo/film";

#[tokio::test]
async fn a_recording_makes_the_stream_and_the_next_one_appends() {
    let site = Site::new().await;
    let first = site.put(PATH, "first").await;
    assert_eq!(first.status, StatusCode::CREATED);
    let told = serde_json::json!({"stream": "demo/film", "from": 0, "tail": 5, "sealed": false});
    assert_eq!(first.json(), told);
    let second = site.put(&format!("{PATH}?at=5&seal=true"), "second").await;
    assert_eq!(second.status, StatusCode::OK);
    let told = serde_json::json!({"stream": "demo/film", "from": 5, "tail": 11, "sealed": true});
    assert_eq!(second.json(), told);
    let whole = site.get(PATH, &[]).await;
    assert_eq!(
        (&whole.body[..], whole.header("pravega-sealed")),
        (&b"firstsecond"[..], "true")
    );
}

#[tokio::test]
async fn a_large_recording_arrives_as_it_was_sent() {
    let site = Site::new().await;
    let bytes = Bytes::from(noise(20 << 20));
    // One chunk above what an append takes, and many small ones.
    let (large, small) = (bytes.slice(..10 << 20), bytes.slice(10 << 20..));
    let pieces = std::iter::once(large)
        .chain((0..10 << 10).map(move |n| small.slice(n << 10..(n + 1) << 10)));
    let body = Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, io::Error>)));
    assert_eq!(site.put(PATH, body).await.json()["tail"], bytes.len());
    assert!(site.get(PATH, &[]).await.body == bytes, "the bytes differ");
}

#[tokio::test]
async fn what_is_recorded_is_played_while_it_is_recorded() {
    let site = Site::new().await;
    let (mut camera, body) = mpsc::channel::<Result<Bytes, io::Error>>(1);
    let recording = site.put(PATH, Body::from_stream(body));
    let watching = async {
        camera.send(Ok("one".into())).await.unwrap();
        // The stream is there a moment later.
        while site.get(PATH, &[]).await.body != "one" {
            tokio::task::yield_now().await;
        }
        camera.send(Ok("two".into())).await.unwrap();
        drop(camera);
    };
    let (recorded, ()) = tokio::join!(recording, watching);
    assert_eq!(recorded.json()["tail"], 6);
}

#[tokio::test]
async fn what_came_before_a_body_broke_off_is_stored_and_not_sealed() {
    let site = Site::new().await;
    let pieces = [Ok(Bytes::from("came")), Err(io::Error::other("gone"))];
    let answer = site
        .put(
            &format!("{PATH}?seal=true"),
            Body::from_stream(futures::stream::iter(pieces)),
        )
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["durable"], 4);
    let whole = site.get(PATH, &[]).await;
    assert_eq!(
        (&whole.body[..], whole.header("pravega-sealed")),
        (&b"came"[..], "false")
    );
}

#[tokio::test]
async fn a_recording_whose_answer_nobody_waits_for_is_stored_all_the_same() {
    let site = Site::new().await;
    let (mut camera, body) = mpsc::channel::<Result<Bytes, io::Error>>(1);
    let asked = request("PUT", PATH, &[], Body::from_stream(body));
    {
        let mut answer = Box::pin(site.ask(asked));
        let sending = async {
            camera.send(Ok("came".into())).await?;
            camera.send(Ok(" later".into())).await
        };
        // The answer is dropped as soon as the recorder has begun to read.
        tokio::select! {
            _ = &mut answer => panic!("there is no end yet"),
            sent = sending => sent.unwrap(),
        }
    }
    drop(camera);
    site.app.recordings.close();
    site.app.recordings.wait().await;
    assert_eq!(site.get(PATH, &[]).await.body, "came later");
}

#[tokio::test]
async fn conflicts_are_told_with_the_place_where_the_stream_ends() {
    let site = Site::new().await;
    let segment = site.hold("demo/film", b"0123").await;
    let elsewhere = site.put(&format!("{PATH}?at=3"), "x").await;
    assert_eq!(
        (elsewhere.status, &elsewhere.json()["tail"]),
        (StatusCode::CONFLICT, &4.into())
    );
    let (mut camera, body) = mpsc::channel::<Result<Bytes, io::Error>>(1);
    let recording = site.put(PATH, Body::from_stream(body));
    let meddling = async {
        camera.send(Ok("mine".into())).await.unwrap();
        while segment.info().await.unwrap().tail < 8 {
            tokio::task::yield_now().await;
        }
        site.hold("demo/film", b"foreign").await;
        camera.send(Ok("lost".into())).await.unwrap();
        drop(camera);
    };
    let (recorded, ()) = tokio::join!(recording, meddling);
    assert_eq!(recorded.status, StatusCode::CONFLICT);
    assert_eq!(recorded.json()["durable"], 8);
    segment.seal().await.unwrap();
    assert_eq!(site.put(PATH, "x").await.status, StatusCode::CONFLICT);
    assert_eq!(site.get(PATH, &[]).await.body, "0123mineforeign");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused_before_anything_is_made() {
    let site = Site::new().await;
    for path in [
        "/streams/demo/a_b",
        "/streams/demo/x?at=y",
        "/streams/demo/x?seal=maybe",
    ] {
        assert_eq!(
            site.put(path, "x").await.status,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
    assert_eq!(
        site.put("/streams/_system/x", "x").await.status,
        StatusCode::FORBIDDEN
    );
    let part = [("content-range", "bytes 0-0/1")];
    let part = site
        .ask(request("PUT", "/streams/demo/x", &part, Body::from("x")))
        .await;
    assert_eq!(part.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        site.get("/streams/demo/x", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let all = u32::try_from(crate::video::limits::MAX_RECORDINGS).unwrap();
    let _taken = site.app.places.recordings.acquire_many(all).await.unwrap();
    assert_eq!(
        site.put(PATH, "x").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn the_end_of_the_server_ends_a_recording_with_what_came() {
    let site = Site::new().await;
    let (mut camera, body) = mpsc::channel::<Result<Bytes, io::Error>>(1);
    let recording = site.ask(request("PUT", PATH, &[], Body::from_stream(body)));
    let ending = async {
        camera.send(Ok("came".into())).await.unwrap();
        while site.get(PATH, &[]).await.body != "came" {
            tokio::task::yield_now().await;
        }
        site.app.closing.cancel();
    };
    let (answer, ()) = tokio::join!(recording, ending);
    let answer = Answer::of(answer).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["durable"], 4);
}
