//! A client of a controller that answers with any messages, over a pipe, on a clock that jumps.
//!
//! The rest of the input behind the choice of a call is the reply, as its bytes on the wire. Oracles: no panic; a
//! call ends; what it gives is in range; a token is asked for once as long as it lives, and never printed.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, channel::mpsc, future::BoxFuture};
use pravega_client_config::{ClientConfigBuilder, Credentials, RetryPolicy};
use pravega_client_shared::{Chance, Endpoint, ScopedSegment, ScopedStream};
use pravega_controller_api::{
    self as api,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use pravega_controller_client::{Access, BoxedByteStream, Connect, ControllerClient};
use prost::Message;
use tokio::{
    io::{DuplexStream, duplex},
    runtime::Runtime,
    time::{Instant, advance},
};
use tonic::{Request, Response, Status, async_trait, transport::Server};

/// Bytes that a pipe holds.
const PIPE: usize = 64 * 1024;
/// Far behind every deadline of a call, and the day that passes while a token is kept.
const LONG: Duration = Duration::from_secs(7 * 86_400);

/// What the controller says next, and how often it was asked.
#[derive(Debug, Clone, Default)]
struct Answers(Arc<Mutex<(Bytes, usize)>>);

impl Answers {
    fn set(&self, answer: &[u8]) {
        *self.0.lock().unwrap() = (Bytes::copy_from_slice(answer), 0);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }

    fn give<M: Message + Default>(&self) -> Result<Response<M>, Status> {
        let mut answers = self.0.lock().unwrap();
        answers.1 += 1;
        match M::decode(answers.0.clone()) {
            Ok(message) => Ok(Response::new(message)),
            // What the library cannot read never comes to us.
            Err(error) => Err(Status::invalid_argument(error.to_string())),
        }
    }
}

macro_rules! answering {
    ($($method:ident $request:ident $response:ident;)*) => {
        #[async_trait]
        impl ControllerService for Answers {
            $(async fn $method(
                &self,
                _: Request<api::$request>,
            ) -> Result<Response<api::$response>, Status> {
                self.give()
            })*
        }
    };
}

answering! {
    create_scope ScopeInfo CreateScopeStatus;
    delete_scope ScopeInfo DeleteScopeStatus;
    list_scopes ScopesRequest ScopesResponse;
    create_stream StreamConfig CreateStreamStatus;
    seal_stream StreamInfo UpdateStreamStatus;
    delete_stream StreamInfo DeleteStreamStatus;
    get_stream_configuration StreamInfo StreamConfig;
    list_streams_in_scope StreamsInScopeRequest StreamsInScopeResponse;
    get_current_segments StreamInfo SegmentRanges;
    get_segments GetSegmentsRequest SegmentsAtTime;
    get_segments_immediately_following SegmentId SuccessorResponse;
    get_uri SegmentId NodeUri;
    get_delegation_token StreamInfo DelegationToken;
}

/// A network with one controller.
struct Network(mpsc::UnboundedSender<io::Result<DuplexStream>>);

impl Connect for Network {
    fn connect<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxedByteStream>> {
        async {
            let (near, far) = duplex(PIPE);
            let accepted = self.0.unbounded_send(Ok(far));
            accepted.map_err(|_| io::ErrorKind::ConnectionRefused)?;
            let near: BoxedByteStream = Box::new(near);
            Ok(near)
        }
        .boxed()
    }
}

/// A controller and its client, which stay connected from one input to the next.
struct Pair {
    runtime: Runtime,
    client: ControllerClient,
    answers: Answers,
}

thread_local! {
    static PAIR: RefCell<Pair> = RefCell::new(Pair::new());
}

/// One call, and its answer.
pub fn play(input: &[u8]) {
    let Some((call, answer)) = input.split_first() else {
        return;
    };
    PAIR.with_borrow(|pair| {
        pair.answers.set(answer);
        pair.runtime.block_on(async {
            let call = tokio::time::timeout(LONG, pair.call(*call, answer));
            call.await.expect("a call ends");
        });
    });
}

impl Pair {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        let config = ClientConfigBuilder::default()
            .controller_uri("tcp://one:9090")
            .credentials(Credentials::bearer("b3ar3r"))
            .retry(RetryPolicy::default().with_max_attempts(2))
            .build()
            .unwrap();
        let (door, incoming) = mpsc::unbounded();
        let answers = Answers::default();
        let service = ControllerServiceServer::new(answers.clone());
        let serving = Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming);
        runtime.spawn(async move { serving.await.unwrap() });
        let network = Arc::new(Network(door));
        let client =
            ControllerClient::with_connector(&config, network, Chance::of_seed(1)).unwrap();
        Self {
            runtime,
            client,
            answers,
        }
    }

    async fn call(&self, call: u8, answer: &[u8]) {
        let client = &self.client;
        let stream = ScopedStream::from("camera/front");
        let segment = ScopedSegment::from("camera/front/0");
        match call % 13 {
            0 => {
                if let Ok(located) = client.endpoint(&segment).await {
                    assert!(located.endpoint.port() > 0 && !located.endpoint.host().is_empty());
                    client.doubt(&segment, located.generation);
                }
            }
            1 => self.token(&stream, answer).await,
            2 => {
                for range in client.current_segments(&stream).await.unwrap_or_default() {
                    let (low, high) = (range.low, range.high);
                    assert!((0.0..=1.0).contains(&low) && (low..=1.0).contains(&high));
                }
            }
            3 => {
                for (_, offset) in client.head_segments(&stream).await.unwrap_or_default() {
                    assert!(i64::try_from(offset).is_ok());
                }
            }
            4 => drop(client.successors(&segment).await),
            5 => {
                if let Ok(configuration) = client.stream_configuration(&stream).await {
                    // What was read can be written.
                    drop(client.create_stream(&stream, &configuration).await);
                }
            }
            6 => drop(client.create_scope(stream.scope()).await),
            7 => drop(client.delete_scope(stream.scope()).await),
            8 => drop(client.seal_stream(&stream).await),
            9 => drop(client.delete_stream(&stream).await),
            10 => drop(client.list_scopes().take(40).collect::<Vec<_>>().await),
            11 => drop(
                client
                    .list_streams(stream.scope())
                    .take(40)
                    .collect::<Vec<_>>()
                    .await,
            ),
            _ => drop(client.create_stream(&stream, &Default::default()).await),
        }
    }

    /// A token, asked for twice, and again much later.
    async fn token(&self, stream: &ScopedStream, answer: &[u8]) {
        let Ok(first) = self.client.token(stream, Access::Read).await else {
            return;
        };
        let message = api::DelegationToken::decode(answer).expect("it was read");
        assert_eq!(first.token.expose(), message.delegation_token);
        if message.delegation_token.len() > 24 {
            assert!(!format!("{first:?}").contains(&message.delegation_token));
        }
        assert_eq!(self.answers.asked(), 1);
        let began = Instant::now();
        let second = self.client.token(stream, Access::Read).await.unwrap();
        advance(Duration::from_secs(86_400)).await;
        let third = self.client.token(stream, Access::Read).await.unwrap();
        assert!(second.generation >= first.generation && third.generation >= second.generation);
        assert!(
            self.answers.asked() <= 3,
            "asked {} times since {began:?}",
            self.answers.asked()
        );
        self.client
            .forget_token(stream, Access::Read, third.generation);
    }
}
