//! A controller that knows every stream.

use std::{io, net::SocketAddr};

use pravega_controller_api::{
    self as api,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use super::ANY_PORT;

/// Serves a controller that finds every segment on `store`. Returns its address.
pub(super) async fn serve(store: SocketAddr) -> io::Result<String> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    let uri = format!("tcp://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = tonic::transport::Server::builder()
        .add_service(ControllerServiceServer::new(OneStore(store)))
        .serve_with_incoming(incoming);
    tokio::spawn(async move { serving.await.unwrap_or_default() });
    Ok(uri)
}

/// A controller that has every stream, with one segment each, all on one store.
struct OneStore(SocketAddr);

type Answer<T> = Result<Response<T>, Status>;

/// Statuses are left at 0, which is success.
#[tonic::async_trait]
impl ControllerService for OneStore {
    async fn create_scope(&self, _: Request<api::ScopeInfo>) -> Answer<api::CreateScopeStatus> {
        Ok(Response::new(Default::default()))
    }

    async fn create_stream(
        &self,
        _: Request<api::StreamConfig>,
    ) -> Answer<api::CreateStreamStatus> {
        Ok(Response::new(Default::default()))
    }

    async fn get_current_segments(
        &self,
        stream: Request<api::StreamInfo>,
    ) -> Answer<api::SegmentRanges> {
        let range = api::SegmentRange {
            segment_id: Some(first_segment(Some(stream.into_inner()))),
            min_key: 0.0,
            max_key: 1.0,
        };
        Ok(Response::new(api::SegmentRanges {
            segment_ranges: vec![range],
            ..Default::default()
        }))
    }

    async fn get_segments(
        &self,
        request: Request<api::GetSegmentsRequest>,
    ) -> Answer<api::SegmentsAtTime> {
        let location = api::segments_at_time::SegmentLocation {
            segment_id: Some(first_segment(request.into_inner().stream_info)),
            offset: 0,
        };
        Ok(Response::new(api::SegmentsAtTime {
            segments: vec![location],
            ..Default::default()
        }))
    }

    async fn get_uri(&self, _: Request<api::SegmentId>) -> Answer<api::NodeUri> {
        let (endpoint, port) = (self.0.ip().to_string(), self.0.port().into());
        Ok(Response::new(api::NodeUri { endpoint, port }))
    }

    async fn get_delegation_token(
        &self,
        _: Request<api::StreamInfo>,
    ) -> Answer<api::DelegationToken> {
        Ok(Response::new(Default::default()))
    }
}

fn first_segment(stream_info: Option<api::StreamInfo>) -> api::SegmentId {
    api::SegmentId {
        stream_info,
        segment_id: 0,
    }
}
