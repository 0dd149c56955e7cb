//! Connections: how many, how slow, and until when.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::limits::{END_PATIENCE, HEAD_PATIENCE, MAX_CONNECTIONS, MAX_HEAD, STALL_PATIENCE};

/// How long no connection is taken after one could not be: the system is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `closing`, then gives answers under way a moment, and cuts off what is left.
pub(crate) async fn run(
    listener: TcpListener,
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
        let (slot, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = closing.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
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
fn connection(
    stream: TcpStream,
    router: Router,
) -> http1::Connection<Io, TowerToHyperService<Router>> {
    // Small answers go out at once. Without it they only take longer.
    stream.set_nodelay(true).ok();
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

type Io = TokioIo<std::pin::Pin<Box<TimeoutWriter<TcpStream>>>>;
