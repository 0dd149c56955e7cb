//! Connections: how many, how slow, and until when.

use std::{pin::Pin, sync::Arc};

use axum::{
    Router,
    serve::{Listener, ListenerExt as _},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::limits::{
    ASK_ALIVE, END_PATIENCE, HEAD_PATIENCE, MAX_CONNECTIONS, MAX_HEAD, STALL_PATIENCE,
};

/// The connections of a port.
pub(crate) fn tcp(listener: TcpListener) -> impl Listener<Io = TcpStream> {
    listener.tap_io(|stream| {
        // Small answers go out at once. Without it they only take longer.
        stream.set_nodelay(true).ok();
        // A live answer may have nothing to say for days, and would not notice that its client has vanished.
        let keep_alive = TcpKeepalive::new().with_time(ASK_ALIVE);
        SockRef::from(&*stream).set_tcp_keepalive(&keep_alive).ok();
    })
}

/// Serves connections until `closing`, then gives answers under way a moment, and cuts off what is left.
pub(crate) async fn run(
    mut listener: impl Listener,
    router: Router,
    recordings: TaskTracker,
    closing: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (graceful, connections) = (GracefulShutdown::new(), TaskTracker::new());
    let cut = CancellationToken::new();
    let _cut_when_dropped = cut.clone().drop_guard();
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, (stream, _)) = tokio::select! {
            accepted = accepted => accepted,
            () = closing.cancelled() => break,
        };
        let connection = graceful.watch(connection(stream, router.clone()));
        let cut = cut.clone();
        connections.spawn(async move {
            let _held = slot;
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                },
                () = cut.cancelled() => {}
            }
        });
    }
    drop(listener);
    recordings.close();
    connections.close();
    let ending = async {
        graceful.shutdown().await;
        recordings.wait().await;
    };
    if timeout(END_PATIENCE, ending).await.is_err() {
        tracing::warn!("answers under way were cut off");
    }
    cut.cancel();
    connections.wait().await;
}

/// One connection. A client that takes nothing of an answer for too long is given up.
fn connection<S: AsyncRead + AsyncWrite>(
    stream: S,
    router: Router,
) -> http1::Connection<Io<S>, TowerToHyperService<Router>> {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(STALL_PATIENCE));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        )
}

type Io<S> = TokioIo<Pin<Box<TimeoutWriter<S>>>>;
