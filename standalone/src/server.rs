//! Putting the two services together: builder, running server, end.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures::Stream;
use pravega_client_shared::Endpoint;
use pravega_wire_protocol::MAX_READ_BYTES;
use snafu::{OptionExt as _, ResultExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{info, warn};

use crate::{
    controller,
    counters::{ServerMeter, ServerStats},
    error::{
        AdvertisedHostSnafu, DataDirectorySnafu, InterruptedSnafu, ListenSnafu, NoGuardSnafu,
        PlainPasswordsSnafu, StartError,
    },
    incoming,
    limits::Limits,
    security::{Accounts, Guard, ServerTls, TOKEN_LIFETIME, secured},
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
            tls: None,
            accounts: None,
            token_lifetime: TOKEN_LIFETIME,
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
    tls: Option<ServerTls>,
    accounts: Option<Accounts>,
    token_lifetime: Duration,
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
    /// Without [`accounts`](Self::accounts) and [`tls`](Self::tls), listen on other interfaces only in a network
    /// you trust.
    pub fn controller_listen(mut self, address: SocketAddr) -> Self {
        self.controller_listen = address;
        self
    }

    /// Where the segment store listens. Default `127.0.0.1:0`: a free port.
    ///
    /// Without [`accounts`](Self::accounts) and [`tls`](Self::tls), listen on other interfaces only in a network
    /// you trust.
    pub fn store_listen(mut self, address: SocketAddr) -> Self {
        self.store_listen = address;
        self
    }

    /// The host that clients are told to connect to. Default: the address of each listener, or the loopback
    /// address where that is "all interfaces"; with [`tls`](Self::tls) `localhost` in the place of a loopback
    /// address. With TLS it must be a name in the certificate.
    pub fn advertised_host(mut self, host: impl Into<String>) -> Self {
        self.advertised_host = Some(host.into());
        self
    }

    /// Other bounds for the segment store than the default ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS on both ports. Default: no TLS.
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Lets in only those who have an account. Default: everybody may do everything.
    pub fn accounts(mut self, accounts: Accounts) -> Self {
        self.accounts = Some(accounts);
        self
    }

    /// How long a token of the controller opens a segment. Default 10 min, at least 1 s. Clients renew theirs
    /// without being asked to; the connections of writers are closed when it is over, as by a real store, and
    /// they come again. Without [`accounts`](Self::accounts) there are no tokens.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Starts the server: when this returns, both ports are open and everything stored is recovered.
    ///
    /// It runs in tasks of the calling runtime, and in one thread of its own when it keeps data on disk.
    ///
    /// # Errors
    /// [`StartError`] when a port is taken, the directory cannot be used, its content cannot be read, or accounts
    /// without TLS would be served elsewhere than on the loopback interface.
    ///
    /// # Cancel safety
    /// Dropping the future gives up ports and directory; a data directory may have been created.
    pub async fn start(self) -> Result<StandaloneHandle, StartError> {
        self.check_passwords_are_safe()?;
        let guard = self.guard()?;
        let store_listener = listen(self.store_listen, "segment store").await?;
        let controller_listener = listen(self.controller_listen, "controller").await?;
        let store_addr = local(&store_listener, self.store_listen, "segment store")?;
        let controller_addr = local(&controller_listener, self.controller_listen, "controller")?;
        let host = self.advertised_host.as_deref();
        let is_named = self.tls.is_some();
        let store = advertised(host, store_addr, is_named)?;
        let controller = advertised(host, controller_addr, is_named)?;

        let (segments, thread) = open(self.data, &self.limits).await?;
        let services = Services::new(segments, self.limits, guard);
        let service = services.controller(&store, &controller).await?;
        let meter = services.meter();

        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let incoming = incoming::tcp(store_listener);
        let storing: Serving = match &self.tls {
            None => Box::pin(serve_store(services, incoming, stopped)),
            Some(tls) => Box::pin(serve_store(
                services,
                secured(incoming, tls.bare()),
                stopped,
            )),
        };
        let storing = tokio::spawn(storing);
        let stopped = stop.clone().cancelled_owned();
        let incoming = incoming::tcp(controller_listener);
        let controlling: Serving = match &self.tls {
            None => Box::pin(controller::serve(service, incoming, stopped)),
            Some(tls) => {
                let incoming = secured(incoming, tls.http2());
                Box::pin(controller::serve(service, incoming, stopped))
            }
        };
        let controlling = tokio::spawn(controlling);
        info!(name: "server.ready", %controller, store = %store_addr, "the server is ready");
        Ok(StandaloneHandle {
            has_tls: self.tls.is_some(),
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
        let guard = self.guard()?;
        let (segments, _thread) = open(self.data, &self.limits).await?;
        Ok(Services::new(segments, self.limits, guard))
    }

    fn guard(&self) -> Result<Option<Arc<Guard>>, StartError> {
        let Some(accounts) = self.accounts.clone() else {
            return Ok(None);
        };
        let guard = Guard::new(accounts, self.token_lifetime).context(NoGuardSnafu)?;
        Ok(Some(Arc::new(guard)))
    }

    /// Passwords go to the controller and tokens to the store; neither may cross a network in the clear.
    fn check_passwords_are_safe(&self) -> Result<(), StartError> {
        if self.accounts.is_none() || self.tls.is_some() {
            return Ok(());
        }
        match [self.controller_listen, self.store_listen]
            .into_iter()
            .find(|address| !address.ip().is_loopback())
        {
            Some(address) => PlainPasswordsSnafu { address }.fail(),
            None => Ok(()),
        }
    }
}

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn serve_store<S>(
    services: Services,
    incoming: impl Stream<Item = io::Result<S>> + Send,
    stop: impl Future<Output = ()> + Send,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    services.serve_store(incoming, stop).await;
}

/// A running server. Dropping it ends everything at once: nothing acknowledged is lost, but clients find
/// their connections broken, and a data directory is free again only a moment later.
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct StandaloneHandle {
    has_tls: bool,
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
    /// The address to give to a client, such as `tcp://127.0.0.1:9090`; with TLS `tls://…`.
    #[must_use]
    pub fn controller_uri(&self) -> String {
        let scheme = if self.has_tls { "tls" } else { "tcp" };
        format!("{scheme}://{}", self.controller)
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

/// What clients are told about a listener. Certificates are for names, and some clients can check no other.
fn advertised(
    host: Option<&str>,
    listening: SocketAddr,
    is_named: bool,
) -> Result<Endpoint, StartError> {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let host = match host {
        Some(host) => host.to_owned(),
        None if is_named && ip.is_loopback() => "localhost".to_owned(),
        None => ip.to_string(),
    };
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
