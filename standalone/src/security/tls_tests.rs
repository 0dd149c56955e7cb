//! Certificates of the server, and slow handshakes.

use futures::{channel::mpsc, pin_mut};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::{Instant, sleep_until},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version},
};

use super::*;

struct Made {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

fn made() -> Made {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Made {
        certificate: cert.pem(),
        key: signing_key.serialize_pem(),
        der: cert.der().clone(),
    }
}

fn tls(made: &Made) -> ServerTls {
    ServerTls::from_pem(made.certificate.as_bytes(), made.key.as_bytes()).unwrap()
}

fn connector(made: &Made, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(made.der.clone()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[test]
fn t5_what_is_no_certificate_or_no_key_is_an_error_at_the_start() {
    let (one, other) = (made(), made());
    let load = |certificate: &str, key: &str| {
        ServerTls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err()
    };
    let damaged = one.certificate.replace("MI", "!!");
    assert!(matches!(load("", &one.key), TlsError::NoCertificate));
    assert!(matches!(load("text", &one.key), TlsError::NoCertificate));
    assert!(matches!(load(&one.key, &one.key), TlsError::NoCertificate));
    assert!(matches!(
        load(&damaged, &one.key),
        TlsError::BadCertificate { .. }
    ));
    assert!(matches!(load(&one.certificate, ""), TlsError::NoKey { .. }));
    assert!(matches!(
        load(&one.certificate, &one.certificate),
        TlsError::NoKey { .. }
    ));
    assert!(matches!(
        load(&one.certificate, &other.key),
        TlsError::Unusable { .. }
    ));
    let folder = tempfile::tempdir().unwrap();
    let missing = ServerTls::from_files(folder.path().join("a"), folder.path().join("b"));
    assert!(matches!(missing, Err(TlsError::ReadPem { .. })));
}

#[test]
fn t84_debug_and_errors_show_no_key() {
    let made = made();
    let secret = made.key.lines().nth(1).unwrap();
    let shown = format!("{:?}", tls(&made));
    assert!(!shown.contains(secret), "{shown}");
    let damaged = made.key.replace("END", "DNE");
    let error = ServerTls::from_pem(made.certificate.as_bytes(), damaged.as_bytes()).unwrap_err();
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(!shown.contains(secret), "{shown}");
}

/// Connections that a test makes, and those that come out of their handshakes.
fn door(
    made: &Made,
) -> (
    mpsc::UnboundedSender<io::Result<DuplexStream>>,
    impl Stream<Item = io::Result<TlsStream<DuplexStream>>>,
) {
    let (callers, incoming) = mpsc::unbounded();
    (callers, secured(incoming, tls(made).bare()))
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken() {
    let made = made();
    for (version, number) in [
        (&version::TLS12, ProtocolVersion::TLSv1_2),
        (&version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let (callers, secured) = door(&made);
        pin_mut!(secured);
        let (near, far) = duplex(16 * 1024);
        callers.unbounded_send(Ok(far)).unwrap();
        let connecting = connector(&made, &[version]);
        let connecting = connecting.connect("localhost".try_into().unwrap(), near);
        let (client, server) = tokio::join!(connecting, secured.next());
        let (mut client, mut server) = (client.unwrap(), server.unwrap().unwrap());
        assert_eq!(server.get_ref().1.protocol_version(), Some(number));
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
    }
}

#[tokio::test]
async fn t6_an_end_without_a_close_notice_is_an_error_and_not_the_end() {
    let made = made();
    let (callers, secured) = door(&made);
    pin_mut!(secured);
    let (near, far) = duplex(16 * 1024);
    callers.unbounded_send(Ok(far)).unwrap();
    let connecting = connector(&made, &[&version::TLS13]);
    let connecting = connecting.connect("localhost".try_into().unwrap(), near);
    let (client, server) = tokio::join!(connecting, secured.next());
    drop(client.unwrap());
    let error = server
        .unwrap()
        .unwrap()
        .read(&mut [0; 8])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test(start_paused = true)]
async fn a2_a_handshake_has_ten_seconds_and_holds_up_nobody() {
    let made = made();
    let (callers, secured) = door(&made);
    pin_mut!(secured);
    let begun = Instant::now();
    let (mut silent, far) = duplex(16 * 1024);
    callers.unbounded_send(Ok(far)).unwrap();
    let (near, far) = duplex(16 * 1024);
    callers.unbounded_send(Ok(far)).unwrap();
    let connecting = connector(&made, &[&version::TLS13]);
    let connecting = connecting.connect("localhost".try_into().unwrap(), near);
    let (client, server) = tokio::join!(connecting, secured.next());
    assert!(client.is_ok() && server.unwrap().is_ok());
    assert!(begun.elapsed() < HANDSHAKE_TIMEOUT);
    let tick = Duration::from_millis(1);
    let mut byte = [0; 1];
    for (at, is_open) in [
        (HANDSHAKE_TIMEOUT - tick, true),
        (HANDSHAKE_TIMEOUT + tick, false),
    ] {
        tokio::select! {
            biased;
            _ = secured.next() => panic!("nobody has finished"),
            read = silent.read(&mut byte) => assert!(!is_open && read.unwrap() == 0),
            () = sleep_until(begun + at) => assert!(is_open),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a4_handshakes_are_bounded_in_number() {
    let made = made();
    let (callers, secured) = door(&made);
    pin_mut!(secured);
    let mut silent = Vec::new();
    for _ in 0..MAX_HANDSHAKES {
        let (near, far) = duplex(1_024);
        callers.unbounded_send(Ok(far)).unwrap();
        silent.push(near);
    }
    // Who connects stays: the server may have something to say after the handshake.
    let connect = |near| {
        let connecting = connector(&made, &[&version::TLS13]);
        connecting.connect("localhost".try_into().unwrap(), near)
    };
    let (near, far) = duplex(16 * 1024);
    callers.unbounded_send(Ok(far)).unwrap();
    let begun = Instant::now();
    // One too many waits until the others have had their time; with one fewer it need not.
    let (connected, next) = tokio::join!(connect(near), secured.next());
    assert!(connected.is_ok() && next.unwrap().is_ok());
    assert_eq!(begun.elapsed().as_secs(), HANDSHAKE_TIMEOUT.as_secs());
    silent.clear();
    for _ in 0..MAX_HANDSHAKES - 1 {
        let (near, far) = duplex(1_024);
        callers.unbounded_send(Ok(far)).unwrap();
        silent.push(near);
    }
    let (near, far) = duplex(16 * 1024);
    callers.unbounded_send(Ok(far)).unwrap();
    let begun = Instant::now();
    let (connected, next) = tokio::join!(connect(near), secured.next());
    assert!(connected.is_ok() && next.unwrap().is_ok());
    assert_eq!(begun.elapsed().as_secs(), 0);
}
