//! The connections of one client, and what is wrong with them.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use pravega_byte_stream::{ConnectError, Dial, Dialed, Endpoint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep, timeout},
};
use turmoil::net::TcpStream;

use super::{cluster::STORE_PORT, lock};

/// How often a slow wire moves bytes.
const SLOW_PERIOD: Duration = Duration::from_millis(100);

/// How often a dripping wire moves a byte.
const DRIP_PERIOD: Duration = Duration::from_secs(1);

/// The connections of one client: it dials through this, and the run spoils them.
#[derive(Debug, Default)]
pub(super) struct Wires {
    open: Mutex<Vec<Weak<Wire>>>,
    has_no_names: AtomicBool,
    dials: AtomicU64,
}

/// What is wrong with one direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoil {
    /// After so many bytes the connection ends.
    Cut(usize),
    /// After so many bytes nothing comes any more.
    Stall(usize),
    /// After so many bytes they come one at a time, with long pauses.
    Drip(usize),
    /// So many bytes at a time, with short pauses.
    Slow(usize),
}

/// One connection.
#[derive(Debug, Default)]
struct Wire {
    requests: Mutex<Option<Spoil>>,
    replies: Mutex<Option<Spoil>>,
}

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Requests,
    Replies,
}

impl Wires {
    /// Spoils one direction of every connection to a store that there is. Returns how many there are.
    pub(super) fn spoil(&self, way: Way, spoil: Option<Spoil>) -> usize {
        let mut open = lock(&self.open);
        open.retain(|wire| wire.strong_count() > 0);
        for wire in open.iter().filter_map(Weak::upgrade) {
            *lock(wire.way(way)) = spoil;
        }
        open.len()
    }

    /// How many connections to stores there are.
    pub(super) fn count(&self) -> usize {
        let open = lock(&self.open);
        open.iter().filter(|wire| wire.strong_count() > 0).count()
    }

    pub(super) fn set_nameless(&self, is_so: bool) {
        self.has_no_names.store(is_so, Ordering::Relaxed);
    }

    /// How often a store was dialled.
    pub(super) fn dials(&self) -> u64 {
        self.dials.load(Ordering::Relaxed)
    }

    async fn connect(&self, endpoint: &Endpoint, limit: Duration) -> io::Result<Dialed> {
        if endpoint.port() == STORE_PORT {
            self.dials.fetch_add(1, Ordering::Relaxed);
        }
        if self.has_no_names.load(Ordering::Relaxed) {
            return Err(io::Error::other("the simulation has no names now"));
        }
        let connecting = TcpStream::connect((endpoint.host().to_owned(), endpoint.port()));
        let socket = timeout(limit, connecting).await??;
        let (reader, writer) = socket.into_split();
        let wire = Arc::new(Wire::default());
        if endpoint.port() == STORE_PORT {
            lock(&self.open).push(Arc::downgrade(&wire));
        }
        Ok(Dialed::new(
            Half::new(reader, Arc::clone(&wire), Way::Replies),
            Half::new(writer, wire, Way::Requests),
        ))
    }
}

impl Wire {
    fn way(&self, way: Way) -> &Mutex<Option<Spoil>> {
        match way {
            Way::Requests => &self.requests,
            Way::Replies => &self.replies,
        }
    }
}

/// Dials for one client.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) wires: Arc<Wires>,
    pub(super) limit: Duration,
}

impl Dial for Dialer {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        let unreachable = |error| ConnectError::Unreachable {
            endpoint: endpoint.clone(),
            addresses: 1,
            source: Arc::new(error),
        };
        async move {
            let connected = self.wires.connect(endpoint, self.limit).await;
            connected.map_err(unreachable)
        }
        .boxed()
    }
}

/// One half of a connection, spoiled or not.
struct Half<T> {
    inner: T,
    wire: Arc<Wire>,
    way: Way,
    /// Until when nothing moves.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<T> Half<T> {
    fn new(inner: T, wire: Arc<Wire>, way: Way) -> Self {
        Self {
            inner,
            wire,
            way,
            pause: None,
        }
    }

    /// How many bytes may move now; none when as many as there are.
    fn poll_allowance(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let spoil = *lock(self.wire.way(self.way));
        Poll::Ready(Ok(match spoil {
            None => None,
            Some(Spoil::Cut(0)) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Spoil::Stall(0)) => return Poll::Pending,
            Some(Spoil::Drip(0)) => Some(1),
            Some(Spoil::Cut(left) | Spoil::Stall(left) | Spoil::Drip(left) | Spoil::Slow(left)) => {
                Some(left)
            }
        }))
    }

    /// Takes note of bytes that have moved.
    fn moved(&mut self, bytes: usize) {
        let mut spoil = lock(self.wire.way(self.way));
        let pause = match &mut *spoil {
            Some(Spoil::Drip(0)) => Some(DRIP_PERIOD),
            Some(Spoil::Slow(_)) => Some(SLOW_PERIOD),
            Some(Spoil::Cut(left) | Spoil::Stall(left) | Spoil::Drip(left)) => {
                *left = left.saturating_sub(bytes);
                None
            }
            None => None,
        };
        drop(spoil);
        self.pause = pause.map(|pause| Box::pin(sleep(pause)));
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Half<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(most) = ready!(self.poll_allowance(cx))? else {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        };
        let mut part = vec![0; most.min(buf.remaining())];
        let mut part = ReadBuf::new(&mut part);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        self.moved(part.filled().len());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Half<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowance = ready!(self.poll_allowance(cx))?;
        let part = allowance.and_then(|most| buf.get(..most)).unwrap_or(buf);
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, part))?;
        self.moved(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
