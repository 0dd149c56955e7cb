//! Dialling over TCP, with TLS inside when the address asks for it.

use std::{io, net::SocketAddr, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use pravega_client_config::ClientConfig;
use pravega_client_shared::Endpoint;
use snafu::{IntoError, OptionExt, ResultExt};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout_at},
};

use crate::{
    ConnectError, ConnectStep, Dial, Dialed,
    error::connect::{NoAddressSnafu, ResolveSnafu, TimeoutSnafu, UnreachableSnafu},
    limits::{MAX_ADDRESSES, MIN_ADDRESS_SHARE},
    tls::Tls,
};

/// Connects over TCP: resolves the name, tries every address in turn, switches Nagle's delay off, and
/// does the TLS handshake when the configuration is one for TLS. There is no fall-back to plain text.
///
/// All of it happens within the configured `connect_timeout`. Each address gets an equal share of what is
/// left, so that a first address that swallows packets leaves time for the next.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    timeout: Duration,
    tls: Option<Tls>,
}

impl TcpDialer {
    /// A dialer with the configuration's time-out and TLS settings. Reads the system's certificate
    /// authorities when TLS is on.
    ///
    /// # Errors
    /// [`ConnectError::TlsSetup`] or [`ConnectError::NoAuthority`] when nobody can be trusted.
    pub fn new(config: &ClientConfig) -> Result<Self, ConnectError> {
        Ok(Self {
            timeout: config.connect_timeout(),
            tls: config.tls().map(Tls::new).transpose()?,
        })
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<Dialed, ConnectError> {
        let deadline = Instant::now() + self.timeout;
        let addresses = self.resolve(endpoint, deadline).await?;
        let stream = self.connect_first(endpoint, &addresses, deadline).await?;
        let Some(tls) = &self.tls else {
            let (reader, writer) = stream.into_split();
            return Ok(Dialed::new(reader, writer));
        };
        let handshake = tls.handshake(endpoint, stream);
        match timeout_at(deadline, handshake).await {
            Ok(dialed) => dialed,
            Err(_elapsed) => self.out_of_time(endpoint, ConnectStep::Tls),
        }
    }

    async fn resolve(
        &self,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let lookup = lookup_host((endpoint.host(), endpoint.port()));
        let Ok(found) = timeout_at(deadline, lookup).await else {
            return self.out_of_time(endpoint, ConnectStep::Resolve);
        };
        let found = found.context(ResolveSnafu {
            endpoint: endpoint.clone(),
        })?;
        let mut addresses = Vec::new();
        for address in found {
            if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    /// Connects to the first address that takes a connection.
    async fn connect_first(
        &self,
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, ConnectError> {
        let mut last_error = None;
        for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
            match connect_until(*address, share(deadline, left)).await {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => {
                    tracing::debug!(name: "connection.address_refused", %endpoint, %address, %error, "address did not take the connection");
                    last_error = Some(error);
                }
                None => {
                    tracing::debug!(name: "connection.address_silent", %endpoint, %address, "address did not answer in time")
                }
            }
        }
        let endpoint = endpoint.clone();
        let tried = addresses.len();
        addresses.first().context(NoAddressSnafu {
            endpoint: endpoint.clone(),
        })?;
        match last_error {
            Some(error) => Err(UnreachableSnafu {
                endpoint,
                addresses: tried,
            }
            .into_error(error)),
            None => self.out_of_time(&endpoint, ConnectStep::Tcp),
        }
    }

    fn out_of_time<T>(&self, endpoint: &Endpoint, step: ConnectStep) -> Result<T, ConnectError> {
        TimeoutSnafu {
            endpoint: endpoint.clone(),
            step,
            after: self.timeout,
        }
        .fail()
    }
}

impl Dial for TcpDialer {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        self.connect(endpoint).boxed()
    }
}

/// Until when one of `left` addresses may be tried.
fn share(deadline: Instant, left: usize) -> Instant {
    let now = Instant::now();
    let rest = deadline.saturating_duration_since(now);
    let share = rest / u32::try_from(left).unwrap_or(u32::MAX).max(1);
    deadline.min(now + share.max(MIN_ADDRESS_SHARE))
}

async fn connect_until(address: SocketAddr, until: Instant) -> Option<io::Result<TcpStream>> {
    let connect = async {
        let stream = TcpStream::connect(address).await?;
        // Requests are whole when they are written; waiting for more to fill a segment only costs time.
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    timeout_at(until, connect).await.ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn dialer() -> TcpDialer {
        TcpDialer {
            timeout: Duration::from_secs(30),
            tls: None,
        }
    }

    async fn refusing_address() -> SocketAddr {
        // The port was ours a moment ago, and nobody listens on it now.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn n8_tries_the_next_address_when_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let addresses = [refusing_address().await, good];
        let endpoint = "localhost:1".parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let stream = dialer()
            .connect_first(&endpoint, &addresses, deadline)
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn n8_names_the_last_error_when_all_addresses_refuse() {
        let addresses = [refusing_address().await, refusing_address().await];
        let endpoint = "localhost:1".parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let result = dialer()
            .connect_first(&endpoint, &addresses, deadline)
            .await;
        let error = result.unwrap_err();
        assert!(error.is_retryable());
        let ConnectError::Unreachable {
            addresses, source, ..
        } = error
        else {
            panic!("unexpected error");
        };
        assert_eq!(addresses, 2);
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_an_error() {
        let endpoint = "localhost:1".parse().unwrap();
        let result = dialer().connect_first(&endpoint, &[], Instant::now()).await;
        assert!(matches!(result, Err(ConnectError::NoAddress { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_gets_a_share_and_none_goes_beyond_the_deadline() {
        let deadline = Instant::now() + Duration::from_secs(4);
        assert_eq!(share(deadline, 4), Instant::now() + Duration::from_secs(1));
        assert_eq!(share(deadline, 1), deadline);
        assert_eq!(share(deadline, 1_000), Instant::now() + MIN_ADDRESS_SHARE);
        assert_eq!(share(Instant::now(), 3), Instant::now());
    }
}
