//! A Pravega with TLS, and people who have accounts there.

use std::sync::atomic::{AtomicU64, Ordering};

use pravega_byte_stream::{
    ClientConfig, ClientConfigBuilder, ClientFactory, Credentials, ScopedStream, TlsOptions,
};
use pravega_client_shared::{DelegationToken, ScopedSegment};
use pravega_connection_pool::{Connection, ConnectionPool};
use pravega_controller_client::Access;
use pravega_standalone::{Accounts, ServerTls, Standalone, StandaloneHandle, hash_password};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The variables that name a real one: its address, and the file with the certificate of its authority.
const CONTROLLER: &str = "PRAVEGA_SECURE_CONTROLLER_URI";
const AUTHORITY: &str = "PRAVEGA_SECURE_CA";

/// The password of everybody, as `real-pravega.sh` has it too.
pub(crate) const PASSWORD: &str = "1111_aaaa";

/// Who has an account, and may do what; as `real-pravega.sh` has them too.
pub(crate) const OWNER: &str = "admin";
pub(crate) const READER: &str = "reader";
pub(crate) const NOBODY: &str = "nobody";

const RULES: [(&str, &str); 3] = [
    (OWNER, "prn::*,READ_UPDATE"),
    (READER, "prn::*,READ"),
    (NOBODY, ""),
];

static STREAMS: AtomicU64 = AtomicU64::new(0);

/// The server of one test.
pub(crate) struct House {
    uri: String,
    authority: String,
    /// It ends with the test.
    _server: Option<StandaloneHandle>,
}

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for `localhost` and its key.
pub(crate) fn certificate(authority: &Authority) -> ServerTls {
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    ServerTls::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
}

pub(crate) fn accounts() -> Accounts {
    let hash = hash_password(PASSWORD).unwrap();
    let lines = RULES.map(|(user, rules)| format!("{user}:{hash}:{rules}\n"));
    Accounts::parse(&lines.concat()).unwrap()
}

impl House {
    /// The real one if there is one, or one in this process.
    pub(crate) async fn open() -> Self {
        if let Ok(uri) = std::env::var(CONTROLLER) {
            let path = std::env::var(AUTHORITY).expect("the file of the authority");
            let authority = std::fs::read_to_string(path).unwrap();
            return Self {
                uri,
                authority,
                _server: None,
            };
        }
        let issuer = authority();
        let server = Standalone::builder()
            .memory()
            .tls(certificate(&issuer))
            .accounts(accounts());
        let server = server.start().await.unwrap();
        Self {
            uri: server.controller_uri(),
            authority: issuer.pem(),
            _server: Some(server),
        }
    }

    pub(crate) fn config(&self) -> ClientConfigBuilder {
        let trust = TlsOptions::default()
            .system_roots(false)
            .ca_pem(&*self.authority);
        ClientConfigBuilder::default()
            .controller_uri(&*self.uri)
            .tls(trust)
    }

    pub(crate) fn config_of(&self, user: &str, password: &str) -> ClientConfig {
        let credentials = Credentials::basic(user, password);
        self.config().credentials(credentials).build().unwrap()
    }

    /// What somebody comes with who knows the password.
    pub(crate) fn factory(&self, user: &str) -> ClientFactory {
        ClientFactory::new(self.config_of(user, PASSWORD))
    }

    /// A new byte stream of the owner's.
    pub(crate) async fn stream(&self) -> ScopedStream {
        let (process, number) = (std::process::id(), STREAMS.fetch_add(1, Ordering::Relaxed));
        let stream: ScopedStream = format!("sec-{process}/s-{number}").parse().unwrap();
        let owner = self.factory(OWNER);
        assert!(owner.ensure_byte_stream(&stream).await.unwrap());
        stream
    }

    /// Its one segment, and a connection to the store that has it.
    pub(crate) async fn segment(&self) -> (ScopedSegment, Connection) {
        let owner = self.factory(OWNER);
        let segment = owner.segment_of(&self.stream().await).await.unwrap();
        let controller = owner.controller().unwrap();
        let store = controller.endpoint(&segment).await.unwrap().endpoint;
        let pool = ConnectionPool::new(&self.config_of(OWNER, PASSWORD)).unwrap();
        (segment, pool.connect(&store).await.unwrap())
    }

    /// A token of the controller's.
    pub(crate) async fn token(
        &self,
        user: &str,
        segment: &ScopedSegment,
        access: Access,
    ) -> DelegationToken {
        let controller = self.factory(user).controller().unwrap();
        controller
            .token(segment.stream(), access)
            .await
            .unwrap()
            .token
    }
}
