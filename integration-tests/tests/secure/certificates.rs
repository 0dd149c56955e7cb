//! Certificates that no client accepts, and servers that do not start.

use std::{io, net::SocketAddr};

use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, ControllerError, Credentials, RetryPolicy, ScopedStream,
    TlsOptions,
};
use pravega_standalone::{ServerTls, Standalone, StartError};
use pravega_wire_protocol::{Hello, Request};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{Authority, OWNER, PASSWORD, accounts, authority, certificate};

/// What a server shows, the name it is called by, and whether its client trusts our authority.
struct Case {
    what: &'static str,
    tls: ServerTls,
    expected: Option<&'static str>,
    trusted: String,
}

type Change = fn(&mut CertificateParams);

/// A certificate of this authority for `localhost`, with one thing changed.
fn changed(authority: &Authority, change: Change) -> ServerTls {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    ServerTls::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
}

fn names(params: &mut CertificateParams, names: &[&str]) {
    let names = names
        .iter()
        .map(|name| (*name).to_owned())
        .collect::<Vec<_>>();
    params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
}

const CHANGES: [(&str, Change); 14] = [
    ("of long ago", |it| it.not_after = date_time_ymd(2001, 1, 1)),
    ("that ended at the epoch", |it| {
        (it.not_before, it.not_after) = (date_time_ymd(1969, 1, 1), date_time_ymd(1970, 1, 1));
    }),
    ("of the future", |it| {
        it.not_before = date_time_ymd(3000, 1, 1)
    }),
    ("that ends before it begins", |it| {
        (it.not_before, it.not_after) = (date_time_ymd(2030, 1, 1), date_time_ymd(2020, 1, 1));
    }),
    ("for another name", |it| names(it, &["elsewhere"])),
    ("for a name that begins alike", |it| {
        names(it, &["localhost.example"])
    }),
    ("for a name that ends alike", |it| {
        names(it, &["example.localhost"])
    }),
    ("for every name of a domain", |it| {
        names(it, &["*.localhost"])
    }),
    ("for another address", |it| names(it, &["10.0.0.1"])),
    ("for no name", |it| names(it, &[])),
    ("with the name in the subject only", |it| {
        names(it, &[]);
        it.distinguished_name
            .push(rcgen::DnType::CommonName, "localhost");
    }),
    ("for clients only", |it| {
        it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }),
    ("for signing code", |it| {
        it.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    }),
    ("of an authority, not of a server", |it| {
        it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        it.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }),
];

/// Signed by somebody who is no authority, or by one that nobody knows.
fn foreign(ours: &Authority) -> Vec<Case> {
    let case = |what, tls, trusted: String| Case {
        what,
        tls,
        expected: None,
        trusted,
    };
    let other = authority();
    let signed = |authority: &Authority| certificate(authority);
    let leaf = |change: Change| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), ours).unwrap()
    };
    let below = |middle: &Authority| {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let end = params.signed_by(&key, middle).unwrap();
        let chain = format!("{}{}", end.pem(), middle.pem());
        ServerTls::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    };
    let alone = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let alone = ServerTls::from_pem(
        alone.cert.pem().as_bytes(),
        alone.signing_key.serialize_pem().as_bytes(),
    );
    let no_authority = leaf(|_| {});
    let expired = leaf(|it| {
        it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        it.not_after = date_time_ymd(2001, 1, 1);
    });
    let missing = leaf(|it| it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    vec![
        case("of an unknown authority", signed(&other), ours.pem()),
        case(
            "of ours, where another is trusted",
            signed(ours),
            other.pem(),
        ),
        case("of itself", alone.unwrap(), ours.pem()),
        case("below a server's", below(&no_authority), ours.pem()),
        case(
            "below an authority that has expired",
            below(&expired),
            ours.pem(),
        ),
        case(
            "below an authority that is not shown",
            signed(&missing),
            ours.pem(),
        ),
        Case {
            expected: Some("store.example"),
            ..case(
                "for another name than the one expected",
                signed(ours),
                ours.pem(),
            )
        },
    ]
}

async fn refusal(case: Case) -> ControllerError {
    let server = Standalone::builder()
        .memory()
        .tls(case.tls)
        .accounts(accounts());
    let server = server.start().await.unwrap();
    let mut trust = TlsOptions::default()
        .system_roots(false)
        .ca_pem(case.trusted);
    if let Some(name) = case.expected {
        trust = trust.server_name(name);
    }
    let config = ClientConfigBuilder::default()
        .controller_uri(server.controller_uri())
        .tls(trust)
        .credentials(Credentials::basic(OWNER, PASSWORD))
        .retry(RetryPolicy::default())
        .build()
        .unwrap();
    let factory = ClientFactory::new(config);
    let stream: ScopedStream = "some/stream".parse().unwrap();
    let controller = factory.controller().unwrap();
    let error = controller.stream_exists(&stream).await.unwrap_err();
    factory.shutdown().await;
    error
}

#[tokio::test]
async fn t4_t83_twenty_bad_certificates_are_refused_at_once() {
    let ours = authority();
    let mut cases: Vec<Case> = CHANGES
        .map(|(what, change)| Case {
            what,
            tls: changed(&ours, change),
            expected: None,
            trusted: ours.pem(),
        })
        .into();
    cases.extend(foreign(&ours));
    assert!(cases.len() >= 20, "{}", cases.len());
    for case in cases {
        let what = case.what;
        let error = refusal(case).await;
        assert!(
            matches!(error, ControllerError::Untrusted { .. }),
            "{what}: {error:?}"
        );
        assert!(!error.is_retryable(), "{what}");
    }
}

#[tokio::test]
async fn a5_passwords_without_tls_are_served_on_loopback_only() {
    let start = |controller: &str, store: &str, tls: Option<ServerTls>| {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let builder = Standalone::builder()
            .accounts(accounts())
            .controller_listen(parse(controller))
            .store_listen(parse(store));
        match tls {
            Some(tls) => builder.tls(tls).start(),
            None => builder.start(),
        }
    };
    let (here, everywhere) = ("127.0.0.1:0", "0.0.0.0:0");
    assert!(start(here, here, None).await.is_ok());
    for (controller, store) in [
        (everywhere, here),
        (here, everywhere),
        (everywhere, everywhere),
    ] {
        let error = start(controller, store, None).await.unwrap_err();
        assert!(
            matches!(error, StartError::PlainPasswords { .. }),
            "{error:?}"
        );
    }
    let tls = certificate(&authority());
    let server = start(everywhere, everywhere, Some(tls)).await.unwrap();
    assert!(server.controller_uri().starts_with("tls://localhost:"));
    server.shutdown().await;
}

#[tokio::test]
async fn t4_a_plain_client_at_a_tls_server_is_an_error_and_sends_no_password() {
    let server = Standalone::builder()
        .memory()
        .tls(certificate(&authority()));
    let server = server.start().await.unwrap();
    let socket = tokio::net::TcpStream::connect(server.store_addr())
        .await
        .unwrap();
    // What a plain client says first is no handshake: the store closes.
    let hello = Request::from(Hello::current()).encode_to_bytes().unwrap();
    let (mut from, mut to) = socket.into_split();
    to.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    let ended = from.read_to_end(&mut answer).await;
    let is_over = ended.map_err(|error| error.kind());
    assert!(
        matches!(is_over, Ok(_) | Err(io::ErrorKind::ConnectionReset)),
        "{is_over:?}"
    );
    // An alert of TLS at most, and no hello.
    assert!(answer.len() < 16, "{answer:?}");
    server.shutdown().await;
}
