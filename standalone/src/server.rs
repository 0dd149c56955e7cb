//! Putting the two services together: builder, running server, end.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use pravega_client_shared::Endpoint;
use pravega_wire_protocol::MAX_READ_BYTES;
use snafu::ResultExt;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{info, warn};

use crate::{
    controller,
    counters::{ServerMeter, ServerStats},
    error::{AdvertisedHostSnafu, DataDirectorySnafu, InterruptedSnafu, ListenSnafu, StartError},
    incoming,
    limits::Limits,
    services::Services,
    store::{Folder, Segments, StorageThread, SystemFolder},
};

/// The entrance: see [`Standalone::builder`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Standalone;

impl Standalone {
    /// A server in memory, on two free ports of the loopback interface, unless the builder is told otherwise.
    pub fn builder() -> StandaloneBuilder {
        StandaloneBuilder {
            data: Data::Memory,
            controller_listen: LOOPBACK,
            store_listen: LOOPBACK,
            advertised_host: None,
            limits: Limits::default(),
        }
    }
}

/// A free port of the loopback interface.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What a server is started with.
#[derive(Debug, Clone)]
#[must_use = "nothing runs before start"]
pub struct StandaloneBuilder {
    data: Data,
    controller_listen: SocketAddr,
    store_listen: SocketAddr,
    advertised_host: Option<String>,
    limits: Limits,
}

#[derive(Debug, Clone)]
enum Data {
    Memory,
    Folder(Arc<dyn Folder>),
}

impl StandaloneBuilder {
    /// Keeps everything in memory; it is gone when the server ends. This is the default.
    pub fn memory(mut self) -> Self {
        self.data = Data::Memory;
        self
    }

    /// Keeps everything in a directory, which is made if it is not there. One server at a time can own it.
    /// What was acknowledged survives the end of the process and of the machine.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = Data::Folder(Arc::new(SystemFolder::new(path)));
        self
    }

    /// Keeps everything in a folder of the caller's making, as [`data_dir`](Self::data_dir) does in a
    /// directory.
    pub fn folder(mut self, folder: Arc<dyn Folder>) -> Self {
        self.data = Data::Folder(folder);
        self
    }

    /// Where the controller listens. Default `127.0.0.1:0`: a free port.
    ///
    /// There are no passwords and no encryption: listen on other interfaces only in a network you trust.
    pub fn controller_listen(mut self, address: SocketAddr) -> Self {
        self.controller_listen = address;
        self
    }

    /// Where the segment store listens. Default `127.0.0.1:0`: a free port.
    ///
    /// There are no passwords and no encryption: listen on other interfaces only in a network you trust.
    pub fn store_listen(mut self, address: SocketAddr) -> Self {
        self.store_listen = address;
        self
    }

    /// The host that clients are told to connect to. Default: the address of each listener, or the loopback
    /// address where that is "all interfaces".
    pub fn advertised_host(mut self, host: impl Into<String>) -> Self {
        self.advertised_host = Some(host.into());
        self
    }

    /// Other bounds for the segment store than the default ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts the server: when this returns, both ports are open and everything stored is recovered.
    ///
    /// It runs in tasks of the calling runtime, and in one thread of its own when it keeps data on disk.
    ///
    /// # Errors
    /// [`StartError`] when a port is taken, the directory cannot be used, or its content cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future gives up ports and directory; a data directory may have been created.
    pub async fn start(self) -> Result<StandaloneHandle, StartError> {
        let store_listener = listen(self.store_listen, "segment store").await?;
        let controller_listener = listen(self.controller_listen, "controller").await?;
        let store_addr = local(&store_listener, self.store_listen, "segment store")?;
        let controller_addr = local(&controller_listener, self.controller_listen, "controller")?;
        let host = self.advertised_host.as_deref();
        let store = advertised(host, store_addr)?;
        let controller = advertised(host, controller_addr)?;

        let (segments, thread) = open(self.data, &self.limits).await?;
        let services = Services::new(segments, self.limits);
        let service = services.controller(&store, &controller).await?;
        let meter = services.meter();

        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let storing = tokio::spawn(async move {
            let incoming = incoming::tcp(store_listener);
            services.serve_store(incoming, stopped).await;
        });
        let stopped = stop.clone().cancelled_owned();
        let incoming = incoming::tcp(controller_listener);
        let controlling = tokio::spawn(controller::serve(service, incoming, stopped));
        info!(name: "server.ready", %controller, store = %store_addr, "the server is ready");
        Ok(StandaloneHandle {
            controller,
            controller_addr,
            store_addr,
            stop,
            storing: AbortOnDropHandle::new(storing),
            controlling: AbortOnDropHandle::new(controlling),
            thread,
            meter,
        })
    }

    /// Recovers what is stored and listens nowhere: the services are served on connections that the caller
    /// has, such as those of a simulated network. Addresses and the advertised host are not used.
    ///
    /// A data directory is free again a moment after the last clone of the services is gone.
    ///
    /// # Errors
    /// [`StartError`] when the directory cannot be used, or its content cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the directory; it may have been created.
    pub async fn services(self) -> Result<Services, StartError> {
        let (segments, _thread) = open(self.data, &self.limits).await?;
        Ok(Services::new(segments, self.limits))
    }
}

/// A running server. Dropping it ends everything at once: nothing acknowledged is lost, but clients find
/// their connections broken, and a data directory is free again only a moment later.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct StandaloneHandle {
    controller: Endpoint,
    controller_addr: SocketAddr,
    store_addr: SocketAddr,
    stop: CancellationToken,
    storing: AbortOnDropHandle<()>,
    controlling: AbortOnDropHandle<()>,
    thread: Option<StorageThread>,
    meter: ServerMeter,
}

impl StandaloneHandle {
    /// The address to give to a client, such as `tcp://127.0.0.1:9090`.
    #[must_use]
    pub fn controller_uri(&self) -> String {
        format!("tcp://{}", self.controller)
    }

    /// Where the controller listens.
    #[must_use]
    pub fn controller_addr(&self) -> SocketAddr {
        self.controller_addr
    }

    /// Where the segment store listens.
    #[must_use]
    pub fn store_addr(&self) -> SocketAddr {
        self.store_addr
    }

    /// What the server has done so far, and what it holds.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        self.meter.stats().unwrap_or_default()
    }

    /// Gives the same numbers elsewhere, without keeping the server alive.
    #[must_use]
    pub fn meter(&self) -> ServerMeter {
        self.meter.clone()
    }

    /// Ends the server in order: no new connections, acks of what is in flight, then the end of every task.
    /// When this returns, both ports are closed and a data directory can be opened again.
    ///
    /// It takes a few seconds at most, however clients behave.
    ///
    /// # Cancel safety
    /// Dropping the future ends the server at once, as dropping the handle does.
    pub async fn shutdown(self) {
        let Self {
            controller,
            stop,
            storing,
            controlling,
            thread,
            ..
        } = self;
        stop.cancel();
        let (stored, controlled) = tokio::join!(storing, controlling);
        for ended in [stored, controlled] {
            if let Err(error) = ended {
                warn!(name: "server.service_failed", %error, "a service did not end in order");
            }
        }
        if let Some(thread) = thread {
            thread.ended().await;
        }
        info!(name: "server.ended", %controller, "the server has ended");
    }
}

async fn listen(address: SocketAddr, service: &'static str) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).await;
    listener.context(ListenSnafu { address, service })
}

fn local(
    listener: &TcpListener,
    address: SocketAddr,
    service: &'static str,
) -> Result<SocketAddr, StartError> {
    let local = listener.local_addr();
    local.context(ListenSnafu { address, service })
}

/// What clients are told about a listener.
fn advertised(host: Option<&str>, listening: SocketAddr) -> Result<Endpoint, StartError> {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let host = host.map_or_else(|| ip.to_string(), str::to_owned);
    Endpoint::new(&host, listening.port().into()).context(AdvertisedHostSnafu)
}

async fn open(
    data: Data,
    limits: &Limits,
) -> Result<(Segments, Option<StorageThread>), StartError> {
    let max_segments = limits.max_segments;
    match data {
        Data::Memory => {
            let segments = Segments::in_memory(max_segments, limits.max_memory_bytes);
            Ok((segments, None))
        }
        Data::Folder(folder) => {
            let cold = limits.max_cold_bytes.max(MAX_READ_BYTES);
            let open = move || Segments::in_folder(folder, max_segments, cold);
            // Recovery reads from the disk, and after a crash it may read a lot.
            let opened = tokio::task::spawn_blocking(open).await;
            let opened = opened
                .context(InterruptedSnafu)?
                .context(DataDirectorySnafu)?;
            Ok((opened.0, Some(opened.1)))
        }
    }
}
