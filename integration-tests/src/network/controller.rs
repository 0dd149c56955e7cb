//! The controller's host: the embedded controller, but for the addresses of segments and the tokens.

use std::{
    future::Future,
    io,
    net::Ipv4Addr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::stream;
use hyper_util::rt::TokioIo;
use pravega_client_shared::Endpoint;
use pravega_controller_api::{
    self as api,
    controller_service_client::ControllerServiceClient,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    sync::mpsc,
};
use tonic::{
    Request, Response, Status,
    codegen::{Service, http::Uri},
    transport::{self, Channel, Server, server::Connected},
};
use turmoil::net::{TcpListener, TcpStream};

use super::{
    cluster::{CONTROLLER_PORT, Cluster, Host, STORE_PORT},
    tokens,
};

/// Bytes between the host's door and the embedded controller.
const PIPE: usize = 64 * 1024;

/// The program of the controller's host.
pub(super) async fn run(cluster: Arc<Cluster>) -> turmoil::Result {
    let (pipes, mut made) = mpsc::unbounded_channel();
    let inner = stream::poll_fn(move |cx| made.poll_recv(cx)).map_ok();
    let endpoint = |host: Host, port| Endpoint::new(host.name(), i32::from(port));
    let store = endpoint(Host::StoreA, STORE_PORT)?;
    let own = endpoint(Host::Controller, CONTROLLER_PORT)?;
    let services = cluster.services.clone();
    let embedded = services.serve_controller(inner, &store, &own, std::future::pending());

    let door = TcpListener::bind((Ipv4Addr::UNSPECIFIED, CONTROLLER_PORT)).await?;
    let channel = transport::Endpoint::from_static("http://embedded");
    let channel = channel.connect_with_connector_lazy(Pipes(pipes));
    let forwarder = Forwarder {
        cluster,
        upstream: ControllerServiceClient::new(channel),
    };
    let incoming = stream::unfold(door, |door| async move {
        let accepted = door.accept().await.map(|(socket, _)| Socket(socket));
        Some((accepted, door))
    });
    let serving = Server::builder()
        .add_service(ControllerServiceServer::new(forwarder))
        .serve_with_incoming(incoming);
    let (embedded, serving) = futures::join!(embedded, serving);
    embedded?;
    serving?;
    Ok(())
}

/// A stream of connections that never fail.
trait MapOk: Sized {
    fn map_ok(self) -> impl futures::Stream<Item = io::Result<DuplexStream>> + Send;
}

impl<T: futures::Stream<Item = DuplexStream> + Send> MapOk for T {
    fn map_ok(self) -> impl futures::Stream<Item = io::Result<DuplexStream>> + Send {
        futures::StreamExt::map(self, Ok)
    }
}

/// Makes connections to the embedded controller.
#[derive(Clone)]
struct Pipes(mpsc::UnboundedSender<DuplexStream>);

impl Service<Uri> for Pipes {
    type Response = TokioIo<DuplexStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let (here, there) = duplex(PIPE);
        let sent = self.0.send(there);
        Box::pin(async move {
            sent.map_err(|_| io::ErrorKind::ConnectionRefused)?;
            Ok(TokioIo::new(here))
        })
    }
}

/// A connection of the simulated network, as the gRPC library wants to have it.
struct Socket(TcpStream);

impl Connected for Socket {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct Forwarder {
    cluster: Arc<Cluster>,
    upstream: ControllerServiceClient<Channel>,
}

/// Implements the service: the listed calls are asked of the embedded controller, the others are not served.
macro_rules! forward {
    ($($method:ident($request:ident) -> $reply:ident;)*) => {
        #[tonic::async_trait]
        impl ControllerService for Forwarder {
            async fn get_uri(
                &self,
                _: Request<api::SegmentId>,
            ) -> Result<Response<api::NodeUri>, Status> {
                Ok(Response::new(api::NodeUri {
                    endpoint: self.cluster.home.get().store.name().to_owned(),
                    port: STORE_PORT.into(),
                }))
            }

            async fn get_delegation_token(
                &self,
                _: Request<api::StreamInfo>,
            ) -> Result<Response<api::DelegationToken>, Status> {
                let now = turmoil::sim_elapsed().unwrap_or_default();
                let lifetime = self.cluster.token_lifetime;
                let token = lifetime.map(|lifetime| tokens::issue(now, lifetime));
                Ok(Response::new(api::DelegationToken {
                    delegation_token: token.unwrap_or_default(),
                }))
            }

            $(
                async fn $method(
                    &self,
                    request: Request<api::$request>,
                ) -> Result<Response<api::$reply>, Status> {
                    self.upstream.clone().$method(request.into_inner()).await
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
}
