//! `GET` and `HEAD` of a stream, at every edge of a range.

use axum::{body::Body, http::StatusCode};
use proptest::prelude::*;

use super::{Answer, Site, noise, request};
use crate::video::range::pieces;

const PATH: &str = "/streams/demo/film";
/// A stream of this many bytes, of which this many are truncated.
const TAIL: usize = 3_000;
const HEAD: usize = 1_000;
/// So many can be read.
const LEN: usize = TAIL - HEAD;

async fn site() -> (Site, Vec<u8>) {
    let site = Site::new().await;
    let bytes = noise(TAIL);
    let segment = site.hold("demo/film", &bytes).await;
    segment.truncate_data_before(1_000).await.unwrap();
    (site, bytes[HEAD..].to_vec())
}

#[tokio::test]
async fn a_range_answers_with_its_bytes_counted_from_the_head() {
    let (site, bytes) = site().await;
    let ranges = [
        ("bytes=0-0", 0..1),
        ("bytes=0-", 0..LEN),
        ("bytes=0-1999", 0..LEN),
        ("bytes=0-2000", 0..LEN),
        ("bytes=0-99999999999999999999999999", 0..LEN),
        ("bytes=1-1", 1..2),
        ("bytes=1998-", LEN - 2..LEN),
        ("bytes=1999-", LEN - 1..LEN),
        ("bytes=1999-1999", LEN - 1..LEN),
        ("bytes=1999-18446744073709551615", LEN - 1..LEN),
        ("bytes=-1", LEN - 1..LEN),
        ("bytes=-2000", 0..LEN),
        ("bytes=-2001", 0..LEN),
        ("bytes=-18446744073709551615", 0..LEN),
        ("Bytes=5-6", 5..7),
        ("bytes= 5-6 ,", 5..7),
        ("bytes=2000-, 5-6", 5..7),
    ];
    for (asked, range) in ranges {
        let answer = site.get(PATH, &[("range", asked)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{asked}");
        assert_eq!(answer.body, bytes[range.clone()], "{asked}");
        let sent = format!("bytes {}-{}/{LEN}", range.start, range.end - 1);
        assert_eq!(answer.header("content-range"), sent, "{asked}");
        assert_eq!(
            answer.header("content-length"),
            range.len().to_string(),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_range_outside_of_the_stream_is_refused_with_its_length() {
    let (site, _) = site().await;
    let outside = [
        "bytes=2000-",
        "bytes=2000-2000",
        "bytes=-0",
        "bytes=18446744073709551615-",
        "bytes=2000-,9999-",
    ];
    for asked in outside {
        let answer = site.get(PATH, &[("range", asked)]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{asked}");
        assert_eq!(answer.header("content-range"), "bytes */2000", "{asked}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{asked}"
        );
        assert_eq!(answer.json()["status"], 416, "{asked}");
    }
}

#[tokio::test]
async fn a_header_that_is_no_range_or_several_is_ignored() {
    let (site, bytes) = site().await;
    let ignored = [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=--5",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes:0-1",
        "lines=0-1",
        "0-1",
        "bytes=0x1-2",
        "bytes=0-1,3-4",
        "bytes=1.5-2",
        "bytes=\u{e9}-1",
        "bytes=0-1;bytes=2-3",
        "bytes=,,,,,,,,,,,,,,,,,,,,",
    ];
    for asked in ignored {
        let answer = site.get(PATH, &[("range", asked)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{asked}");
        assert_eq!(answer.body, bytes, "{asked}");
        assert!(!answer.headers.contains_key("content-range"), "{asked}");
    }
    let many = format!("bytes={}", "0-0,".repeat(5_000));
    assert_eq!(
        site.get(PATH, &[("range", &many)]).await.status,
        StatusCode::OK
    );
    let twice = [("range", "bytes=0-1"), ("range", "bytes=0-1")];
    assert_eq!(site.get(PATH, &twice).await.status, StatusCode::OK);
}

#[tokio::test]
async fn if_range_holds_while_the_stream_grows_and_until_its_beginning_changes() {
    let site = Site::new().await;
    let segment = site.hold("demo/film", &noise(TAIL)).await;
    let tag = site.get(PATH, &[]).await.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag} is no strong tag");
    site.hold("demo/film", b"more").await;
    let with = async |condition: &str| {
        let headers = [("range", "bytes=3000-"), ("if-range", condition)];
        site.get(PATH, &headers).await
    };
    let grown = with(&tag).await;
    assert_eq!(
        (grown.status, &grown.body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"more"[..])
    );
    assert_eq!(grown.header("etag"), tag);
    for other in [
        "\"other\"",
        &format!("W/{tag}"),
        "Sat, 29 Oct 1994 19:43:31 GMT",
        "nonsense",
    ] {
        let answer = with(other).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::OK, TAIL + 4),
            "{other}"
        );
    }
    segment.truncate_data_before(1).await.unwrap();
    assert_eq!(with(&tag).await.status, StatusCode::OK);
}

#[tokio::test]
async fn head_tells_of_the_whole_and_of_the_stream() {
    let (site, _) = site().await;
    let headers = [("range", "bytes=0-0")];
    let response = site
        .ask(request("HEAD", PATH, &headers, Body::empty()))
        .await;
    let answer = Answer::of(response).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    let told = [
        "content-length",
        "accept-ranges",
        "pravega-head",
        "pravega-tail",
        "pravega-sealed",
    ];
    let told = told.map(|name| answer.header(name));
    assert_eq!(told, ["2000", "bytes", "1000", "3000", "false"]);
}

#[tokio::test]
async fn an_empty_stream_has_no_bytes_and_no_range() {
    let site = Site::new().await;
    site.hold("demo/film", b"").await;
    let whole = site.get(PATH, &[]).await;
    assert_eq!((whole.status, whole.body.len()), (StatusCode::OK, 0));
    assert_eq!(whole.header("content-length"), "0");
    let answer = site.get(PATH, &[("range", "bytes=0-")]).await;
    assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(answer.header("content-range"), "bytes */0");
    let answer = site.get(PATH, &[("range", "bytes=-5")]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn media_is_named_by_its_first_bytes_and_a_page_never_is_one() {
    let site = Site::new().await;
    let mut webm = b"\x1a\x45\xdf\xa3\x42\x82\x84webm".to_vec();
    webm.resize(600, 0);
    site.hold("demo/webm", &webm).await;
    site.hold("demo/mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41")
        .await;
    site.hold(
        "demo/html",
        b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    )
    .await;
    let media = async |name: &str| {
        let answer = site.get(&format!("/streams/demo/{name}"), &[]).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        answer.header("content-type").to_owned()
    };
    assert_eq!(media("webm").await, "video/webm");
    assert_eq!(media("mp4").await, "video/mp4");
    assert_eq!(media("html").await, "application/octet-stream");
}

#[tokio::test]
async fn names_are_checked_and_what_is_missing_is_not_found() {
    let (site, _) = site().await;
    site.hold("demo/film", b"").await;
    let expected = [
        ("/streams/demo/none", StatusCode::NOT_FOUND),
        ("/streams/none/film", StatusCode::NOT_FOUND),
        ("/live/demo/none", StatusCode::NOT_FOUND),
        ("/streams/demo/a%20b", StatusCode::BAD_REQUEST),
        ("/streams/demo/%2e%2e", StatusCode::BAD_REQUEST),
        ("/streams/demo/%2F", StatusCode::BAD_REQUEST),
        ("/streams/demo/%ff", StatusCode::BAD_REQUEST),
        ("/streams/demo/%3Cscript%3E", StatusCode::BAD_REQUEST),
        ("/streams/_system/film", StatusCode::FORBIDDEN),
        ("/streams/demo/_hidden", StatusCode::FORBIDDEN),
        ("/streams/demo", StatusCode::NOT_FOUND),
        ("/streams/demo/film/0", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
    ];
    for (path, status) in expected {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        assert_eq!(answer.json()["status"], status.as_u16(), "{path}");
    }
    let long = format!("/streams/demo/{}", "a".repeat(256));
    assert_eq!(site.get(&long, &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_truncated_while_it_is_sent_breaks_the_answer_off() {
    let site = Site::new().await;
    let segment = site.hold("demo/film", &noise(8 << 20)).await;
    let response = site.ask(request("GET", PATH, &[], Body::empty())).await;
    segment.truncate_data_before(8 << 20).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    axum::body::to_bytes(response.into_body(), super::MOST)
        .await
        .unwrap_err();
}

proptest! {
    #[test]
    fn pieces_are_the_range_in_order(start in 0_u64.., len in 0_u64..10_000, piece in 1_u64..2_000) {
        let range = start..start.saturating_add(len);
        let mut at = range.start;
        for cut in pieces(range.clone(), piece) {
            prop_assert_eq!(cut.start, at);
            prop_assert!(cut.end > cut.start && cut.end - cut.start <= piece);
            at = cut.end;
        }
        prop_assert_eq!(at, range.end);
    }
}
