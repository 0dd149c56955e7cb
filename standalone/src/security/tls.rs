//! TLS for both ports: the server's certificate, and handshakes that take no time from others.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::{Stream, StreamExt as _, future};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::zeroize::Zeroizing;
use snafu::{IntoError as _, ResultExt as _, Snafu, ensure};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, crypto},
    server::TlsStream,
};
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

/// How long a handshake may take.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Handshakes of one port at the same time; further connections wait in the system's backlog.
pub(crate) const MAX_HANDSHAKES: usize = 128;

/// A library's error, which is no type of ours to show.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The certificate that a server shows, and its private key: for
/// [`StandaloneBuilder::tls`](crate::StandaloneBuilder::tls).
///
/// TLS 1.2 and 1.3 are spoken; clients show no certificates. Cloning shares everything.
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

/// Why a certificate cannot be used. Shows nothing of the key.
#[derive(Debug, Snafu)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[snafu(display("cannot read {}", path.display()))]
    ReadPem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate where it should be.
    #[snafu(display("there is no PEM certificate"))]
    NoCertificate,
    /// A certificate is damaged.
    #[snafu(display("a certificate is no PEM text"))]
    BadCertificate {
        /// Where.
        source: Cause,
    },
    /// There is no key where it should be, or it is damaged.
    #[snafu(display("there is no PEM private key"))]
    NoKey {
        /// Why.
        source: Cause,
    },
    /// Certificate and key cannot be used together.
    #[snafu(display("the certificate and its key cannot be used"))]
    Unusable {
        /// Why.
        source: Cause,
    },
}

impl ServerTls {
    /// Takes a certificate, with those of the authorities between it and the root behind it, and its key, both
    /// as PEM texts.
    ///
    /// # Errors
    /// [`TlsError`] when one of them is none, or the key is of another certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|error| BadCertificateSnafu.into_error(Cause::from(error)))?;
        ensure!(!certificates.is_empty(), NoCertificateSnafu);
        let key = PrivateKeyDer::from_pem_slice(key);
        let key = key.map_err(|error| NoKeySnafu.into_error(Cause::from(error)))?;
        let unusable = |error: rustls::Error| UnusableSnafu.into_error(Cause::from(error));
        // Named, and not the default of the process: two libraries in it may differ about that.
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(unusable)?;
        Ok(Self(Arc::new(config)))
    }

    /// The same from two files, which are read once.
    ///
    /// # Errors
    /// [`TlsError`] as for [`from_pem`](Self::from_pem), or when a file cannot be read.
    pub fn from_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            let text = fs::read(path).map(Zeroizing::new);
            text.context(ReadPemSnafu { path })
        };
        Self::from_pem(&read(certificates.as_ref())?, &read(key.as_ref())?)
    }

    /// For the controller, whose clients ask for HTTP/2 by name.
    pub(crate) fn http2(&self) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&self.0);
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// For the segment store, whose protocol has no name.
    pub(crate) fn bare(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls(redacted)")
    }
}

/// The connections that come out of handshakes with those that come in. Who fails, or takes too long, is gone.
///
/// Handshakes go on in tasks of their own, also while nobody asks for the next connection.
pub(crate) fn secured<S>(
    incoming: impl Stream<Item = io::Result<S>> + Send,
    acceptor: TlsAcceptor,
) -> impl Stream<Item = io::Result<TlsStream<S>>> + Send
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shake = move |incoming: io::Result<S>| {
        let begun = incoming.map(|socket| {
            let shaking = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(socket));
            AbortOnDropHandle::new(tokio::spawn(shaking))
        });
        async move {
            match begun {
                Err(error) => Some(Err(error)),
                Ok(begun) => match begun.await {
                    Ok(Ok(Ok(socket))) => Some(Ok(socket)),
                    Ok(Ok(Err(error))) => {
                        debug!(name: "server.handshake_failed", %error, "a handshake failed");
                        None
                    }
                    Ok(Err(_)) | Err(_) => {
                        debug!(name: "server.handshake_slow", "a handshake took too long");
                        None
                    }
                },
            }
        }
    };
    incoming
        .map(shake)
        .buffer_unordered(MAX_HANDSHAKES)
        .filter_map(future::ready)
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
