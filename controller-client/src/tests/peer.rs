//! A controller that does what a script says, and notes what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{future::BoxFuture, stream};
use pravega_client_config::{ClientConfig, ClientConfigBuilder, Credentials};
use pravega_client_shared::{Chance, Endpoint, ScopeName, ScopedStream, SegmentId};
use pravega_controller_api::{
    self as api,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use prost::Message;
use tokio::{
    io::DuplexStream,
    sync::mpsc,
    time::{Instant, sleep},
};
use tonic::{Code, Request, Response, Status, async_trait, transport::Server};

use crate::{BoxedByteStream, Connect, ControllerClient};

/// What the peer does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends this message.
    Reply(Vec<u8>),
    /// Ends the call with this status.
    Status(Code),
    /// Waits before the next step.
    Wait(Duration, Box<Self>),
    /// Never answers.
    Hang,
}

impl Step {
    pub(crate) fn reply(message: &impl Message) -> Self {
        Self::Reply(message.encode_to_vec())
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self::Wait(time, Box::new(self))
    }
}

/// A reply with nothing but a status in field 1.
pub(crate) fn status(number: i32) -> Step {
    Step::reply(&api::CreateScopeStatus { status: number })
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) call: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) authorization: Option<String>,
    pub(crate) timeout: Option<String>,
    pub(crate) at: Instant,
}

/// The controller. The last step of a script is repeated for ever; a call without a script is refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    script: HashMap<&'static str, VecDeque<Step>>,
    asked: Vec<Asked>,
}

impl Peer {
    pub(crate) fn on(&self, call: &'static str, steps: impl IntoIterator<Item = Step>) {
        self.0
            .lock()
            .unwrap()
            .script
            .insert(call, steps.into_iter().collect());
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    /// How often `call` was made.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.call == call)
            .count()
    }

    /// The last request, decoded.
    pub(crate) fn last<M: Message + Default>(&self) -> M {
        M::decode(&*self.asked().last().unwrap().body).unwrap()
    }

    async fn play<Req: Message, Resp: Message + Default>(
        &self,
        call: &'static str,
        request: Request<Req>,
    ) -> Result<Response<Resp>, Status> {
        let mut step = {
            let header = |name: &str| {
                request
                    .metadata()
                    .get(name)
                    .map(|value| value.to_str().unwrap().to_owned())
            };
            let mut book = self.0.lock().unwrap();
            book.asked.push(Asked {
                call,
                body: request.get_ref().encode_to_vec(),
                authorization: header("authorization"),
                timeout: header("grpc-timeout"),
                at: Instant::now(),
            });
            let steps = book.script.entry(call).or_default();
            let step = if steps.len() > 1 {
                steps.pop_front()
            } else {
                steps.front().cloned()
            };
            step.unwrap_or(Step::Status(Code::Unimplemented))
        };
        loop {
            match step {
                Step::Reply(bytes) => return Ok(Response::new(Resp::decode(&*bytes).unwrap())),
                Step::Status(code) => return Err(Status::new(code, "as the script says")),
                Step::Wait(time, next) => {
                    sleep(time).await;
                    step = *next;
                }
                Step::Hang => std::future::pending::<()>().await,
            }
        }
    }

    pub(crate) fn service(&self) -> ControllerServiceServer<Self> {
        ControllerServiceServer::new(self.clone())
            .max_encoding_message_size(usize::MAX)
            .max_decoding_message_size(usize::MAX)
    }
}

macro_rules! scripted {
    ($($method:ident $name:literal $request:ident $response:ident;)*) => {
        #[async_trait]
        impl ControllerService for Peer {
            $(async fn $method(
                &self,
                request: Request<api::$request>,
            ) -> Result<Response<api::$response>, Status> {
                self.play($name, request).await
            })*
        }
    };
}

scripted! {
    get_controller_server_list "getControllerServerList" ServerRequest ServerResponse;
    create_scope "createScope" ScopeInfo CreateScopeStatus;
    delete_scope "deleteScope" ScopeInfo DeleteScopeStatus;
    check_scope_exists "checkScopeExists" ScopeInfo ExistsResponse;
    list_scopes "listScopes" ScopesRequest ScopesResponse;
    create_stream "createStream" StreamConfig CreateStreamStatus;
    update_stream "updateStream" StreamConfig UpdateStreamStatus;
    truncate_stream "truncateStream" StreamCut UpdateStreamStatus;
    seal_stream "sealStream" StreamInfo UpdateStreamStatus;
    delete_stream "deleteStream" StreamInfo DeleteStreamStatus;
    check_stream_exists "checkStreamExists" StreamInfo ExistsResponse;
    get_stream_configuration "getStreamConfiguration" StreamInfo StreamConfig;
    list_streams_in_scope "listStreamsInScope" StreamsInScopeRequest StreamsInScopeResponse;
    list_streams_in_scope_for_tag "listStreamsInScopeForTag"
        StreamsInScopeWithTagRequest StreamsInScopeResponse;
    get_current_segments "getCurrentSegments" StreamInfo SegmentRanges;
    get_segments "getSegments" GetSegmentsRequest SegmentsAtTime;
    get_segments_immediately_following "getSegmentsImmediatelyFollowing" SegmentId SuccessorResponse;
    is_segment_valid "isSegmentValid" SegmentId SegmentValidityResponse;
    get_uri "getURI" SegmentId NodeUri;
    get_delegation_token "getDelegationToken" StreamInfo DelegationToken;
}

/// A network in memory: controllers by address. An address without one refuses connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network(Arc<Mutex<HashMap<String, mpsc::UnboundedSender<DuplexStream>>>>);

impl Network {
    /// Puts a new controller at `address`.
    pub(crate) fn host(&self, address: &str) -> Peer {
        let peer = Peer::default();
        self.put(address, &peer);
        peer
    }

    /// Puts `peer` at `address`.
    pub(crate) fn put(&self, address: &str, peer: &Peer) {
        let (calls, called) = mpsc::unbounded_channel();
        self.0.lock().unwrap().insert(address.to_owned(), calls);
        let incoming = stream::unfold(called, |mut called| async move {
            let connection: DuplexStream = called.recv().await?;
            Some((Ok::<_, io::Error>(connection), called))
        });
        let server = Server::builder().add_service(peer.service());
        tokio::spawn(server.serve_with_incoming(incoming));
    }

    /// Takes away what is at `address`; connections that there are go on.
    pub(crate) fn take_away(&self, address: &str) {
        self.0.lock().unwrap().remove(address);
    }

    fn open(&self, address: &str) -> io::Result<DuplexStream> {
        let (here, there) = tokio::io::duplex(64 * 1024);
        let network = self.0.lock().unwrap();
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        network
            .get(address)
            .and_then(|calls| calls.send(there).ok())
            .ok_or_else(refused)?;
        Ok(here)
    }
}

impl Connect for Network {
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxedByteStream>> {
        let opened = self.open(&endpoint.to_string());
        Box::pin(async move { opened.map(|pipe| -> BoxedByteStream { Box::new(pipe) }) })
    }
}

/// Where the one controller of most tests is.
pub(crate) const HERE: &str = "one:9090";

pub(crate) fn config(uri: &str) -> ClientConfigBuilder {
    ClientConfigBuilder::default().controller_uri(uri)
}

pub(crate) fn client_of(network: &Network, config: &ClientConfig) -> ControllerClient {
    ControllerClient::with_connector(config, Arc::new(network.clone()), Chance::of_system())
        .unwrap()
}

/// A client and the one controller that it knows.
pub(crate) fn pair() -> (ControllerClient, Peer) {
    let network = Network::default();
    let peer = network.host(HERE);
    (client_of(&network, &config(HERE).build().unwrap()), peer)
}

/// The same with credentials.
pub(crate) fn secure_pair() -> (ControllerClient, Peer) {
    let network = Network::default();
    let peer = network.host(HERE);
    let config = config(HERE).credentials(Credentials::basic("joe", "secret"));
    (client_of(&network, &config.build().unwrap()), peer)
}

pub(crate) fn scope() -> ScopeName {
    ScopeName::new("camera").unwrap()
}

pub(crate) fn stream() -> ScopedStream {
    ScopedStream::from("camera/front")
}

pub(crate) fn segment_id(number: u32) -> SegmentId {
    SegmentId::new(number, 0).unwrap()
}

pub(crate) fn exists(exists: bool) -> Step {
    Step::reply(&api::ExistsResponse { exists })
}
