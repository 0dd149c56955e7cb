//! Names that the server answers to, and methods.

use axum::{body::Body, http::StatusCode};
use pravega_byte_stream::Environment;

use super::{Answer, Site, request};

#[tokio::test]
async fn only_own_names_and_addresses_are_answered() {
    let hosts = ["Camera.example".to_owned()];
    let site = Site::with(false, &hosts, Environment::system()).await;
    let own = [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:8080",
        "[::1]:8080",
        "192.0.2.7",
        "camera.EXAMPLE:80",
    ];
    for host in own {
        assert_eq!(
            site.get("/", &[("host", host)]).await.status,
            StatusCode::OK,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:80",
    ] {
        let answer = site.get("/streams", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{host}");
    }
    for host in ["", "a b", "/"] {
        let answer = site.get("/streams", &[("host", host)]).await;
        assert!(answer.status.is_client_error(), "{host}");
    }
}

#[tokio::test]
async fn methods_that_are_not_served_are_named() {
    let site = Site::with(true, &[], Environment::system()).await;
    for (method, path) in [
        ("PUT", "/streams/demo/film"),
        ("POST", "/streams"),
        ("DELETE", "/"),
    ] {
        let response = site.ask(request(method, path, &[], Body::from("x"))).await;
        let answer = Answer::of(response).await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), "GET,HEAD", "{method} {path}");
    }
    assert_eq!(
        site.get("/streams/demo/film", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}
