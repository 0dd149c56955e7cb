//! A controller on port 0 and a client of it.

use std::net::SocketAddr;

use pravega_client_shared::Endpoint;
use pravega_controller_api::{self as api, controller_service_client::ControllerServiceClient};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{Code, Response, Status, transport::Channel};

use super::fake::Fake;
use crate::{
    controller::{ControllerService, serve},
    incoming,
};

/// What the controller tells clients, whatever its real address.
pub(super) const STORE: &str = "store.example:6000";
pub(super) const OWN: &str = "controller.example:9090";

/// A running controller, which ends with its runtime or when told to.
pub(super) struct Running {
    pub(super) client: ControllerServiceClient<Channel>,
    pub(super) fake: Fake,
    pub(super) addr: SocketAddr,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) server: JoinHandle<()>,
}

pub(super) async fn open(fake: &Fake) -> ControllerService<Fake> {
    let endpoint = |text: &str| text.parse::<Endpoint>().unwrap();
    ControllerService::open(fake.clone(), endpoint(STORE), endpoint(OWN))
        .await
        .unwrap()
}

pub(super) async fn start() -> Running {
    start_on(Fake::default()).await
}

pub(super) async fn start_on(fake: Fake) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = open(&fake).await;
    let server = tokio::spawn(async move {
        let shutdown = async {
            if stopped.await.is_err() {
                // The test let go of the sender, which is no wish to stop.
                std::future::pending().await
            }
        };
        serve(service, incoming::tcp(listener), shutdown).await;
    });
    let client = ControllerServiceClient::connect(format!("http://{addr}"))
        .await
        .unwrap();
    Running {
        client,
        fake,
        addr,
        stop,
        server,
    }
}

/// The reply, or the gRPC code.
pub(super) fn answer<T>(result: Result<Response<T>, Status>) -> Result<T, Code> {
    result
        .map(Response::into_inner)
        .map_err(|status| status.code())
}

pub(super) fn scope(scope: &str) -> api::ScopeInfo {
    api::ScopeInfo {
        scope: scope.into(),
    }
}

pub(super) fn stream(scope: &str, stream: &str) -> api::StreamInfo {
    api::StreamInfo {
        scope: scope.into(),
        stream: stream.into(),
        access_operation: 0,
    }
}

/// A stream with a fixed number of segments.
pub(super) fn fixed(scope: &str, name: &str, segments: i32) -> api::StreamConfig {
    api::StreamConfig {
        stream_info: Some(stream(scope, name)),
        scaling_policy: Some(api::ScalingPolicy {
            scale_type: 0,
            target_rate: 0,
            scale_factor: 0,
            min_num_segments: segments,
        }),
        tags: Some(api::Tags { tag: Vec::new() }),
        ..Default::default()
    }
}

pub(super) fn segment(scope: &str, name: &str, id: i64) -> api::SegmentId {
    api::SegmentId {
        stream_info: Some(stream(scope, name)),
        segment_id: id,
    }
}

pub(super) fn cut(scope: &str, name: &str, offsets: &[(i64, i64)]) -> api::StreamCut {
    api::StreamCut {
        stream_info: Some(stream(scope, name)),
        cut: offsets.iter().copied().collect(),
    }
}

impl Running {
    /// Scope `s` with the stream `t`.
    pub(super) async fn with_stream(mut self, segments: i32) -> Self {
        self.client.create_scope(scope("s")).await.unwrap();
        let created = self
            .client
            .create_stream(fixed("s", "t", segments))
            .await
            .unwrap();
        assert_eq!(created.into_inner().status, 0);
        self
    }

    /// The same, sealed.
    pub(super) async fn with_sealed_stream(self) -> Self {
        let mut running = self.with_stream(1).await;
        let sealed = running.client.seal_stream(stream("s", "t")).await.unwrap();
        assert_eq!(sealed.into_inner().status, 0);
        running
    }
}
