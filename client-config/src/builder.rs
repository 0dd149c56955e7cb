//! Sets options one by one and checks them once.

use std::time::Duration;

use snafu::{OptionExt, ResultExt, ensure};

use crate::{
    AddressError, ClientConfig, ConfigError, ControllerAddress, Credentials, RetryPolicy, Scheme,
    TlsConfig, TlsOptions,
    config::{Limits, Settings},
    env::BadVariable,
    error::{
        ControllerUriSnafu, MissingSnafu, TlsContradictionSnafu, TlsOptionsUnusedSnafu,
        VariableSnafu,
    },
    range,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;

/// Takes options by value and makes a [`ClientConfig`] of them. The last setting of an option wins.
///
/// All options are listed in the [crate's documentation](crate#options).
///
/// ```
/// use std::time::Duration;
/// use pravega_client_config::ClientConfigBuilder;
///
/// let config = ClientConfigBuilder::default()
///     .controller_uri("tcp://localhost:9090")
///     .operation_timeout(Duration::from_secs(20))
///     .build()?;
/// assert_eq!(config.controller_address().endpoints().len(), 1);
/// # Ok::<(), pravega_client_config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ClientConfigBuilder {
    /// Parsed when set, so that a text with a password in it is not kept.
    controller: Option<Result<ControllerAddress, AddressError>>,
    is_tls_enabled: Option<bool>,
    tls: Option<TlsOptions>,
    /// TLS options of the environment. They hold for all programs of a machine, so unlike the program's
    /// own they are no mistake in plain text.
    pub(crate) env_tls: Option<TlsOptions>,
    credentials: Option<Credentials>,
    retry: RetryPolicy,
    limits: Limits,
    /// The first thing wrong with the environment, reported by `build`.
    pub(crate) bad_variable: Option<BadVariable>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: 30 * SECOND,
            operation_timeout: 60 * SECOND,
            connect_timeout: 5 * SECOND,
            hello_timeout: 10 * SECOND,
            keep_alive_interval: 10 * SECOND,
            connection_idle_timeout: 60 * SECOND,
            max_connections_per_endpoint: 64,
            max_unacked_bytes: 16 * MIB,
            max_read_ahead_bytes: 4 * MIB,
        }
    }
}

impl ClientConfigBuilder {
    /// Sets the controllers and how to speak to them, in the forms of [`address`](crate::address).
    /// Required; a bad text is reported by [`build`](Self::build).
    pub fn controller_uri(mut self, uri: impl AsRef<str>) -> Self {
        self.controller = Some(uri.as_ref().parse());
        self
    }

    /// Sets the controllers by an address parsed before.
    pub fn controller_address(mut self, address: ControllerAddress) -> Self {
        self.controller = Some(Ok(address));
        self
    }

    /// Switches TLS on or off for an address without scheme. Default: as the scheme says; off without one.
    ///
    /// An address with a scheme decides by itself: the opposite setting is an error, the same is not.
    pub fn is_tls_enabled(mut self, enabled: bool) -> Self {
        self.is_tls_enabled = Some(enabled);
        self
    }

    /// Sets whom to trust. Default: the operating system's authorities, and the host dialled.
    /// An error when the address asks for plain text.
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = Some(options);
        self
    }

    /// Sets what the controller is told about who the client is. Default: nothing.
    ///
    /// They are sent in plain text when TLS is off.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets how failed attempts are spaced and counted, see [`RetryPolicy`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the longest wait for the reply to one request or controller call. Default 30 s, allowed 1 ms
    /// to 1 h. Appends and reads at the tail have no such limit: a slow store is not a dead one.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.limits.request_timeout = timeout;
        self
    }

    /// Sets the longest wait of one operation with all its attempts. Default 60 s, allowed 1 ms to 24 h.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.limits.operation_timeout = timeout;
        self
    }

    /// Sets the longest wait for a connection, TLS handshake included. Default 5 s, allowed 1 ms to 1 h.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connect_timeout = timeout;
        self
    }

    /// Sets the longest wait for the hello of a new connection. Default 10 s, allowed 1 ms to 1 h.
    pub fn hello_timeout(mut self, timeout: Duration) -> Self {
        self.limits.hello_timeout = timeout;
        self
    }

    /// Sets after how long a silent peer is sent a keep-alive; after three times as long without a byte
    /// it counts as dead. Default 10 s, allowed 10 ms to 1 h.
    pub fn keep_alive_interval(mut self, interval: Duration) -> Self {
        self.limits.keep_alive_interval = interval;
        self
    }

    /// Sets how long a connection that nobody uses stays open. Default 60 s, allowed 1 ms to 24 h.
    pub fn connection_idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connection_idle_timeout = timeout;
        self
    }

    /// Sets the most connections to one segment store. Default 64, allowed 1 to 1,024. Connections are
    /// shared, so this bounds sockets and not writers or readers.
    pub fn max_connections_per_endpoint(mut self, connections: usize) -> Self {
        self.limits.max_connections_per_endpoint = connections;
        self
    }

    /// Sets the most bytes that a writer holds unacknowledged, waiting and sent together, its bookkeeping
    /// included. Default 16 MiB, allowed 64 KiB to 1 GiB. A single write that is larger is refused.
    pub fn max_unacked_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_unacked_bytes = bytes;
        self
    }

    /// Sets the most bytes that a reader asks for and holds ahead of its user. Default 4 MiB, allowed
    /// 64 KiB to 1 GiB.
    pub fn max_read_ahead_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_read_ahead_bytes = bytes;
        self
    }

    pub(crate) fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Checks everything and reads the certificates of the TLS options from their files.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first option found wrong, its value and what is allowed.
    pub fn build(self) -> Result<ClientConfig, ConfigError> {
        if let Some(BadVariable { name, wanted }) = self.bad_variable {
            return VariableSnafu { name, wanted }.fail();
        }
        let controller_address = self.address()?;
        let tls = self.trust(&controller_address)?;
        if let Some(credentials) = &self.credentials {
            credentials.check()?;
        }
        self.retry.check()?;
        self.limits.check()?;
        Ok(ClientConfig::new(Settings {
            controller_address,
            tls,
            credentials: self.credentials,
            retry: self.retry,
            limits: self.limits,
        }))
    }

    fn address(&self) -> Result<ControllerAddress, ConfigError> {
        let address = self
            .controller
            .clone()
            .context(MissingSnafu {
                option: "controller_uri",
            })?
            .context(ControllerUriSnafu)?;
        let Some(enabled) = self.is_tls_enabled else {
            return Ok(address);
        };
        match address.written_scheme() {
            Some(scheme) => {
                let agrees = scheme.is_tls() == enabled;
                ensure!(agrees, TlsContradictionSnafu { enabled, scheme });
                Ok(address)
            }
            None if enabled => Ok(address.with_scheme(Scheme::Tls)),
            None => Ok(address.with_scheme(Scheme::Tcp)),
        }
    }

    fn trust(&self, address: &ControllerAddress) -> Result<Option<TlsConfig>, ConfigError> {
        if !address.is_tls() {
            ensure!(self.tls.is_none(), TlsOptionsUnusedSnafu);
            return Ok(None);
        }
        let options = self.tls.as_ref().or(self.env_tls.as_ref());
        options
            .map_or_else(|| TlsOptions::default().check(), TlsOptions::check)
            .map(Some)
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        let times = [
            ("request_timeout", self.request_timeout, MILLISECOND..=HOUR),
            (
                "operation_timeout",
                self.operation_timeout,
                MILLISECOND..=DAY,
            ),
            ("connect_timeout", self.connect_timeout, MILLISECOND..=HOUR),
            ("hello_timeout", self.hello_timeout, MILLISECOND..=HOUR),
            (
                "keep_alive_interval",
                self.keep_alive_interval,
                10 * MILLISECOND..=HOUR,
            ),
            (
                "connection_idle_timeout",
                self.connection_idle_timeout,
                MILLISECOND..=DAY,
            ),
        ];
        for (option, value, allowed) in times {
            range::duration(option, value, allowed)?;
        }
        let connections = self.max_connections_per_endpoint;
        range::number("max_connections_per_endpoint", connections, 1..=1024)?;
        range::number("max_unacked_bytes", self.max_unacked_bytes, 64 * KIB..=GIB)?;
        range::number(
            "max_read_ahead_bytes",
            self.max_read_ahead_bytes,
            64 * KIB..=GIB,
        )
    }
}
