//! The web server in this process, on an embedded server in memory.

mod crowd;
mod following;
mod hosts;
mod listing;
mod patience;
mod playing;
mod recording;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, Environment, ScopedStream, SegmentHandle,
};
use pravega_standalone::{Standalone, StandaloneHandle};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::router::{App, router};

/// The most connections to the store that the client of a [`Site`] opens.
const MAX_STORE_CONNECTIONS: usize = 4;
/// The most that a test reads of an answer, in bytes.
const MOST: usize = 64 << 20;

/// A web server, not listening, and what is behind it.
struct Site {
    factory: ClientFactory,
    app: App,
    router: Router,
    _factories: watch::Sender<ClientFactory>,
    _server: StandaloneHandle,
}

impl Site {
    async fn new() -> Self {
        Self::with(false, &[], Environment::system()).await
    }

    async fn with(read_only: bool, hosts: &[String], environment: Environment) -> Self {
        let server = Standalone::builder().memory().start().await.unwrap();
        let config = ClientConfigBuilder::default()
            .controller_uri(server.controller_uri())
            .max_connections_per_endpoint(MAX_STORE_CONNECTIONS)
            .build()
            .unwrap();
        let factory = ClientFactory::in_environment(config, environment);
        let (factories, factory_now) = watch::channel(factory.clone());
        let app = App::new(factory_now, hosts);
        Self {
            factory,
            router: router(app.clone(), read_only),
            app,
            _factories: factories,
            _server: server,
        }
    }

    /// A stream that holds these bytes.
    async fn hold(&self, stream: &'static str, bytes: &[u8]) -> SegmentHandle {
        let stream = ScopedStream::from(stream);
        self.factory.ensure_byte_stream(&stream).await.unwrap();
        let mut writer = self.factory.open_byte_writer(stream.clone()).await.unwrap();
        writer.write_all(bytes).await.unwrap();
        writer.close().await.unwrap();
        let segment = self.factory.segment_of(&stream).await.unwrap();
        self.factory.segment(segment).unwrap()
    }

    async fn ask(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A GET with these headers, to its end.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::of(self.ask(request("GET", path, headers, Body::empty())).await).await
    }

    async fn put(&self, path: &str, body: impl Into<Body>) -> Answer {
        Answer::of(self.ask(request("PUT", path, &[], body.into())).await).await
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(header::HOST, "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(body).unwrap()
}

/// A whole answer.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body: to_bytes(body, MOST).await.unwrap(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Bytes in which no two neighbours are alike for long.
fn noise(len: usize) -> Vec<u8> {
    (0_u64..)
        .flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
        .take(len)
        .collect()
}
