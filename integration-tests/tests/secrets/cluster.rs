//! A cluster in memory that gives out tokens, and refuses them at times.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::BytesMut;
use futures::{FutureExt as _, channel::mpsc, future::BoxFuture};
use pravega_byte_stream::{ConnectError, Dial, Dialed, Endpoint};
use pravega_client_shared::DelegationToken;
use pravega_controller_api::{
    self as api,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use pravega_standalone::Standalone;
use pravega_wire_protocol::{
    AuthTokenCheckFailed, CreateSegment, FrameDecoder, FrameLimits, Hello, MAX_RECEIVED_PAYLOAD,
    Reply, Request,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split},
    sync::watch,
};
use tonic::{Response, Status};

/// The token that the controller gives out.
pub(crate) const PLANTED_TOKEN: &str = "planted-token";

/// The one segment, and the stream that it is of is `secret/stream`.
const SEGMENT: &str = "secret/stream/0.#epoch.0";
/// Bytes that a pipe holds.
const PIPE: usize = 16 * 1024;
/// The token has expired.
const EXPIRED: i32 = 0;

type Incoming = mpsc::UnboundedSender<io::Result<DuplexStream>>;

/// A controller, and a store behind a door that can be shut.
pub(crate) struct Cluster {
    controller: Incoming,
    store: Incoming,
    /// Requests that are answered with a refusal.
    refusals: AtomicUsize,
    /// Requests that came with the token.
    tokens: AtomicUsize,
    is_shut: AtomicBool,
    cuts: watch::Sender<usize>,
}

impl Cluster {
    pub(crate) async fn start() -> Arc<Self> {
        let services = Standalone::builder().memory().services().await.unwrap();
        let (controller, callers) = mpsc::unbounded();
        let (store, visitors) = mpsc::unbounded();
        tokio::spawn(async move { services.serve_store(visitors, std::future::pending()).await });
        make_segment(&store).await;
        let service = ControllerServiceServer::new(OneStore);
        let serving = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(callers);
        tokio::spawn(async move { serving.await.unwrap() });
        Arc::new(Self {
            controller,
            store,
            refusals: AtomicUsize::new(0),
            tokens: AtomicUsize::new(0),
            is_shut: AtomicBool::new(false),
            cuts: watch::Sender::default(),
        })
    }

    pub(crate) fn dialer(self: &Arc<Self>) -> Arc<dyn Dial> {
        Arc::new(Dialer(Arc::clone(self)))
    }

    /// Cuts all connections to the store.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Answers the next requests to the store with the word that their token has expired.
    pub(crate) fn refuse_tokens(&self, count: usize) {
        self.refusals.store(count, Ordering::Relaxed);
    }

    pub(crate) fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
        self.cut();
    }

    pub(crate) fn reopen(&self) {
        self.is_shut.store(false, Ordering::Relaxed);
    }

    /// How many requests came with the token.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.load(Ordering::Relaxed)
    }

    /// The refusal of a request, when it is to be refused.
    fn refusal(&self, request: &Request) -> Option<Reply> {
        let has_token = match request {
            Request::SetupAppend(setup) => setup.delegation_token.expose() == PLANTED_TOKEN,
            Request::ReadSegment(read) => read.delegation_token.expose() == PLANTED_TOKEN,
            _ => false,
        };
        self.tokens.fetch_add(has_token.into(), Ordering::Relaxed);
        let request_id = request.request_id()?;
        let take = |left: usize| left.checked_sub(1);
        self.refusals
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .ok()?;
        let refusal = AuthTokenCheckFailed {
            request_id,
            server_stack_trace: "the token has expired".to_owned(),
            error_code: EXPIRED,
        };
        Some(refusal.into())
    }
}

/// Makes the one segment, which no controller of the store's own does here.
async fn make_segment(store: &Incoming) {
    let (mut near, far) = duplex(PIPE);
    store.unbounded_send(Ok(far)).unwrap();
    let create = CreateSegment {
        request_id: 1,
        segment: SEGMENT.into(),
        target_rate: 0,
        scale_type: 0,
        delegation_token: DelegationToken::default(),
        rollover_size_bytes: 0,
    };
    for request in [Request::from(Hello::current()), create.into()] {
        near.write_all(&request.encode_to_bytes().unwrap())
            .await
            .unwrap();
    }
    near.shutdown().await.unwrap();
    let mut answers = Vec::new();
    near.read_to_end(&mut answers).await.unwrap();
    assert!(answers.len() > 16, "no answer behind the hello");
}

struct Dialer(Arc<Cluster>);

impl Dial for Dialer {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async move {
            let cluster = &self.0;
            let (near, client) = duplex(PIPE);
            if endpoint.port() == 1 {
                cluster.controller.unbounded_send(Ok(client)).unwrap();
                return Ok(near.into());
            }
            if cluster.is_shut.load(Ordering::Relaxed) {
                let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                return Err(ConnectError::Unreachable {
                    endpoint: endpoint.clone(),
                    addresses: 1,
                    source: Arc::new(refused),
                });
            }
            let (store, far) = duplex(PIPE);
            cluster.store.unbounded_send(Ok(far)).unwrap();
            tokio::spawn(relay(Arc::clone(cluster), client, store));
            Ok(near.into())
        }
        .boxed()
    }
}

/// Carries requests and replies, until either side closes or the connection is cut.
async fn relay(cluster: Arc<Cluster>, client: DuplexStream, store: DuplexStream) {
    let mut cuts = cluster.cuts.subscribe();
    let (mut from_client, mut to_client) = split(client);
    let (mut from_store, mut to_store) = split(store);
    // What is said in the store's place goes through the same pipe as what the store says.
    let (mut refusals, mut refused) = duplex(PIPE);
    let requests = async {
        let mut decoder = FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD));
        let mut buffer = BytesMut::new();
        while from_client.read_buf(&mut buffer).await? > 0 {
            while let Some(frame) = decoder.decode_frame(&mut buffer).unwrap() {
                let request = Request::decode(frame).unwrap();
                match cluster.refusal(&request) {
                    Some(refusal) => {
                        refusals
                            .write_all(&refusal.encode_to_bytes().unwrap())
                            .await?;
                    }
                    None => {
                        to_store
                            .write_all(&request.encode_to_bytes().unwrap())
                            .await?
                    }
                }
            }
        }
        io::Result::Ok(())
    };
    let replies = async {
        let mut piece = [0; PIPE];
        let mut other = [0; PIPE];
        loop {
            let count = tokio::select! {
                count = from_store.read(&mut piece) => (count?, &piece),
                count = refused.read(&mut other) => (count?, &other),
            };
            if count.0 == 0 {
                return io::Result::Ok(());
            }
            to_client.write_all(&count.1[..count.0]).await?;
        }
    };
    tokio::select! {
        _ = requests => {}
        _ = replies => {}
        _ = cuts.changed() => {}
    }
}

/// A controller that has every stream, with one segment each, all on one store. Statuses are left at 0, which is
/// success.
struct OneStore;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ControllerService for OneStore {
    async fn create_scope(
        &self,
        _: tonic::Request<api::ScopeInfo>,
    ) -> Answer<api::CreateScopeStatus> {
        Ok(Response::new(Default::default()))
    }

    async fn create_stream(
        &self,
        _: tonic::Request<api::StreamConfig>,
    ) -> Answer<api::CreateStreamStatus> {
        Ok(Response::new(Default::default()))
    }

    async fn get_current_segments(
        &self,
        request: tonic::Request<api::StreamInfo>,
    ) -> Answer<api::SegmentRanges> {
        let range = api::SegmentRange {
            segment_id: Some(api::SegmentId {
                stream_info: Some(request.into_inner()),
                segment_id: 0,
            }),
            min_key: 0.0,
            max_key: 1.0,
        };
        Ok(Response::new(api::SegmentRanges {
            segment_ranges: vec![range],
            delegation_token: PLANTED_TOKEN.to_owned(),
        }))
    }

    async fn get_segments(
        &self,
        request: tonic::Request<api::GetSegmentsRequest>,
    ) -> Answer<api::SegmentsAtTime> {
        let location = api::segments_at_time::SegmentLocation {
            segment_id: Some(api::SegmentId {
                stream_info: request.into_inner().stream_info,
                segment_id: 0,
            }),
            offset: 0,
        };
        Ok(Response::new(api::SegmentsAtTime {
            segments: vec![location],
            delegation_token: PLANTED_TOKEN.to_owned(),
        }))
    }

    async fn get_uri(&self, _: tonic::Request<api::SegmentId>) -> Answer<api::NodeUri> {
        let endpoint = "store".to_owned();
        Ok(Response::new(api::NodeUri { endpoint, port: 2 }))
    }

    async fn get_delegation_token(
        &self,
        _: tonic::Request<api::StreamInfo>,
    ) -> Answer<api::DelegationToken> {
        Ok(Response::new(api::DelegationToken {
            delegation_token: PLANTED_TOKEN.to_owned(),
        }))
    }
}
