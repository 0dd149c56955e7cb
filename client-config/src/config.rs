//! The finished configuration.

use std::{sync::Arc, time::Duration};

use crate::{ControllerAddress, Credentials, RetryPolicy, TlsConfig};

/// A checked configuration. Made by [`ClientConfigBuilder`](crate::ClientConfigBuilder); cloning shares it.
///
/// `Debug` shows every option and no secret.
#[derive(Debug, Clone)]
pub struct ClientConfig(Arc<Settings>);

/// Every option, as set or by default. The builder fills it, `build` checks it.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) controller_address: ControllerAddress,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) retry: RetryPolicy,
    pub(crate) limits: Limits,
}

/// The options that are plain numbers and times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) request_timeout: Duration,
    pub(crate) operation_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) hello_timeout: Duration,
    pub(crate) keep_alive_interval: Duration,
    pub(crate) connection_idle_timeout: Duration,
    pub(crate) max_connections_per_endpoint: usize,
    pub(crate) max_unacked_bytes: usize,
    pub(crate) max_read_ahead_bytes: usize,
}

impl ClientConfig {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// The controllers and how to speak to them.
    #[must_use]
    pub fn controller_address(&self) -> &ControllerAddress {
        &self.0.controller_address
    }

    /// True when controllers and segment stores are spoken to over TLS.
    #[must_use]
    pub fn is_tls_enabled(&self) -> bool {
        self.0.tls.is_some()
    }

    /// Whom to trust, when TLS is on; `None` in plain text.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsConfig> {
        self.0.tls.as_ref()
    }

    /// What to send in the `authorization` header of controller calls; `None` sends no header.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.0.credentials.as_ref()
    }

    /// How failed attempts are spaced and counted.
    #[must_use]
    pub fn retry(&self) -> &RetryPolicy {
        &self.0.retry
    }

    /// The longest wait for the reply to one request or controller call, a single attempt.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        self.0.limits.request_timeout
    }

    /// The longest wait of one operation of the user, with all its attempts.
    #[must_use]
    pub fn operation_timeout(&self) -> Duration {
        self.0.limits.operation_timeout
    }

    /// The longest wait for a connection to be made, TLS handshake included.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.0.limits.connect_timeout
    }

    /// The longest wait for the peer's hello on a new connection.
    #[must_use]
    pub fn hello_timeout(&self) -> Duration {
        self.0.limits.hello_timeout
    }

    /// After this long without a byte from the peer a keep-alive is sent; after three times as long the
    /// peer counts as dead.
    #[must_use]
    pub fn keep_alive_interval(&self) -> Duration {
        self.0.limits.keep_alive_interval
    }

    /// How long a connection that nobody uses stays open.
    #[must_use]
    pub fn connection_idle_timeout(&self) -> Duration {
        self.0.limits.connection_idle_timeout
    }

    /// The most connections to one segment store.
    #[must_use]
    pub fn max_connections_per_endpoint(&self) -> usize {
        self.0.limits.max_connections_per_endpoint
    }

    /// The most bytes a writer holds that are not acknowledged, waiting and sent together.
    #[must_use]
    pub fn max_unacked_bytes(&self) -> usize {
        self.0.limits.max_unacked_bytes
    }

    /// The most bytes a reader asks for and holds ahead of its user.
    #[must_use]
    pub fn max_read_ahead_bytes(&self) -> usize {
        self.0.limits.max_read_ahead_bytes
    }
}
