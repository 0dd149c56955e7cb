//! The way to an embedded server in memory, on which a bad frame is put between the replies.

use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::BytesMut;
use futures::{FutureExt as _, channel::mpsc, future::BoxFuture};
use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, ConnectError, Dial, Dialed, Endpoint, Environment,
};
use pravega_standalone::Standalone;
use pravega_wire_protocol::{
    FrameDecoder, FrameLimits, Hello, MAX_RECEIVED_PAYLOAD, Reply, Request,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    sync::watch,
};

use super::frames::BadFrame;

/// Bytes that a pipe holds.
const PIPE: usize = 16 * 1024;
/// Where nothing is waited for: what the first request of the first flow will have.
const NO_ID: i64 = i64::MIN;
const STORE: &str = "store:2";
const CONTROLLER: &str = "controller:1";

/// When a bad frame comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// In the place of the hello.
    BeforeHello,
    /// Right behind the hello.
    BehindHello,
    /// While a setup is out.
    Setup,
    /// While a block is out.
    Append,
    /// While a block is out that was sent before.
    Resend,
    /// While a read is out.
    Read,
    /// While a read waits at the tail, this one.
    Parked(i64),
    /// While the question for head and tail is out.
    Info,
}

/// What has become of the bad frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fate {
    /// It was not its moment yet.
    #[default]
    Waiting,
    /// It was sent.
    Sent,
    /// The client has closed the connection that it came on.
    Closed,
}

type Incoming = mpsc::UnboundedSender<io::Result<DuplexStream>>;

/// The network of one client.
pub(super) struct Door {
    controller: Incoming,
    store: Incoming,
    plan: Mutex<Plan>,
    fate: watch::Sender<Fate>,
    /// Changes when all connections to the store are to end.
    ends: watch::Sender<usize>,
}

#[derive(Default)]
struct Plan {
    bad: Option<(Moment, BadFrame)>,
    /// The next block is lost with its connection.
    cuts: bool,
}

impl Door {
    /// A server of its own, in memory, and the way to it.
    pub(super) async fn open() -> Arc<Self> {
        let services = Standalone::builder().memory().services().await.unwrap();
        let (controller, callers) = mpsc::unbounded();
        let (store, visitors) = mpsc::unbounded();
        let (controlling, storing) = (services.clone(), services);
        tokio::spawn(async move {
            let never = std::future::pending();
            let (at_store, here) = (STORE.parse().unwrap(), CONTROLLER.parse().unwrap());
            let served = controlling.serve_controller(callers, &at_store, &here, never);
            served.await.unwrap();
        });
        tokio::spawn(async move { storing.serve_store(visitors, std::future::pending()).await });
        Arc::new(Self {
            controller,
            store,
            plan: Mutex::default(),
            fate: watch::Sender::default(),
            ends: watch::Sender::default(),
        })
    }

    pub(super) fn factory(self: &Arc<Self>) -> ClientFactory {
        let config = ClientConfigBuilder::default().controller_uri(CONTROLLER);
        let dialer = Arc::new(Dialer(Arc::clone(self)));
        let environment = Environment::system().with_dialer(dialer);
        ClientFactory::in_environment(config.build().unwrap(), environment)
    }

    /// Has a bad frame sent at its moment.
    pub(super) fn plan(&self, moment: Moment, bad: BadFrame) {
        let cuts = moment == Moment::Resend;
        let bad = Some((moment, bad));
        *self.plan.lock().unwrap() = Plan { bad, cuts };
        self.fate.send_replace(Fate::Waiting);
    }

    /// What has become of it.
    pub(super) fn fate(&self) -> Fate {
        *self.fate.borrow()
    }

    /// Waits until it was sent.
    pub(super) async fn sent(&self) {
        let mut fate = self.fate.subscribe();
        fate.wait_for(|fate| *fate != Fate::Waiting).await.unwrap();
    }

    /// Waits until the client has closed the connection on which it came.
    pub(super) async fn closed(&self) {
        let mut fate = self.fate.subscribe();
        fate.wait_for(|fate| *fate == Fate::Closed).await.unwrap();
    }

    /// Ends all connections to the store, so that the next case begins with a new one.
    pub(super) fn end_all(&self) {
        self.ends.send_modify(|ends| *ends += 1);
    }

    /// The bad frame, if it is its moment.
    fn take(&self, now: impl Fn(Moment) -> bool) -> Option<BadFrame> {
        let mut plan = self.plan.lock().unwrap();
        let (_, bad) = plan.bad.take_if(|(moment, _)| now(*moment))?;
        self.fate.send_replace(Fate::Sent);
        Some(bad)
    }

    /// True once, for the block that is to be lost.
    fn loses(&self, request: &Request) -> bool {
        is_block(request) && std::mem::take(&mut self.plan.lock().unwrap().cuts)
    }
}

fn is_block(request: &Request) -> bool {
    matches!(
        request,
        Request::ConditionalBlockEnd(_) | Request::AppendBlockEnd(_)
    )
}

/// True when a bad frame is to come in front of the answer to this request.
fn is_moment(moment: Moment, request: &Request) -> bool {
    match (moment, request) {
        (Moment::BeforeHello, Request::Hello(_))
        | (Moment::Setup, Request::SetupAppend(_))
        | (Moment::Read, Request::ReadSegment(_))
        | (Moment::Info, Request::GetStreamSegmentInfo(_)) => true,
        (Moment::Parked(tail), Request::ReadSegment(read)) => read.offset == tail,
        (Moment::Append | Moment::Resend, block) => is_block(block),
        _ => false,
    }
}

/// The way of a client.
struct Dialer(Arc<Door>);

impl Dial for Dialer {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async move {
            let (near, client) = duplex(PIPE);
            if endpoint.port() == 1 {
                self.0.controller.unbounded_send(Ok(client)).unwrap();
            } else {
                let (store, far) = duplex(PIPE);
                self.0.store.unbounded_send(Ok(far)).unwrap();
                tokio::spawn(relay(Arc::clone(&self.0), client, store));
            }
            Ok(near.into())
        }
        .boxed()
    }
}

/// Carries frames both ways, until either side closes.
async fn relay(door: Arc<Door>, client: DuplexStream, store: DuplexStream) {
    let (from_client, mut to_client) = split(client);
    let (from_store, mut to_store) = split(store);
    let mut requests = Frames::new(from_client);
    let mut replies = Frames::new(from_store);
    let mut ends = door.ends.subscribe();
    let mut has_bad = false;
    loop {
        tokio::select! {
            biased;
            _ = ends.changed() => return,
            request = requests.next(Request::decode) => {
                let Some(request) = request else {
                    if has_bad {
                        door.fate.send_replace(Fate::Closed);
                    }
                    return;
                };
                if door.loses(&request) {
                    return;
                }
                if let Some(bad) = door.take(|moment| is_moment(moment, &request)) {
                    has_bad = true;
                    let id = request.request_id().unwrap_or(NO_ID);
                    send(&mut to_client, &bad.for_request(id)).await;
                }
                send(&mut to_store, &request.encode_to_bytes().unwrap()).await;
            }
            reply = replies.next(Reply::decode) => {
                let Some(reply) = reply else {
                    return;
                };
                send(&mut to_client, &reply.encode_to_bytes().unwrap()).await;
                let is_hello = reply == Hello::current().into();
                if let Some(bad) = door.take(|moment| is_hello && moment == Moment::BehindHello) {
                    has_bad = true;
                    send(&mut to_client, &bad.for_request(NO_ID)).await;
                }
            }
        }
    }
}

/// Whoever has gone takes nothing, and the other direction will say so.
async fn send(to: &mut WriteHalf<DuplexStream>, bytes: &[u8]) {
    to.write_all(bytes).await.ok();
}

struct Frames {
    from: ReadHalf<DuplexStream>,
    decoder: FrameDecoder,
    buffer: BytesMut,
}

impl Frames {
    fn new(from: ReadHalf<DuplexStream>) -> Self {
        Self {
            from,
            decoder: FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD)),
            buffer: BytesMut::new(),
        }
    }

    /// The next message; none when its sender has gone. Cancel safe.
    async fn next<M, E: std::fmt::Debug>(
        &mut self,
        decode: impl Fn(pravega_wire_protocol::Frame) -> Result<M, E>,
    ) -> Option<M> {
        loop {
            if let Some(frame) = self.decoder.decode_frame(&mut self.buffer).unwrap() {
                return Some(decode(frame).unwrap());
            }
            if self.from.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}
