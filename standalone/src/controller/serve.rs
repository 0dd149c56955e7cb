//! Serves the controller on connections as they come, within limits.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{Stream, stream};
use pravega_controller_api::controller_service_server::ControllerServiceServer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep, timeout},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::{Server, server::Connected};

use super::{service::ControllerService, storage::Storage};
use crate::incoming;

/// The largest message, in bytes: gRPC's own default, which the real controller has too.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Calls that one connection may have open.
const MAX_STREAMS: u32 = 100;
/// The headers of one call, in bytes.
const MAX_HEADERS: u32 = 16 * 1024;
/// Connections of all clients together. One client may well have three.
const MAX_CONNECTIONS: usize = 1_024;
/// How long a new connection may take to say that it speaks HTTP/2.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
/// The client's part of the HTTP/2 connection preface, in bytes (RFC 9113, 3.4).
const PREFACE_LEN: usize = 24;
/// After this long without a word a client is asked whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// How long it may take to answer that.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long calls under way may take when the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Serves until `shutdown` is ready, then lets calls under way finish for a short time.
///
/// Any `:authority` is served that is one; the HTTP library refuses a list with several ports, which a Java
/// client with a list of controllers may send.
/// Pings are answered as often as a client sends them. Tracing headers and compression are neither asked for
/// nor used.
///
/// # Cancel safety
/// Dropping the future drops `incoming` and all connections. Changes under way are completed by tasks
/// of their own.
pub(crate) async fn serve<S: Storage, T>(
    service: ControllerService<S>,
    incoming: impl Stream<Item = io::Result<T>> + Send,
    shutdown: impl Future<Output = ()> + Send,
) where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    serve_within(PREFACE_TIMEOUT, service, incoming, shutdown).await;
}

/// The same with another limit for slow connections.
pub(super) async fn serve_within<S: Storage, T>(
    preface_timeout: Duration,
    service: ControllerService<S>,
    incoming: impl Stream<Item = io::Result<T>> + Send,
    shutdown: impl Future<Output = ()> + Send,
) where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stop = CancellationToken::new();
    let _stop_when_dropped = stop.clone().drop_guard();
    let draining = CancellationToken::new();
    let ends = Ends {
        draining: draining.clone(),
        stop: stop.clone(),
        preface_timeout,
    };
    let tasks = service.tasks().clone();
    let routes = ControllerServiceServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let server = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADERS)
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        .add_service(routes)
        .serve_with_incoming_shutdown(accept(incoming, ends), async {
            shutdown.await;
            draining.cancel();
        });
    let grace_is_over = async {
        draining.cancelled().await;
        sleep(SHUTDOWN_GRACE).await;
    };
    tokio::select! {
        biased;
        ended = server => if let Err(error) = ended {
            tracing::warn!(name: "server.controller_ended", %error, "the controller ended");
        },
        () = grace_is_over => {}
    }
    stop.cancel();
    tasks.close();
    if timeout(SHUTDOWN_GRACE, tasks.wait()).await.is_err() {
        tracing::warn!(name: "server.changes_unfinished",
            changes = tasks.len(),
            "changes are still under way at shutdown"
        );
    }
}

/// Takes connections as long as there are permits for them.
fn accept<T: Send + Unpin>(
    incoming: impl Stream<Item = io::Result<T>> + Send,
    ends: Ends,
) -> impl Stream<Item = io::Result<Connection<T>>> + Send {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let next = move |mut incoming| {
        let (permits, ends) = (Arc::clone(&permits), ends.clone());
        async move {
            let permit = permits.acquire_owned().await.ok()?;
            let Some(socket) = incoming::next(&mut incoming).await else {
                // Nobody comes any more; those who are here stay until the end.
                return std::future::pending().await;
            };
            Some((Ok(Connection::new(socket, permit, ends)), incoming))
        }
    };
    stream::unfold(Box::pin(incoming), next)
}

/// What ends a connection besides its client.
#[derive(Clone)]
struct Ends {
    /// The server begins to stop.
    draining: CancellationToken,
    /// The server has stopped.
    stop: CancellationToken,
    preface_timeout: Duration,
}

/// A connection that counts against the limit, must begin in time, and ends when the server does.
struct Connection<T> {
    socket: T,
    preface: Option<Preface>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    _permit: OwnedSemaphorePermit,
}

/// The beginning of a connection, while it lasts.
struct Preface {
    missing: usize,
    deadline: Pin<Box<Sleep>>,
    /// Ready when the server begins to stop: who has said nothing yet has no call under way.
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<T> Connection<T> {
    fn new(socket: T, permit: OwnedSemaphorePermit, ends: Ends) -> Self {
        Self {
            socket,
            preface: Some(Preface {
                missing: PREFACE_LEN,
                deadline: Box::pin(sleep(ends.preface_timeout)),
                draining: Box::pin(ends.draining.cancelled_owned()),
            }),
            stopped: Box::pin(ends.stop.cancelled_owned()),
            _permit: permit,
        }
    }

    fn check_stopped(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.stopped.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<T> Connected for Connection<T> {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_stopped(cx)?;
        if let Some(preface) = &mut self.preface {
            if preface.draining.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            if preface.deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        let read = buf.filled().len().saturating_sub(before);
        if let Some(preface) = &mut self.preface {
            preface.missing = preface.missing.saturating_sub(read);
            if preface.missing == 0 {
                self.preface = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_stopped(cx)?;
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_stopped(cx)?;
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
