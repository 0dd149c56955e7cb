//! TLS over loopback: row T4, scenario T83.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use pravega_client_config::{ClientConfig, TlsOptions};
use pravega_client_shared::Endpoint;
use pravega_connection_pool::{
    ConnectError, ConnectStep, Connection, ConnectionError, ConnectionPool, TlsFailure,
};
use pravega_wire_protocol::Hello;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, crypto, pki_types::PrivatePkcs8KeyDer},
};

use crate::support::{LONG, builder, info, info_reply};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "test authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certified(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A client that trusts this authority and nobody else.
fn trusting(authority: &Authority, change: impl FnOnce(TlsOptions) -> TlsOptions) -> ClientConfig {
    let options = TlsOptions::default()
        .system_roots(false)
        .ca_pem(authority.pem());
    builder()
        .controller_uri("tls://localhost:9090")
        .tls(change(options))
        .build()
        .unwrap()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::new("127.0.0.1", address.port().into()).unwrap()
}

/// Connects to a TLS server; the server's side may fail too.
async fn connect(config: &ClientConfig, acceptor: TlsAcceptor) -> Result<Connection, ConnectError> {
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(stream) = acceptor.accept(stream).await {
            serve(stream).await;
        }
    });
    let pool = ConnectionPool::new(config).unwrap();
    let connected = pool.connect(&endpoint(address)).await;
    if let Ok(connection) = &connected {
        assert!(connection.call(info, LONG).await.is_ok());
        pool.shutdown().await;
    }
    serving.await.unwrap();
    connected
}

/// A hello, and the id of the one request behind it, behind 8 bytes of header.
async fn greet<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(stream: &mut S) -> i64 {
    let mut hello = [0; 16];
    stream.read_exact(&mut hello).await.unwrap();
    let answer = pravega_wire_protocol::Reply::from(Hello::current());
    stream
        .write_all(&answer.encode_to_bytes().unwrap())
        .await
        .unwrap();
    stream.flush().await.unwrap();
    let mut request = [0; 34];
    stream.read_exact(&mut request).await.unwrap();
    i64::from_be_bytes(request[8..16].try_into().unwrap())
}

/// A hello, an answer to one request, and patience until the client has gone.
async fn serve<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut stream: S) {
    let id = greet(&mut stream).await;
    let reply = info_reply(id, 1).encode_to_bytes().unwrap();
    stream.write_all(&reply).await.unwrap();
    stream.flush().await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}

fn failure_of(result: Result<Connection, ConnectError>) -> TlsFailure {
    match result {
        Err(error @ ConnectError::Tls { failure, .. }) => {
            assert!(std::error::Error::source(&error).is_some());
            failure
        }
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_for_the_right_name_is_accepted() {
    let authority = authority();
    let config = trusting(&authority, |options| options);
    let connection = connect(&config, certified(&authority, |_| {}))
        .await
        .unwrap();
    assert_eq!(connection.version(), 17);
}

#[tokio::test]
async fn an_expected_name_replaces_the_host_that_is_dialled() {
    let authority = authority();
    let names_a_store = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName(
            "store.internal".try_into().unwrap(),
        )];
    };
    let config = trusting(&authority, |options| options.server_name("store.internal"));
    assert!(
        connect(&config, certified(&authority, names_a_store))
            .await
            .is_ok()
    );
    let config = trusting(&authority, |options| options);
    let refused = connect(&config, certified(&authority, names_a_store)).await;
    assert_eq!(failure_of(refused), TlsFailure::WrongName);
}

#[tokio::test]
async fn t83_an_unknown_authority_is_refused() {
    let config = trusting(&authority(), |options| options);
    let result = connect(&config, certified(&authority(), |_| {})).await;
    assert!(!result.as_ref().unwrap_err().is_retryable());
    let failure = failure_of(result);
    // The two authorities bear one name, so the signature is what tells them apart.
    assert!(
        matches!(
            failure,
            TlsFailure::UnknownAuthority | TlsFailure::BadCertificate
        ),
        "{failure}"
    );
}

#[tokio::test]
async fn t83_an_expired_and_a_future_certificate_are_refused() {
    let authority = authority();
    let config = trusting(&authority, |options| options);
    let expired = certified(&authority, |params| {
        params.not_after = rcgen::date_time_ymd(2001, 1, 1)
    });
    assert_eq!(
        failure_of(connect(&config, expired).await),
        TlsFailure::Expired
    );
    let future = certified(&authority, |params| {
        params.not_before = rcgen::date_time_ymd(4000, 1, 1)
    });
    assert_eq!(
        failure_of(connect(&config, future).await),
        TlsFailure::NotYetValid
    );
}

/// Connects with TLS to a server that does `script` to the plain connection.
async fn connect_to_plain<F>(script: impl FnOnce(TcpStream) -> F + Send + 'static) -> ConnectError
where
    F: Future<Output = ()> + Send,
{
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(stream).await;
    });
    let config = trusting(&authority(), |options| options);
    let pool = ConnectionPool::new(&config).unwrap();
    let error = pool.connect(&endpoint(address)).await.unwrap_err();
    serving.await.unwrap();
    error
}

#[tokio::test]
async fn t83_a_plain_server_is_told_and_not_spoken_to_in_plain_text() {
    let answers = connect_to_plain(|mut stream| async move {
        let answer = pravega_wire_protocol::Reply::from(Hello::current());
        stream
            .write_all(&answer.encode_to_bytes().unwrap())
            .await
            .unwrap();
        let mut first = [0; 1];
        stream.read_exact(&mut first).await.unwrap();
        // The first byte of a TLS handshake record.
        assert_eq!(first, [0x16]);
    });
    assert_eq!(failure_of(Err(answers.await)), TlsFailure::NotTls);
    let closes = connect_to_plain(|mut stream| async move {
        let mut first = [0; 1];
        stream.read_exact(&mut first).await.unwrap();
    });
    let error = closes.await;
    assert!(error.is_retryable());
    assert_eq!(failure_of(Err(error)), TlsFailure::Broken);
}

#[tokio::test]
async fn t6_tls_cut_without_a_close_notice_is_a_lost_connection_and_no_end() {
    let authority = authority();
    let acceptor = certified(&authority, |_| {});
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        // Dropped in the middle of a conversation, which says nothing in TLS.
        greet(&mut stream).await;
    });
    let pool = ConnectionPool::new(&trusting(&authority, |options| options)).unwrap();
    let connection = pool.connect(&endpoint(address)).await.unwrap();
    assert!(connection.call(info, LONG).await.is_err());
    let cause = connection.closed().await;
    assert!(matches!(cause, ConnectionError::Read { .. }), "{cause:?}");
    serving.await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_out_of_time() {
    let (listener, address) = listen().await;
    let options = TlsOptions::default()
        .system_roots(false)
        .ca_pem(authority().pem());
    let config = builder()
        .controller_uri("tls://localhost:9090")
        .tls(options)
        .connect_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let pool = ConnectionPool::new(&config).unwrap();
    let error = pool.connect(&endpoint(address)).await.unwrap_err();
    drop(listener);
    assert!(
        matches!(
            error,
            ConnectError::Timeout {
                step: ConnectStep::Tls,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn t83_a_plain_client_at_a_tls_server_gets_an_error_at_the_hello() {
    let (listener, address) = listen().await;
    let acceptor = certified(&authority(), |_| {});
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
    });
    let pool = ConnectionPool::new(&crate::support::config()).unwrap();
    let error = pool.connect(&endpoint(address)).await.unwrap_err();
    serving.await.unwrap();
    assert!(
        matches!(
            error,
            ConnectError::NotPravega { .. }
                | ConnectError::ClosedBeforeHello { .. }
                | ConnectError::BrokenBeforeHello { .. }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn plain_tcp_connects_calls_and_shuts_down() {
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    let pool = ConnectionPool::new(&crate::support::config()).unwrap();
    let connection = pool.connect(&endpoint(address)).await.unwrap();
    assert!(connection.call(info, LONG).await.is_ok());
    pool.shutdown().await;
    serving.await.unwrap();
}

#[test]
fn t5_an_authority_that_is_no_certificate_is_refused_when_the_pool_is_made() {
    // A DER sequence, so the configuration takes it, and no certificate.
    let pem = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let options = TlsOptions::default().system_roots(false).ca_pem(pem);
    let config = builder()
        .controller_uri("tls://localhost:9090")
        .tls(options)
        .build()
        .unwrap();
    let error = ConnectionPool::new(&config).unwrap_err();
    assert!(matches!(error, ConnectError::TlsSetup { .. }), "{error:?}");
    assert!(error.endpoint().is_none() && !error.is_retryable());
}
