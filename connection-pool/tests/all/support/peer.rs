//! A segment store that does what the test says, over a pipe in memory, in real frames.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::BytesMut;
use futures::{FutureExt, future::BoxFuture};
use pravega_client_config::ClientConfig;
use pravega_client_shared::Endpoint;
use pravega_connection_pool::{ConnectError, Connection, ConnectionPool, Dial, Dialed};
use pravega_wire_protocol::{FrameDecoder, FrameLimits, Hello, KeepAlive, Reply, Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
};

/// Bytes that a pipe holds in each direction.
pub(crate) const PIPE: usize = 64 * 1024;

/// The peer's end of one connection.
pub(crate) struct Peer {
    pub(crate) stream: DuplexStream,
    decoder: FrameDecoder,
    buffer: BytesMut,
}

impl Peer {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            decoder: FrameDecoder::new(FrameLimits::SERVER),
            buffer: BytesMut::new(),
        }
    }

    /// The next request; none when the client has closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Request> {
        loop {
            if let Some(frame) = self.decoder.decode_frame(&mut self.buffer).unwrap() {
                return Some(Request::decode(frame).unwrap());
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                assert!(self.buffer.is_empty(), "the client left half a frame");
                return None;
            }
        }
    }

    /// The request id of the next request that has one; keep-alives are answered.
    pub(crate) async fn next_id(&mut self) -> i64 {
        loop {
            match self.next().await.expect("the client has closed") {
                Request::KeepAlive(_) => self.send(KeepAlive).await,
                request => return request.request_id().unwrap(),
            }
        }
    }

    pub(crate) async fn send(&mut self, reply: impl Into<Reply>) {
        let frame = reply.into().encode_to_bytes().unwrap();
        self.send_raw(&frame).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Takes the client's hello, which must be the first request, and answers it.
    pub(crate) async fn hello(&mut self) {
        let hello = Hello::current();
        assert_eq!(self.next().await, Some(Request::Hello(hello)));
        self.send(hello).await;
    }

    /// Answers keep-alives until the client closes, and says how many there were.
    pub(crate) async fn keep_alive(&mut self) -> usize {
        let mut count = 0;
        while let Some(request) = self.next().await {
            assert_eq!(request, Request::KeepAlive(KeepAlive));
            self.send(KeepAlive).await;
            count += 1;
        }
        count
    }
}

/// A network of pipes: every dial makes one, and gives its other end to the test.
pub(crate) struct Pipes {
    capacity: usize,
    peers: mpsc::UnboundedSender<Peer>,
    dials: AtomicUsize,
    /// What the next dials come to, instead of a pipe.
    refusals: Mutex<Vec<ConnectError>>,
}

impl Pipes {
    pub(crate) fn new(capacity: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<Peer>) {
        let (peers, receiver) = mpsc::unbounded_channel();
        let pipes = Self {
            capacity,
            peers,
            dials: AtomicUsize::new(0),
            refusals: Mutex::default(),
        };
        (Arc::new(pipes), receiver)
    }

    pub(crate) fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }

    pub(crate) fn refuse_next(&self, error: ConnectError) {
        self.refusals.lock().unwrap().push(error);
    }
}

impl Dial for Pipes {
    fn dial<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async {
            self.dials.fetch_add(1, Ordering::SeqCst);
            // Others get their turn, as they do while a real connection is made.
            tokio::task::yield_now().await;
            if let Some(error) = self.refusals.lock().unwrap().pop() {
                return Err(error);
            }
            let (near, far) = duplex(self.capacity);
            self.peers.send(Peer::new(far)).ok();
            Ok(near.into())
        }
        .boxed()
    }
}

/// The same network, as pools take it.
pub(crate) fn dialer(of: &Arc<Pipes>) -> Arc<dyn Dial> {
    let same: Arc<Pipes> = Arc::clone(of);
    same
}

/// A pool over pipes, its peers, and one connection whose hello is done.
pub(crate) struct Joined {
    pub(crate) pool: ConnectionPool,
    pub(crate) peers: mpsc::UnboundedReceiver<Peer>,
    pub(crate) connection: Connection,
    pub(crate) peer: Peer,
}

pub(crate) async fn join(config: &ClientConfig) -> Joined {
    join_through(config, PIPE).await
}

pub(crate) async fn join_through(config: &ClientConfig, capacity: usize) -> Joined {
    let (pipes, mut peers) = Pipes::new(capacity);
    let pool = ConnectionPool::with_dialer(config, dialer(&pipes));
    let endpoint = super::endpoint();
    let (connection, peer) = tokio::join!(pool.connect(&endpoint), async {
        let mut peer = peers.recv().await.unwrap();
        peer.hello().await;
        peer
    });
    Joined {
        pool,
        peers,
        connection: connection.unwrap(),
        peer,
    }
}
