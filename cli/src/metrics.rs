//! `serve --metrics`: numbers about the embedded server, as Prometheus reads them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use metrics::{Unit, counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use pravega_standalone::{ServerMeter, ServerStats};
use snafu::ResultExt as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};

use crate::error::{CliError, IoSnafu};

/// Prometheus' text format, in which the page is written.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The most connections at the same time; further ones wait in the system's backlog.
const MAX_SCRAPERS: usize = 16;

/// How long a connection may take to send a request, and be silent between two: longer than the minute that most
/// scrapers let pass.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// The pause after an accept that failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The page, on an open port.
pub(crate) struct Page {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    numbers: Arc<Numbers>,
}

impl Page {
    pub(crate) async fn open(address: SocketAddr, meter: ServerMeter) -> Result<Self, CliError> {
        let listening = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok::<_, io::Error>((listener, address))
        };
        let (listener, address) = listening.await.with_context(|_| IoSnafu {
            what: format!("listening on {address}"),
        })?;
        Ok(Self {
            address,
            listener,
            numbers: Arc::new(Numbers::new(meter)),
        })
    }

    /// Answers until the future is dropped; that ends all connections.
    pub(crate) async fn serve(self) {
        let numbers = self.numbers;
        let page = Router::new().route("/metrics", get(async move || numbers.page()));
        let places = Arc::new(Semaphore::new(MAX_SCRAPERS));
        let mut scrapers = JoinSet::new();
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let page = page.clone();
                    scrapers.spawn(async move {
                        // A scraper that breaks off has lost its own page only.
                        answer(socket, page).await.ok();
                        drop(place);
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
            while scrapers.try_join_next().is_some() {}
        }
    }
}

async fn answer(socket: TcpStream, page: Router) -> hyper::Result<()> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(page))
        .await
}

/// The server's numbers on their way into the format.
struct Numbers {
    meter: ServerMeter,
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Numbers {
    fn new(meter: ServerMeter) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, describe);
        let handle = recorder.handle();
        Self {
            meter,
            recorder,
            handle,
        }
    }

    fn page(&self) -> Response {
        let Some(stats) = self.meter.stats() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        metrics::with_local_recorder(&self.recorder, || record(&stats));
        ([(CONTENT_TYPE, TEXT_FORMAT)], self.handle.render()).into_response()
    }
}

const SEGMENTS: &str = "pravega_server_segments";
const CONNECTIONS: &str = "pravega_server_connections";
const CONNECTIONS_ACCEPTED: &str = "pravega_server_connections_accepted_total";
const CONTROLLER_CALLS: &str = "pravega_server_controller_calls_total";
const APPENDS: &str = "pravega_server_appends_total";
const APPENDED_BYTES: &str = "pravega_server_appended_bytes_total";
const CONFLICTS: &str = "pravega_server_conflicts_total";
const READS: &str = "pravega_server_reads_total";
const READ_BYTES: &str = "pravega_server_read_bytes_total";
const APPEND_MEMORY: &str = "pravega_server_append_memory_bytes";

fn describe() {
    use Unit::{Bytes, Count};
    use metrics::{describe_counter, describe_gauge};
    describe_gauge!(SEGMENTS, Count, "Segments in the store.");
    describe_gauge!(CONNECTIONS, Count, "Open connections to the segment store.");
    describe_counter!(
        CONNECTIONS_ACCEPTED,
        Count,
        "Connections to the segment store accepted."
    );
    describe_counter!(CONTROLLER_CALLS, Count, "Calls to the controller.");
    describe_counter!(APPENDS, Count, "Appends stored.");
    describe_counter!(APPENDED_BYTES, Bytes, "Bytes of the appends stored.");
    describe_counter!(CONFLICTS, Count, "Conditional appends refused.");
    describe_counter!(READS, Count, "Reads answered.");
    describe_counter!(READ_BYTES, Bytes, "Bytes of the reads answered.");
    describe_gauge!(
        APPEND_MEMORY,
        Bytes,
        "Memory that appends on their way take."
    );
}

fn record(stats: &ServerStats) {
    gauge!(SEGMENTS).set(level(stats.segments));
    gauge!(CONNECTIONS).set(level(stats.connections));
    counter!(CONNECTIONS_ACCEPTED).absolute(stats.connections_accepted);
    counter!(CONTROLLER_CALLS).absolute(stats.controller_calls);
    counter!(APPENDS).absolute(stats.appends);
    counter!(APPENDED_BYTES).absolute(stats.appended_bytes);
    counter!(CONFLICTS).absolute(stats.conflicts);
    counter!(READS).absolute(stats.reads);
    counter!(READ_BYTES).absolute(stats.read_bytes);
    gauge!(APPEND_MEMORY).set(level(stats.append_memory_bytes));
}

/// A number as gauges have them. All of these have bounds far below.
fn level(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
