//! TLS on a TCP connection: whom to trust, which name to expect, and what a failure means.

use std::{fmt, io, sync::Arc};

use pravega_client_config::TlsConfig;
use pravega_client_shared::Endpoint;
use snafu::{IntoError, OptionExt, ensure};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, CertificateError, RootCertStore, crypto,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{
    Cause, ConnectError, Dialed, TlsFailure,
    error::connect::{NoAuthoritySnafu, ServerNameSnafu, TlsSetupSnafu, TlsSnafu},
};

/// TLS settings that have been checked. Certificates and names are always verified.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    /// The name every certificate must carry; none for the host that is dialled.
    expected_name: Option<ServerName<'static>>,
}

impl Tls {
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, ConnectError> {
        let roots = roots(config)?;
        let expected_name = config
            .server_name()
            .map(|name| ServerName::try_from(name.to_owned()))
            .transpose()
            .map_err(setup_error)?;
        let provider = Arc::new(crypto::ring::default_provider());
        let settings = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(setup_error)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(settings)),
            expected_name,
        })
    }

    pub(crate) async fn handshake(
        &self,
        endpoint: &Endpoint,
        stream: TcpStream,
    ) -> Result<Dialed, ConnectError> {
        let name = self
            .expected_name
            .clone()
            .or_else(|| ServerName::try_from(endpoint.host().to_owned()).ok())
            .with_context(|| ServerNameSnafu {
                endpoint: endpoint.clone(),
            })?;
        match self.connector.connect(name, stream).await {
            Ok(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                Ok(Dialed::new(reader, writer))
            }
            Err(error) => Err(TlsSnafu {
                endpoint: endpoint.clone(),
                failure: classify(&error),
            }
            .into_error(error)),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("expected_name", &self.expected_name)
            .finish_non_exhaustive()
    }
}

fn roots(config: &TlsConfig) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(config.ca_pem()) {
        let certificate = certificate.map_err(setup_error)?;
        roots.add(certificate).map_err(setup_error)?;
    }
    if config.system_roots() {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(name: "tls.authority_unreadable", %error, "a certificate authority of the system cannot be read");
        }
        // Systems carry odd certificates; what TLS cannot use is no reason to trust nobody.
        let (_, unusable) = roots.add_parsable_certificates(found.certs);
        if unusable > 0 {
            tracing::debug!(name: "tls.authorities_left_out", unusable, "certificate authorities of the system left out");
        }
    }
    ensure!(!roots.is_empty(), NoAuthoritySnafu);
    Ok(roots)
}

fn setup_error(error: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
    let cause: Cause = Arc::new(error);
    TlsSetupSnafu.into_error(cause)
}

/// What a failed handshake means to the user.
fn classify(error: &io::Error) -> TlsFailure {
    let Some(inner) = error.get_ref() else {
        return TlsFailure::Broken;
    };
    match inner.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(error)) => classify_certificate(error),
        Some(rustls::Error::InvalidMessage(_)) => TlsFailure::NotTls,
        Some(rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_)) => {
            TlsFailure::Refused
        }
        Some(rustls::Error::NoCertificatesPresented) => TlsFailure::BadCertificate,
        Some(_) | None => TlsFailure::Broken,
    }
}

fn classify_certificate(error: &CertificateError) -> TlsFailure {
    match error {
        CertificateError::UnknownIssuer => TlsFailure::UnknownAuthority,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongName
        }
        _ => TlsFailure::BadCertificate,
    }
}
