//! A pool of connections to a store that sends any replies and any bytes, over pipes, on a clock that jumps.
//!
//! Oracles: no panic; a flow is given replies with its own ids, and token refusals with offsets in their place, and
//! nothing behind the end that it is told once; a call is answered with its own id; every call and every attempt
//! to connect ends; after the end of the pool no connection and no task is left.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::BytesMut;
use futures::{FutureExt, future::BoxFuture};
use pravega_client_config::ClientConfigBuilder;
use pravega_client_shared::{DelegationToken, Endpoint, FlowId, RequestId};
use pravega_connection_pool::{
    ConnectError, Connection, ConnectionError, ConnectionPool, Dial, Dialed, Flow, FlowHandler,
    ProtocolError,
};
use pravega_wire_protocol::{
    AuthTokenCheckFailed, DataAppended, FrameDecoder, FrameLimits, GetStreamSegmentInfo, Hello,
    KeepAlive, NoSuchSegment, ReadSegment, Reply, Request, SegmentRead, StreamSegmentInfo, Unknown,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::tape::Tape;

const SEGMENT: &str = "scope/stream/0.#epoch.0";
/// Far behind every deadline of the pool.
const LONG: Duration = Duration::from_secs(3_600);
/// Bytes that a pipe holds.
const PIPE: usize = 2 * 1024;
/// The longest text of a reply.
const MOST_READ: i32 = 600;

/// A pool, those who use it, and the store.
struct Users<'a> {
    tape: Tape<'a>,
    pool: ConnectionPool,
    store: Arc<Store>,
    connections: Vec<Connection>,
    flows: Vec<(Flow, Arc<Handler>)>,
    waiting: Vec<JoinHandle<()>>,
    connecting: Vec<JoinHandle<Option<Connection>>>,
}

/// Plays a tape.
pub async fn play(mut tape: Tape<'_>) {
    let config = ClientConfigBuilder::default()
        .controller_uri("tcp://localhost:9090")
        .max_connections_per_endpoint(1 + tape.below(3))
        .connection_idle_timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    let store = Arc::<Store>::default();
    let dialer: Arc<Store> = Arc::clone(&store);
    let pool = ConnectionPool::with_dialer(&config, dialer);
    let mut users = Users {
        tape,
        pool,
        store,
        connections: Vec::new(),
        flows: Vec::new(),
        waiting: Vec::new(),
        connecting: Vec::new(),
    };
    while !users.tape.is_over() {
        users.step().await;
    }
    users.finish().await;
}

impl Users<'_> {
    async fn step(&mut self) {
        match self.tape.below(20) {
            0 => self.connect(),
            1 => self.settle().await,
            2 => self.open_flow(),
            3 if !self.flows.is_empty() => {
                let index = self.tape.below(self.flows.len().min(256));
                let (flow, handler) = self.flows.swap_remove(index);
                drop(flow);
                handler.is_gone.store(true, Ordering::Relaxed);
            }
            4 => self.call(),
            5 => self.read(),
            6 => self.connections.truncate(self.tape.below(4)),
            7 => sleep(Duration::from_secs(self.tape.byte().into())).await,
            8 => self.store.lose(&mut self.tape),
            9 | 10 => self.store.answer_hello(&mut self.tape).await,
            11 => self.store.raw(&mut self.tape).await,
            12 if self.tape.one_in(4) => self.pool.close(),
            _ => self.reply().await,
        }
    }

    fn connect(&mut self) {
        let pool = self.pool.clone();
        let for_calls = self.tape.one_in(2);
        self.connecting.push(tokio::spawn(async move {
            let endpoint: Endpoint = "store:12345".parse().unwrap();
            let connection = match for_calls {
                true => pool.connect_for_calls(&endpoint).await,
                false => pool.connect(&endpoint).await,
            };
            connection.ok()
        }));
    }

    /// Lets everybody run, and takes the connections that are there now.
    async fn settle(&mut self) {
        sleep(Duration::from_millis(1)).await;
        let mut left = Vec::new();
        for connecting in self.connecting.drain(..) {
            match connecting.is_finished() {
                true => self.connections.extend(connecting.await.unwrap()),
                false => left.push(connecting),
            }
        }
        self.connecting = left;
    }

    fn open_flow(&mut self) {
        let Some(connection) = self.any_connection() else {
            return;
        };
        let handler = Arc::new(Handler::new(self.tape.one_in(16)));
        let same: Arc<Handler> = Arc::clone(&handler);
        if let Ok(flow) = connection.open_flow(same) {
            *handler.flow.lock().unwrap() = Some(flow.id());
            self.flows.push((flow, handler));
        }
    }

    fn any_connection(&mut self) -> Option<Connection> {
        let count = self.connections.len().min(256);
        (count > 0).then(|| self.connections[self.tape.below(count)].clone())
    }

    fn call(&mut self) {
        let Some(connection) = self.any_connection() else {
            return;
        };
        let patience = Duration::from_secs(self.tape.byte().into());
        let store = Arc::clone(&self.store);
        self.waiting.push(tokio::spawn(async move {
            let mut asked = None;
            let call = connection.call(
                |id| {
                    asked = Some(id);
                    store.asked(id);
                    info(id)
                },
                patience,
            );
            let answer = call.await;
            if let Ok(reply) = answer {
                assert_eq!(reply.request_id(), asked.map(RequestId::to_wire));
            }
        }));
    }

    fn read(&mut self) {
        if self.flows.is_empty() {
            return;
        }
        let (flow, _) = &self.flows[self.tape.below(self.flows.len().min(256))];
        let id = flow.id().request(self.tape.byte().into());
        let read = ReadSegment {
            segment: SEGMENT.into(),
            offset: self.tape.number(0),
            suggested_length: i32::from(self.tape.byte()).min(MOST_READ),
            delegation_token: DelegationToken::default(),
            request_id: id.to_wire(),
        };
        if flow.enqueue(&read.into()).is_ok() {
            self.store.asked(id);
            flow.pump();
        }
    }

    async fn reply(&mut self) {
        let request_id = self.store.any_id(&mut self.tape);
        let tape = &mut self.tape;
        let (segment, server_stack_trace) = (SEGMENT.into(), String::new());
        let reply: Reply = match tape.below(8) {
            0 => KeepAlive.into(),
            1 => {
                let error_code = i32::from(tape.byte()) - 2;
                AuthTokenCheckFailed {
                    request_id,
                    server_stack_trace,
                    error_code,
                }
                .into()
            }
            2 => NoSuchSegment {
                request_id,
                segment,
                server_stack_trace,
                offset: 0,
            }
            .into(),
            3 => DataAppended {
                writer_id: pravega_client_shared::WriterId::from_wire(1),
                event_number: tape.number(0),
                previous_event_number: tape.number(0),
                request_id,
                current_segment_write_offset: tape.number(0),
            }
            .into(),
            4 if tape.one_in(4) => Reply::Unknown(Unknown {
                code: tape.byte().into(),
                body: b"abc"[..].into(),
            }),
            4 => Hello::current().into(),
            5 => SegmentRead {
                segment,
                offset: tape.number(0),
                at_tail: false,
                end_of_segment: false,
                data: vec![7; tape.byte().into()].into(),
                request_id,
            }
            .into(),
            _ => StreamSegmentInfo {
                request_id,
                segment,
                exists: true,
                is_sealed: false,
                is_deleted: false,
                last_modified: 0,
                write_offset: 0,
                start_offset: 0,
            }
            .into(),
        };
        let frame = reply.encode_to_bytes().unwrap();
        self.store.say(&mut self.tape, &frame).await;
    }

    async fn finish(mut self) {
        for waiting in self.waiting.drain(..) {
            timeout(LONG, waiting)
                .await
                .expect("every call ends")
                .unwrap();
        }
        for connecting in self.connecting.drain(..) {
            timeout(LONG, connecting)
                .await
                .expect("every attempt ends")
                .unwrap();
        }
        timeout(LONG, self.pool.shutdown())
            .await
            .expect("the pool ends");
        for (_, handler) in &self.flows {
            assert!(
                handler.is_over.load(Ordering::Relaxed),
                "a flow was told no end"
            );
        }
        let stats = self.pool.stats();
        assert_eq!(
            (stats.connections, stats.tasks, stats.endpoints),
            (0, 0, 0),
            "{stats:?}"
        );
    }
}

fn info(id: RequestId) -> Request {
    let (segment, delegation_token) = (SEGMENT.into(), DelegationToken::default());
    GetStreamSegmentInfo {
        request_id: id.to_wire(),
        segment,
        delegation_token,
    }
    .into()
}

/// A flow's handler that minds what it is told.
struct Handler {
    flow: Mutex<Option<FlowId>>,
    complains: bool,
    is_gone: AtomicBool,
    is_over: AtomicBool,
}

impl Handler {
    fn new(complains: bool) -> Self {
        Self {
            flow: Mutex::default(),
            complains,
            is_gone: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }
}

impl FlowHandler for Handler {
    fn on_reply(&self, _: Instant, reply: Reply) -> Result<(), ProtocolError> {
        // All of this is on one thread, so nothing is on its way when a flow is dropped.
        assert!(
            !self.is_gone.load(Ordering::Relaxed),
            "a reply to a flow that is gone"
        );
        assert!(
            !self.is_over.load(Ordering::Relaxed),
            "a reply behind the end"
        );
        let id = reply
            .request_id()
            .expect("a reply without an id is nobody's");
        match RequestId::from_wire(id) {
            Some(id) => assert_eq!(Some(id.flow()), *self.flow.lock().unwrap()),
            None => assert!(matches!(reply, Reply::AuthTokenCheckFailed(_)), "{reply:?}"),
        }
        match self.complains {
            true => Err(ProtocolError::new("it complains")),
            false => Ok(()),
        }
    }

    fn on_disconnect(&self, _: &ConnectionError) {
        assert!(
            !self.is_gone.load(Ordering::Relaxed),
            "the end of a flow that is gone"
        );
        assert!(!self.is_over.swap(true, Ordering::Relaxed), "two ends");
    }
}

/// The store's side: its ends of the pipes, and the ids that it was asked with.
#[derive(Default)]
struct Store(Mutex<Ends>);

#[derive(Default)]
struct Ends {
    pipes: Vec<Option<WriteHalf<DuplexStream>>>,
    readers: HashMap<usize, JoinHandle<()>>,
    ids: Vec<RequestId>,
}

impl Store {
    fn asked(&self, id: RequestId) {
        self.0.lock().unwrap().ids.push(id);
    }

    /// An id that was asked with, mostly.
    fn any_id(&self, tape: &mut Tape<'_>) -> i64 {
        let ends = self.0.lock().unwrap();
        let newest = &ends.ids[ends.ids.len().saturating_sub(8)..];
        match tape.below(16) {
            0 => tape.number(0),
            1 => FlowId::new(tape.byte().into())
                .unwrap()
                .request(tape.byte().into())
                .to_wire(),
            _ if newest.is_empty() => 0,
            _ => tape.pick(newest).to_wire(),
        }
    }

    fn take(&self, tape: &mut Tape<'_>) -> Option<(usize, WriteHalf<DuplexStream>)> {
        let mut ends = self.0.lock().unwrap();
        let count = ends.pipes.len().min(256);
        let back = (count > 0).then(|| tape.below(count.min(4)))?;
        let index = ends.pipes.len() - 1 - back;
        Some((index, ends.pipes[index].take()?))
    }

    async fn write(&self, tape: &mut Tape<'_>, bytes: &[u8]) {
        if let Some((index, mut pipe)) = self.take(tape) {
            // Whoever does not read any more has closed.
            timeout(LONG, pipe.write_all(bytes))
                .await
                .expect("it is read, or closed")
                .ok();
            self.0.lock().unwrap().pipes[index] = Some(pipe);
        }
    }

    async fn answer_hello(&self, tape: &mut Tape<'_>) {
        let mut hello = Hello::current();
        if tape.one_in(8) {
            hello.low_version = tape.byte().into();
            hello.high_version = tape.byte().into();
        }
        self.write(tape, &Reply::from(hello).encode_to_bytes().unwrap())
            .await;
    }

    async fn raw(&self, tape: &mut Tape<'_>) {
        let length = tape.byte();
        let bytes = tape.bytes(length.into());
        self.write(tape, bytes).await;
    }

    /// Sends a frame, whole or in two pieces.
    async fn say(&self, tape: &mut Tape<'_>, frame: &[u8]) {
        match tape.one_in(8) {
            false => self.write(tape, frame).await,
            true => {
                let (first, second) = frame.split_at(frame.len() / 2);
                self.write(tape, first).await;
                sleep(Duration::from_millis(1)).await;
                self.write(tape, second).await;
            }
        }
    }

    fn lose(&self, tape: &mut Tape<'_>) {
        if let Some((index, pipe)) = self.take(tape) {
            drop(pipe);
            if let Some(reader) = self.0.lock().unwrap().readers.remove(&index) {
                reader.abort();
            }
        }
    }
}

impl Dial for Store {
    fn dial<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async {
            let (near, far) = duplex(PIPE);
            let (reader, pipe) = split(far);
            let mut ends = self.0.lock().unwrap();
            let index = ends.pipes.len();
            ends.pipes.push(Some(pipe));
            ends.readers.insert(index, tokio::spawn(listen(reader)));
            Ok(near.into())
        }
        .boxed()
    }
}

/// Reads what the pool sends, which must be requests.
async fn listen(mut reader: ReadHalf<DuplexStream>) {
    let mut decoder = FrameDecoder::new(FrameLimits::SERVER);
    let mut buffer = BytesMut::new();
    loop {
        while let Some(frame) = decoder.decode_frame(&mut buffer).unwrap() {
            let request = Request::decode(frame).unwrap();
            assert!(!matches!(
                request,
                Request::Unknown(_) | Request::Foreign(_)
            ));
        }
        if reader.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return;
        }
    }
}
