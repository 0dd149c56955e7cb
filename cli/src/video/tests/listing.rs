//! The list and the page.

use axum::http::StatusCode;

use super::{Site, noise};

#[tokio::test]
async fn the_list_tells_of_every_stream_but_pravegas_own() {
    let site = Site::new().await;
    let empty = site.get("/streams", &[]).await;
    assert_eq!(
        empty.json(),
        serde_json::json!({"streams": [], "complete": true})
    );
    let site = Site::new().await;
    let film = site.hold("demo/film", &noise(1_000)).await;
    film.truncate_data_before(10).await.unwrap();
    film.seal().await.unwrap();
    site.hold("demo/mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41")
        .await;
    site.hold("_own/stream", b"x").await;
    let list = site.get("/streams", &[]).await;
    assert_eq!(list.status, StatusCode::OK);
    let entry = |stream, head, tail, sealed, media: Option<&str>| {
        serde_json::json!({
            "stream": stream, "head": head, "tail": tail, "sealed": sealed, "rate": null, "media": media,
        })
    };
    let expected = [
        entry("demo/film", 10, 1_000, true, None),
        entry("demo/mp4", 0, 32, false, Some("video/mp4")),
    ];
    assert_eq!(
        list.json(),
        serde_json::json!({"streams": expected, "complete": true})
    );
}

#[tokio::test]
async fn the_page_and_its_files_are_there_and_load_nothing_else() {
    let site = Site::new().await;
    let files = [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
    ];
    for (path, media) in files {
        let answer = site.get(path, &[]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, media)
        );
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        for foreign in ["http:", "https:", "innerHTML", "style=", "onclick"] {
            assert!(!text.contains(foreign), "{path} has {foreign}");
        }
    }
}
