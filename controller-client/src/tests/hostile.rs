//! Replies that break the rules of gRPC.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use tokio::net::TcpListener;
use tonic::{
    body::Body,
    codegen::{Service, http},
    server::NamedService,
    transport::Server,
};

use super::peer::{config, scope};
use crate::{ControllerClient, ControllerError};

/// Answers every request with these headers and no body.
#[derive(Debug, Clone)]
struct Headers(&'static [(&'static str, &'static str)], u16);

impl NamedService for Headers {
    const NAME: &'static str = "io.pravega.controller.stream.api.grpc.v1.ControllerService";
}

impl Service<http::Request<Body>> for Headers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: http::Request<Body>) -> Self::Future {
        let mut response = http::Response::builder().status(self.1);
        for (name, value) in self.0 {
            response = response.header(*name, *value);
        }
        ready(Ok(response.body(Body::empty()).unwrap()))
    }
}

async fn answer(headers: Headers) -> ControllerError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = futures::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(socket, _)| socket);
        Some((accepted, listener))
    });
    tokio::spawn(
        Server::builder()
            .add_service(headers)
            .serve_with_incoming(incoming),
    );
    let retry = pravega_client_config::RetryPolicy::default().with_max_attempts(1);
    let config = config(&address.to_string()).retry(retry).build().unwrap();
    ControllerClient::new(&config)
        .unwrap()
        .create_scope(&scope())
        .await
        .unwrap_err()
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// The gRPC library panics over this one; a caller must not notice.
#[tokio::test]
async fn details_that_are_not_base64_are_a_bad_reply() {
    let headers = &[
        GRPC,
        ("grpc-status", "13"),
        ("grpc-status-details-bin", "!!!"),
    ];
    let error = answer(Headers(headers, 200)).await;
    assert!(
        matches!(error, ControllerError::BadReply { .. }),
        "{error:?}"
    );
    assert!(error.may_have_taken_effect());
}

#[tokio::test]
async fn a_reply_without_a_message_is_an_error() {
    let error = answer(Headers(&[GRPC, ("grpc-status", "0")], 200)).await;
    assert!(
        matches!(error, ControllerError::Rejected { .. }),
        "{error:?}"
    );
    let error = answer(Headers(&[GRPC], 200)).await;
    assert!(
        matches!(error, ControllerError::Rejected { .. }),
        "{error:?}"
    );
    let error = answer(Headers(&[GRPC, ("grpc-status", "no number")], 200)).await;
    assert!(
        matches!(error, ControllerError::Rejected { .. }),
        "{error:?}"
    );
}

/// What a web server or a proxy says.
#[tokio::test]
async fn n10_a_web_server_is_a_typed_error() {
    const PAGE: (&str, &str) = ("content-type", "text/html");
    let error = answer(Headers(&[PAGE], 404)).await;
    assert!(
        matches!(error, ControllerError::Rejected { .. }),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    let error = answer(Headers(&[PAGE], 503)).await;
    assert!(
        matches!(error, ControllerError::Unavailable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a7_a_long_message_is_cut_and_shown_escaped() {
    let trace = "at%20java.lang.Thread%0A".repeat(1_000).leak();
    let headers = vec![GRPC, ("grpc-status", "13"), ("grpc-message", &*trace)].leak();
    let error = answer(Headers(headers, 200)).await;
    let ControllerError::Rejected { source, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(source.code(), "INTERNAL");
    assert!(source.message().len() <= 500 && source.message().starts_with("at java.lang.Thread\n"));
    assert!(!source.to_string().contains('\n'));
}
