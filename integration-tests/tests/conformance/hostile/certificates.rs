//! T83: five ways in which a TLS connection must not come about, and five errors that tell them apart.

use std::{error::Error, io, net::SocketAddr, sync::Arc};

use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, ConfigError, ScopedSegment, SegmentError, TlsOptions,
};
use pravega_controller_client::ControllerError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, CertificateError, ServerConfig, crypto, pki_types::PrivatePkcs8KeyDer},
};

use crate::support::{short_of_time, story};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate of this authority for `localhost`, unless `change` says otherwise.
fn certified(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Where the controller is looked for, and a task that does `serve` to each connection.
async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    address
}

async fn listen_with(acceptor: TlsAcceptor) -> SocketAddr {
    listen(move |socket| {
        let acceptor = acceptor.clone();
        async move {
            // Whether the handshake succeeds is the client's affair.
            acceptor.accept(socket).await.ok();
        }
    })
    .await
}

/// What a program is told that opens a writer on a controller there.
async fn error_at(address: SocketAddr, authority: &Authority) -> SegmentError {
    let trust = TlsOptions::default()
        .system_roots(false)
        .ca_pem(authority.pem());
    let config = ClientConfigBuilder::default()
        .controller_uri(format!("tls://localhost:{}", address.port()))
        .tls(trust);
    let factory = ClientFactory::new(short_of_time(config).build().unwrap());
    let segment = ScopedSegment::from("scope/stream/0");
    let error = factory.open_byte_writer(segment).await.err().unwrap();
    factory.shutdown().await;
    error
}

/// Why there was no connection: what the TLS library said, behind the error of the controller's client.
fn reason(error: &SegmentError) -> rustls::Error {
    let mut is_untrusted = false;
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        is_untrusted |= matches!(
            error.downcast_ref(),
            Some(ControllerError::Untrusted { .. })
        );
        let io = error.downcast_ref::<io::Error>();
        if let Some(reason) = io.and_then(|io| io.get_ref()?.downcast_ref()) {
            assert!(is_untrusted, "{error:?}");
            return rustls::Error::clone(reason);
        }
        next = error.source();
    }
    panic!("no reason in {error:?}")
}

fn secure() -> ClientConfigBuilder {
    ClientConfigBuilder::default().controller_uri("tls://localhost:9090")
}

#[test]
fn t83_a_missing_file_of_authorities_is_an_error_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("ca.pem");
    let options = TlsOptions::default().ca_file(&missing);
    let error = secure().tls(options).build().unwrap_err();
    assert!(
        matches!(&error, ConfigError::ReadAuthority { path, .. } if *path == missing),
        "{error:?}"
    );
    assert!(story(&error).contains("ca.pem"));
}

#[test]
fn t83_a_file_that_is_not_pem_is_an_error_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for (text, is_pem) in [
        (
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
            false,
        ),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n", false),
        ("nothing of the kind", true),
        ("", true),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = secure()
            .tls(TlsOptions::default().ca_file(&file))
            .build()
            .unwrap_err();
        match is_pem {
            true => assert!(
                matches!(error, ConfigError::NoCertificate { .. }),
                "{error:?}"
            ),
            false => assert!(
                matches!(error, ConfigError::BadPem { .. }),
                "{text:?}: {error:?}"
            ),
        }
        assert!(story(&error).contains("ca.pem"));
    }
}

#[tokio::test]
async fn t83_a_certificate_for_another_name_is_not_trusted() {
    let authority = authority();
    let other = |params: &mut CertificateParams| {
        *params = CertificateParams::new(vec!["elsewhere".to_owned()]).unwrap();
    };
    let address = listen_with(certified(&authority, other)).await;
    let error = error_at(address, &authority).await;
    let reason = reason(&error);
    assert!(
        matches!(
            reason,
            rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
        ),
        "{reason:?}"
    );
}

#[tokio::test]
async fn t83_an_expired_certificate_is_not_trusted() {
    let authority = authority();
    let expired =
        |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let address = listen_with(certified(&authority, expired)).await;
    let error = error_at(address, &authority).await;
    let reason = reason(&error);
    assert!(
        matches!(
            reason,
            rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. })
        ),
        "{reason:?}"
    );
}

#[tokio::test]
async fn t83_a_plain_server_is_told_and_never_spoken_to_in_plain_text() {
    let address = listen(|mut socket| async move {
        let mut first = [0; 1];
        socket.read_exact(&mut first).await.unwrap();
        // The first byte of a handshake, and nothing of a request.
        assert_eq!(first, [0x16]);
        socket
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let error = error_at(address, &authority()).await;
    let reason = reason(&error);
    assert!(
        matches!(reason, rustls::Error::InvalidMessage(_)),
        "{reason:?}"
    );
    assert!(story(&error).contains(&address.port().to_string()));
}
