//! A Pravega for one test whose segment store says what the test makes it say: replies that a healthy store
//! never gives, replies held back, connections that end.
//!
//! The script is a function that is run for each connection. It sees the requests, decoded, and answers as
//! it likes; an [`Honest`] segment gives the right answer to start from. Hellos and keep-alives are answered
//! for it. The controller beside it knows every stream, all on that one store.
//!
//! ```
//! use pravega_integration_tests::{Honest, ScriptedPravega};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pravega = ScriptedPravega::start(|mut wire| async move {
//!     let segment = Honest::sealed("four words of text");
//!     while let Some(request) = wire.next().await? {
//!         wire.send_all(segment.answer(&request)).await?;
//!     }
//!     Ok(())
//! })
//! .await;
//!
//! let factory = pravega.factory();
//! let reader = factory.create_byte_reader(pravega.segment()).await;
//! assert_eq!(reader.read_range(5..10).await?, "words");
//! assert_eq!(pravega.record().connections, 1);
//! # Ok(()) }
//! ```

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ScopedSegment};
use pravega_controller_api::{
    self as api,
    controller_service_server::{ControllerService, ControllerServiceServer},
};
use pravega_wire_protocol::{
    FrameDecoder, FrameLimits, GetStreamSegmentInfo, Hello, KeepAlive, OLDEST_COMPATIBLE_VERSION,
    ReadSegment, Reply, Request, SegmentIsTruncated, SegmentRead, StreamSegmentInfo, WIRE_VERSION,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tonic::{Response, Status, transport::server::TcpIncoming};

use crate::backend;

/// Any free port, on this machine only.
const ANY_PORT: &str = "127.0.0.1:0";

/// The most bytes that a store puts into one reply.
const LONGEST_READ: usize = pravega_wire_protocol::MAX_READ_BYTES;

/// A controller, and a segment store that follows a script. All of it ends when this is dropped.
#[derive(Debug)]
pub struct ScriptedPravega {
    uri: String,
    record: watch::Receiver<Record>,
    _tasks: JoinSet<()>,
}

/// What the store has seen.
#[derive(Debug, Default, Clone)]
pub struct Record {
    /// Connections accepted.
    pub connections: usize,
    /// Keep-alives received.
    pub keep_alives: usize,
    /// All other requests but hellos, in the order in which they were taken off their connections.
    pub requests: Vec<Request>,
}

impl Record {
    /// The reads among the requests.
    pub fn reads(&self) -> impl Iterator<Item = &ReadSegment> {
        self.requests.iter().filter_map(|request| match request {
            Request::ReadSegment(read) => Some(read),
            _ => None,
        })
    }
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up fails"
)]
impl ScriptedPravega {
    /// Starts both. `script` is called for each connection; when its future ends, the connection does.
    pub async fn start<S, F>(script: S) -> Self
    where
        S: Fn(Wire) -> F + Send + 'static,
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (sender, record) = watch::channel(Record::default());
        let mut tasks = JoinSet::new();
        let store = TcpListener::bind(ANY_PORT)
            .await
            .expect("a port for the store");
        let address = store.local_addr().expect("the store has an address");
        tasks.spawn(accept(store, sender, script));
        let uri = serve_controller(address, &mut tasks)
            .await
            .expect("a port for the controller");
        Self {
            uri,
            record,
            _tasks: tasks,
        }
    }

    /// The controller's address.
    pub fn controller_uri(&self) -> &str {
        &self.uri
    }

    /// A factory with the default configuration.
    pub fn factory(&self) -> ClientFactory {
        self.factory_with(|config| config)
    }

    /// A factory with a configuration that `change` changes.
    pub fn factory_with(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> ClientFactory {
        backend::factory_at(&self.uri, change)
    }

    /// The name of a segment. Any other would do.
    pub fn segment(&self) -> ScopedSegment {
        "scripted/stream/0.#epoch.0"
            .parse()
            .expect("a segment's name")
    }

    /// What the store has seen so far.
    pub fn record(&self) -> Record {
        self.record.borrow().clone()
    }

    /// Waits until the store has seen what `is_enough` looks for.
    pub async fn seen(&self, is_enough: impl FnMut(&Record) -> bool) -> Record {
        self.record
            .clone()
            .wait_for(is_enough)
            .await
            .expect("the store runs")
            .clone()
    }
}

async fn accept<S, F>(listener: TcpListener, record: watch::Sender<Record>, script: S)
where
    S: Fn(Wire) -> F + Send + 'static,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let record = Arc::new(record);
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let number = record.borrow().connections;
        record.send_modify(|record| record.connections += 1);
        connections.spawn(script(Wire {
            number,
            socket,
            decoder: FrameDecoder::new(FrameLimits::SERVER),
            received: BytesMut::new(),
            record: Arc::clone(&record),
        }));
    }
}

/// The store's end of one connection.
#[derive(Debug)]
pub struct Wire {
    number: usize,
    socket: TcpStream,
    decoder: FrameDecoder,
    received: BytesMut,
    record: Arc<watch::Sender<Record>>,
}

impl Wire {
    /// How many connections there were before this one.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next request. Hellos and keep-alives are answered on the way. None when the client has gone.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no request.
    ///
    /// # Cancel safety
    /// Cancel safe but for the answers to hellos and keep-alives.
    pub async fn next(&mut self) -> io::Result<Option<Request>> {
        while let Some(request) = self.receive().await? {
            match request {
                Request::Hello(_) => self.send(HELLO).await?,
                Request::KeepAlive(_) => self.send(KeepAlive).await?,
                request => return Ok(Some(request)),
            }
        }
        Ok(None)
    }

    /// The next request, whatever it is, and nothing is answered. None when the client has gone.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn receive(&mut self) -> io::Result<Option<Request>> {
        loop {
            let frame = self.decoder.decode_frame(&mut self.received);
            if let Some(frame) = frame.map_err(io::Error::other)? {
                let request = Request::decode(frame).map_err(io::Error::other)?;
                self.note(&request);
                return Ok(Some(request));
            }
            if self.socket.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends one reply.
    ///
    /// # Errors
    /// When the connection breaks.
    ///
    /// # Cancel safety
    /// Part of the reply may have been sent.
    pub async fn send(&mut self, reply: impl Into<Reply>) -> io::Result<()> {
        let frame = reply.into().encode_to_bytes().map_err(io::Error::other)?;
        self.send_bytes(&frame).await
    }

    /// Sends replies one after the other.
    ///
    /// # Errors
    /// When the connection breaks.
    ///
    /// # Cancel safety
    /// Part of them may have been sent.
    pub async fn send_all<R: Into<Reply>>(
        &mut self,
        replies: impl IntoIterator<Item = R>,
    ) -> io::Result<()> {
        for reply in replies {
            self.send(reply).await?;
        }
        Ok(())
    }

    /// Sends bytes as they are: half a frame, or none at all.
    ///
    /// # Errors
    /// When the connection breaks.
    ///
    /// # Cancel safety
    /// Part of them may have been sent.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await
    }

    fn note(&self, request: &Request) {
        self.record.send_modify(|record| match request {
            Request::Hello(_) => {}
            Request::KeepAlive(_) => record.keep_alives += 1,
            request => record.requests.push(request.clone()),
        });
    }
}

const HELLO: Hello = Hello {
    high_version: WIRE_VERSION,
    low_version: OLDEST_COMPATIBLE_VERSION,
};

/// A segment as a healthy store shows it, for the questions of a reader.
#[derive(Debug, Clone)]
pub struct Honest {
    /// All bytes ever written, also those that are truncated.
    pub bytes: Bytes,
    /// The first readable offset.
    pub head: usize,
    /// Nothing more will come.
    pub is_sealed: bool,
}

impl Honest {
    /// A segment that may grow.
    pub fn open(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            head: 0,
            is_sealed: false,
        }
    }

    /// A segment that ends behind its bytes.
    pub fn sealed(bytes: impl Into<Bytes>) -> Self {
        Self {
            is_sealed: true,
            ..Self::open(bytes)
        }
    }

    /// The right answer. None for what a healthy store would answer later, and for what no reader asks.
    pub fn answer(&self, request: &Request) -> Option<Reply> {
        match request {
            Request::ReadSegment(read) => self.read(read, LONGEST_READ),
            Request::GetStreamSegmentInfo(ask) => Some(self.info(ask).into()),
            _ => None,
        }
    }

    /// The right answer to a read, with at most `max` bytes. None where a healthy store lets it wait.
    pub fn read(&self, read: &ReadSegment, max: usize) -> Option<Reply> {
        let asked = usize::try_from(read.suggested_length).unwrap_or_default();
        let from = usize::try_from(read.offset).unwrap_or(usize::MAX);
        if from < self.head {
            return Some(self.truncated(read).into());
        }
        let end = from
            .saturating_add(asked.clamp(8, LONGEST_READ).min(max))
            .min(self.bytes.len());
        let data = self.bytes.get(from..end)?;
        let is_short = data.len() < asked && end == self.bytes.len();
        if data.is_empty() && !self.is_sealed {
            return None;
        }
        let reply = SegmentRead {
            segment: Arc::clone(&read.segment),
            offset: read.offset,
            at_tail: is_short && !self.is_sealed,
            end_of_segment: is_short && self.is_sealed,
            data: self.bytes.slice_ref(data).into(),
            request_id: read.request_id,
        };
        Some(reply.into())
    }

    /// Head, tail, and whether it is sealed.
    pub fn info(&self, ask: &GetStreamSegmentInfo) -> StreamSegmentInfo {
        StreamSegmentInfo {
            request_id: ask.request_id,
            segment: Arc::clone(&ask.segment),
            exists: true,
            is_sealed: self.is_sealed,
            is_deleted: false,
            last_modified: 0,
            write_offset: on_wire(self.bytes.len()),
            start_offset: on_wire(self.head),
        }
    }

    fn truncated(&self, read: &ReadSegment) -> SegmentIsTruncated {
        SegmentIsTruncated {
            request_id: read.request_id,
            segment: Arc::clone(&read.segment),
            start_offset: on_wire(self.head),
            server_stack_trace: String::new(),
            offset: read.offset,
        }
    }
}

fn on_wire(offset: usize) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// Serves a controller that finds every segment on `store`. Returns its address.
async fn serve_controller(store: SocketAddr, tasks: &mut JoinSet<()>) -> io::Result<String> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    let uri = format!("tcp://{}", listener.local_addr()?);
    let serving = tonic::transport::Server::builder()
        .add_service(ControllerServiceServer::new(OneStore(store)))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    tasks.spawn(async move { serving.await.unwrap_or_default() });
    Ok(uri)
}

/// A controller that has every stream, with one segment each, all on one store.
struct OneStore(SocketAddr);

type Answer<T> = Result<Response<T>, Status>;

/// Statuses are left at 0, which is success.
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
            segment_id: Some(first_segment(request)),
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
        request: tonic::Request<api::GetSegmentsRequest>,
    ) -> Answer<api::SegmentsAtTime> {
        let stream = request.map(|request| request.stream_info.unwrap_or_default());
        let location = api::segments_at_time::SegmentLocation {
            segment_id: Some(first_segment(stream)),
            offset: 0,
        };
        Ok(Response::new(api::SegmentsAtTime {
            segments: vec![location],
            ..Default::default()
        }))
    }

    async fn get_uri(&self, _: tonic::Request<api::SegmentId>) -> Answer<api::NodeUri> {
        let (endpoint, port) = (self.0.ip().to_string(), self.0.port().into());
        Ok(Response::new(api::NodeUri { endpoint, port }))
    }

    async fn get_delegation_token(
        &self,
        _: tonic::Request<api::StreamInfo>,
    ) -> Answer<api::DelegationToken> {
        Ok(Response::new(Default::default()))
    }
}

fn first_segment(stream: tonic::Request<api::StreamInfo>) -> api::SegmentId {
    api::SegmentId {
        stream_info: Some(stream.into_inner()),
        segment_id: 0,
    }
}
