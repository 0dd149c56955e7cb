//! A controller that issues delegation tokens as a test wants; everything else it asks another controller.

use std::sync::{Arc, Mutex};

use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, Credentials};
use pravega_client_shared::DelegationToken as Token;
use pravega_controller_api::{
    self as api,
    controller_service_client::ControllerServiceClient,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use pravega_wire_protocol::{AuthTokenCheckFailed, Reply, Request as WireRequest};
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

/// What a store says of a token that has ended, and of one that it does not accept.
pub(crate) const EXPIRED: i32 = 1;
pub(crate) const NOT_ACCEPTED: i32 = 0;

/// The controller. It ends when this is dropped.
pub(crate) struct Office {
    uri: String,
    desk: Arc<Desk>,
    _tasks: JoinSet<()>,
}

/// How the office answers.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// With a token of its own making, each time another one.
    Issues,
    /// Always with this text.
    Says(String),
    /// With this status.
    Refuses(Code),
    /// Not at all.
    IsSilent,
}

/// What the office has done, and which of its tokens are good.
#[derive(Debug)]
pub(crate) struct Desk(Mutex<Books>);

#[derive(Debug)]
struct Books {
    manner: Manner,
    /// Whether each that came wanted to write.
    asked: Vec<bool>,
    issued: u64,
    /// Tokens of a lower number have ended.
    good_from: u64,
}

impl Desk {
    /// How often it was asked for a token, to read and to write.
    pub(crate) fn asked(&self) -> (usize, usize) {
        let books = self.0.lock().unwrap();
        let writing = books.asked.iter().filter(|writing| **writing).count();
        (books.asked.len() - writing, writing)
    }

    /// No token that was issued so far is good any more.
    pub(crate) fn expire(&self) {
        let mut books = self.0.lock().unwrap();
        books.good_from = books.issued + 1;
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.0.lock().unwrap().manner = manner;
    }

    pub(crate) fn is_good(&self, token: &Token) -> bool {
        let number = token.expose().strip_prefix("token-");
        let number = number.and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| number >= self.0.lock().unwrap().good_from)
    }

    /// What a store answers to a request whose token is not good; none when it is. A refused read carries its
    /// offset where its id should be, as with a real store.
    pub(crate) fn refusal(&self, request: &WireRequest, error_code: i32) -> Option<Reply> {
        let (token, request_id) = match request {
            WireRequest::SetupAppend(it) => (&it.delegation_token, it.request_id),
            WireRequest::ReadSegment(it) => (&it.delegation_token, it.offset),
            WireRequest::GetStreamSegmentInfo(it) => (&it.delegation_token, it.request_id),
            _ => return None,
        };
        if self.is_good(token) {
            return None;
        }
        let server_stack_trace = String::new();
        let refusal = AuthTokenCheckFailed {
            request_id,
            server_stack_trace,
            error_code,
        };
        Some(refusal.into())
    }
}

impl Office {
    /// Opens an office in front of the controller at `uri`.
    pub(crate) async fn before(uri: &str) -> Self {
        let upstream = Endpoint::from_shared(uri.replace("tcp://", "http://")).unwrap();
        let desk = Arc::new(Desk(Mutex::new(Books {
            manner: Manner::Issues,
            asked: Vec::new(),
            issued: 0,
            good_from: 1,
        })));
        let clerk = Clerk {
            desk: Arc::clone(&desk),
            upstream: ControllerServiceClient::new(upstream.connect_lazy()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("tcp://{}", listener.local_addr().unwrap());
        let serving = Server::builder()
            .add_service(ControllerServiceServer::new(clerk))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { serving.await.unwrap_or_default() });
        Self {
            uri,
            desk,
            _tasks: tasks,
        }
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// A factory that has to show tokens.
    pub(crate) fn factory_with(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> ClientFactory {
        let config = ClientConfigBuilder::default()
            .controller_uri(&self.uri)
            .credentials(Credentials::basic("somebody", "of course"));
        ClientFactory::new(change(config).build().unwrap())
    }
}

struct Clerk {
    desk: Arc<Desk>,
    upstream: ControllerServiceClient<Channel>,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ControllerService for Clerk {
    async fn get_delegation_token(
        &self,
        request: Request<api::StreamInfo>,
    ) -> Answer<api::DelegationToken> {
        let wanted = request.into_inner().access_operation();
        let manner = {
            let mut books = self.desk.0.lock().unwrap();
            let writing = wanted == api::stream_info::AccessOperation::ReadWrite;
            books.asked.push(writing);
            if matches!(books.manner, Manner::Issues) {
                books.issued += 1;
                Manner::Says(format!("token-{}", books.issued))
            } else {
                books.manner.clone()
            }
        };
        match manner {
            Manner::Says(delegation_token) => {
                Ok(Response::new(api::DelegationToken { delegation_token }))
            }
            Manner::Refuses(code) => Err(Status::new(code, "as the test wants")),
            Manner::Issues | Manner::IsSilent => std::future::pending().await,
        }
    }

    async fn get_uri(&self, request: Request<api::SegmentId>) -> Answer<api::NodeUri> {
        self.upstream.clone().get_uri(request.into_inner()).await
    }

    async fn get_current_segments(
        &self,
        request: Request<api::StreamInfo>,
    ) -> Answer<api::SegmentRanges> {
        let mut upstream = self.upstream.clone();
        upstream.get_current_segments(request.into_inner()).await
    }

    async fn get_segments(
        &self,
        request: Request<api::GetSegmentsRequest>,
    ) -> Answer<api::SegmentsAtTime> {
        let mut upstream = self.upstream.clone();
        upstream.get_segments(request.into_inner()).await
    }
}
