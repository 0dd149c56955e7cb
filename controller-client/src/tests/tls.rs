//! T4: a peer is trusted for a reason, or not at all.

use std::net::SocketAddr;

use pravega_client_config::{RetryPolicy, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tonic::transport::{Identity, Server, ServerTlsConfig};

use super::peer::{Peer, config, scope, status};
use crate::{ControllerClient, ControllerError};

/// An authority, and a server that it certified for `name`.
async fn serve(name: &str) -> (SocketAddr, String, Peer) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let identity = Identity::from_pem(certificate.pem(), key.serialize_pem());

    let peer = Peer::default();
    peer.on("createScope", [status(0)]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = futures::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(socket, _)| socket);
        Some((accepted, listener))
    });
    let server = Server::builder()
        .tls_config(ServerTlsConfig::new().identity(identity))
        .unwrap()
        .add_service(peer.service());
    tokio::spawn(server.serve_with_incoming(incoming));
    (address, authority.pem(), peer)
}

fn client(uri: &str, tls: TlsOptions) -> ControllerClient {
    ControllerClient::new(&config(uri).tls(tls).build().unwrap()).unwrap()
}

fn trusting(authority: &str) -> TlsOptions {
    TlsOptions::default().ca_pem(authority).system_roots(false)
}

#[tokio::test]
async fn t4_a_certified_peer_is_reached_by_name_and_by_expected_name() {
    let (address, authority, _peer) = serve("localhost").await;
    let uri = format!("tls://localhost:{}", address.port());
    assert!(
        client(&uri, trusting(&authority))
            .create_scope(&scope())
            .await
            .unwrap()
    );
    // Together with whatever the machine trusts, which may be nobody.
    let both = TlsOptions::default().ca_pem(&authority);
    assert!(client(&uri, both).create_scope(&scope()).await.unwrap());

    let (address, authority, _peer) = serve("controller.example").await;
    let uri = format!("tls://{address}");
    let expecting = trusting(&authority).server_name("controller.example");
    assert!(
        client(&uri, expecting)
            .create_scope(&scope())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn t4_an_unknown_authority_and_a_wrong_name_are_final() {
    let (address, authority, peer) = serve("controller.example").await;
    let (_, other_authority, _) = serve("controller.example").await;
    let uri = format!("tls://{address}");
    let cases = [
        trusting(&other_authority).server_name("controller.example"),
        trusting(&authority).server_name("other.example"),
        trusting(&authority),
    ];
    for tls in cases {
        let error = client(&uri, tls).create_scope(&scope()).await.unwrap_err();
        assert!(
            matches!(error, ControllerError::Untrusted { .. }),
            "{error:?}"
        );
        assert!(!error.is_retryable() && !error.may_have_taken_effect());
        assert_eq!(error.call().unwrap().attempts(), 1);
        // The reason is told.
        let reason = format!("{error:?}");
        assert!(
            reason.contains("certificate") || reason.contains("Certificate"),
            "{reason}"
        );
    }
    assert!(peer.asked().is_empty());
}

/// Plain text and TLS never meet half-way.
#[tokio::test]
async fn t4_there_is_no_way_back_to_plain_text() {
    let (address, _, peer) = serve("localhost").await;
    let retry = RetryPolicy::default().with_max_attempts(2);
    let config = config(&format!("tcp://{address}"))
        .retry(retry)
        .build()
        .unwrap();
    let error = ControllerClient::new(&config)
        .unwrap()
        .create_scope(&scope())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ControllerError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(peer.asked().is_empty());
}
