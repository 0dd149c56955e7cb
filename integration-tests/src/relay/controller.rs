//! The relay's controller: the one behind it, but for the addresses of segments.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use pravega_controller_api::{
    self as api,
    controller_service_client::ControllerServiceClient,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use super::{ANY_PORT, Shared, lock};

/// Starts the controller. Returns its address.
pub(super) async fn serve(
    shared: Arc<Shared>,
    upstream: String,
    tasks: &mut JoinSet<()>,
) -> io::Result<String> {
    let upstream = upstream.replace("tcp://", "http://");
    let channel = Endpoint::from_shared(upstream)
        .map_err(io::Error::other)?
        .connect_lazy();
    let controller = Forwarder {
        shared,
        upstream: ControllerServiceClient::new(channel),
    };
    let listener = TcpListener::bind(ANY_PORT).await?;
    let uri = format!("tcp://{}", listener.local_addr()?);
    let serving = Server::builder()
        .add_service(ControllerServiceServer::new(controller))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    tasks.spawn(async move { serving.await.unwrap_or_default() });
    Ok(uri)
}

struct Forwarder {
    shared: Arc<Shared>,
    upstream: ControllerServiceClient<Channel>,
}

impl Forwarder {
    async fn upstream(&self) -> Result<ControllerServiceClient<Channel>, Status> {
        let gate = lock(&self.shared.controller_gate).clone();
        if let Some(gate) = gate {
            gate.opened().await;
        }
        if self.shared.is_controller_down.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the relay was told to be down"));
        }
        Ok(self.upstream.clone())
    }
}

/// Implements the service: the listed calls are asked upstream, the others are not served.
macro_rules! forward {
    ($($method:ident($request:ident) -> $reply:ident;)*) => {
        #[tonic::async_trait]
        impl ControllerService for Forwarder {
            async fn get_uri(
                &self,
                request: Request<api::SegmentId>,
            ) -> Result<Response<api::NodeUri>, Status> {
                let mut upstream = self.upstream().await?;
                self.shared.questions.send_modify(|count| *count += 1);
                let named = upstream.get_uri(request.into_inner()).await?.into_inner();
                self.shared.found(named.endpoint, named.port);
                let (endpoint, port) = self.shared.address();
                Ok(Response::new(api::NodeUri { endpoint, port }))
            }

            $(
                async fn $method(
                    &self,
                    request: Request<api::$request>,
                ) -> Result<Response<api::$reply>, Status> {
                    self.upstream().await?.$method(request.into_inner()).await
                }
            )*
        }
    };
}

forward! {
    create_scope(ScopeInfo) -> CreateScopeStatus;
    delete_scope(ScopeInfo) -> DeleteScopeStatus;
    check_scope_exists(ScopeInfo) -> ExistsResponse;
    list_scopes(ScopesRequest) -> ScopesResponse;
    create_stream(StreamConfig) -> CreateStreamStatus;
    seal_stream(StreamInfo) -> UpdateStreamStatus;
    truncate_stream(StreamCut) -> UpdateStreamStatus;
    delete_stream(StreamInfo) -> DeleteStreamStatus;
    check_stream_exists(StreamInfo) -> ExistsResponse;
    list_streams_in_scope(StreamsInScopeRequest) -> StreamsInScopeResponse;
    get_current_segments(StreamInfo) -> SegmentRanges;
    get_segments(GetSegmentsRequest) -> SegmentsAtTime;
    is_segment_valid(SegmentId) -> SegmentValidityResponse;
    get_delegation_token(StreamInfo) -> DelegationToken;
}
