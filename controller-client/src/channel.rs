//! One controller: its address, how to connect to it, and the connection while there is one.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pravega_client_config::{ClientConfig, TlsConfig};
use pravega_client_shared::Endpoint;
use snafu::ResultExt;
use tonic::transport::{self, Certificate, Channel, ClientTlsConfig};

use crate::{Cause, ControllerError, error::SetupSnafu};

/// What this client calls itself in the headers of its requests.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The kernel asks an idle peer for a sign of life this often, so that a connection that a firewall forgot is
/// noticed before the next call. HTTP/2 pings are no choice: Pravega's controller hangs up on clients that
/// send them more often than every five minutes.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);

/// The most bytes of headers taken with one reply. Some controllers put a stack trace there.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// Opens a connection, which is made by its first request. Has to be called inside of a runtime.
pub(crate) type Open = Arc<dyn Fn() -> Channel + Send + Sync>;

/// Prepares connections to an endpoint. A value, so that tests can put a peer in the same process behind it.
pub(crate) type Prepare = Arc<dyn Fn(&Endpoint) -> Result<Open, ControllerError> + Send + Sync>;

/// One controller.
pub(crate) struct Controller {
    endpoint: Endpoint,
    open: Open,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    channel: Option<Channel>,
    /// Counts the channels, so that a complaint about an old one leaves the new one alone.
    generation: u64,
}

impl Controller {
    pub(crate) fn new(endpoint: &Endpoint, prepare: &Prepare) -> Result<Self, ControllerError> {
        Ok(Self {
            endpoint: endpoint.clone(),
            open: prepare(endpoint)?,
            current: Mutex::default(),
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The connection, shared with all other calls, and its generation.
    pub(crate) fn channel(&self) -> (Channel, u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation;
        let channel = current.channel.get_or_insert_with(|| (self.open)());
        (channel.clone(), generation)
    }

    /// Makes the next call open a new connection, unless that has happened since `generation`.
    ///
    /// Calls that are under way keep the old one. This also gets rid of connections whose runtime is gone.
    pub(crate) fn discard(&self, generation: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation == generation {
            current.generation = generation.wrapping_add(1);
            current.channel = None;
        }
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Prepares TCP connections, with TLS where the configuration has it.
pub(crate) fn prepare(config: &ClientConfig) -> Prepare {
    let config = config.clone();
    Arc::new(move |endpoint| {
        let template = template(&config, endpoint)?;
        Ok(Arc::new(move || template.connect_lazy()))
    })
}

fn template(
    config: &ClientConfig,
    endpoint: &Endpoint,
) -> Result<transport::Endpoint, ControllerError> {
    let Some(tls) = config.tls() else {
        return plain(config, endpoint, "http");
    };
    let template = plain(config, endpoint, "https")?;
    let secured = |roots| template.clone().tls_config(tls_config(config, tls, roots));
    let secured = match secured(tls.system_roots()) {
        // A machine without any roots of its own is no obstacle when the user named one.
        Err(_) if !tls.ca_pem().is_empty() => secured(false),
        result => result,
    };
    secured.map_err(setup).context(SetupSnafu {
        endpoint: endpoint.clone(),
    })
}

/// Everything about connections to `endpoint` but TLS.
pub(crate) fn plain(
    config: &ClientConfig,
    endpoint: &Endpoint,
    scheme: &str,
) -> Result<transport::Endpoint, ControllerError> {
    Ok(
        transport::Endpoint::from_shared(format!("{scheme}://{endpoint}"))
            .and_then(|template| template.user_agent(USER_AGENT))
            .map_err(setup)
            .context(SetupSnafu {
                endpoint: endpoint.clone(),
            })?
            .connect_timeout(config.connect_timeout())
            .tcp_nodelay(true)
            .tcp_keepalive(Some(TCP_KEEP_ALIVE))
            .http2_max_header_list_size(MAX_HEADER_BYTES),
    )
}

fn setup(error: transport::Error) -> Cause {
    Arc::new(error)
}

fn tls_config(config: &ClientConfig, tls: &TlsConfig, system_roots: bool) -> ClientTlsConfig {
    let mut options = ClientTlsConfig::new().timeout(config.connect_timeout());
    if !tls.ca_pem().is_empty() {
        options = options.ca_certificate(Certificate::from_pem(tls.ca_pem()));
    }
    if system_roots {
        options = options.with_native_roots();
    }
    match tls.server_name() {
        Some(name) => options.domain_name(name),
        None => options,
    }
}
