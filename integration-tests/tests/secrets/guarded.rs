//! The embedded server with TLS and accounts, whose own output is searched too.

use pravega_byte_stream::{
    ClientConfig, ClientConfigBuilder, ClientFactory, Credentials, ScopedStream, TlsOptions,
};
use pravega_standalone::{Accounts, ServerTls, Standalone, hash_password};

use crate::{PLANTED_PASSWORD, PLANTED_USER, Printed};

/// How every web token begins, and every hash of a password.
pub(crate) const SIGNS: [&str; 2] = ["eyJ", "$argon2"];

/// What is known beforehand only in part: the key of the certificate.
pub(crate) struct Secrets {
    pub(crate) key: String,
}

pub(crate) async fn flows(printed: &Printed) -> Secrets {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let hash = hash_password(PLANTED_PASSWORD).unwrap();
    let accounts = format!("{PLANTED_USER}:{hash}:prn::*,READ_UPDATE\n");
    let tls = ServerTls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let builder = Standalone::builder()
        .memory()
        .tls(tls)
        .accounts(Accounts::parse(&accounts).unwrap());
    printed.show(&builder);
    bad_input(&certificate, &key, &accounts, printed);
    let server = builder.start().await.unwrap();
    printed.show(&server);
    let config = |user: &str, password: &str| -> ClientConfig {
        let trust = TlsOptions::default()
            .system_roots(false)
            .ca_pem(&*certificate);
        let builder = ClientConfigBuilder::default()
            .controller_uri(server.controller_uri())
            .tls(trust)
            .credentials(Credentials::basic(user, password));
        builder.build().unwrap()
    };
    used(config(PLANTED_USER, PLANTED_PASSWORD), printed).await;
    for (user, password) in [(PLANTED_USER, "another"), ("another", PLANTED_PASSWORD)] {
        refused(config(user, password), printed).await;
    }
    server.shutdown().await;
    let key = key.lines().nth(1).unwrap().to_owned();
    Secrets { key }
}

/// What an operator may get wrong, told with all that is known of it.
fn bad_input(certificate: &str, key: &str, accounts: &str, printed: &Printed) {
    let swapped = ServerTls::from_pem(key.as_bytes(), certificate.as_bytes());
    printed.tell(&swapped.unwrap_err());
    let cut = ServerTls::from_pem(certificate.as_bytes(), key.replace("END", "DNE").as_bytes());
    printed.tell(&cut.unwrap_err());
    for bad in [
        accounts.replace("prn::*", PLANTED_PASSWORD),
        accounts.replace("$v=", PLANTED_PASSWORD),
        accounts.repeat(2),
        format!("{PLANTED_USER}:{PLANTED_PASSWORD}"),
    ] {
        printed.tell(&Accounts::parse(&bad).unwrap_err());
    }
    printed.tell(&hash_password(&PLANTED_PASSWORD.repeat(1_000)).unwrap_err());
}

async fn used(config: ClientConfig, printed: &Printed) {
    printed.show(&config);
    let factory = ClientFactory::new(config);
    let stream: ScopedStream = "guarded/stream".parse().unwrap();
    factory.ensure_byte_stream(&stream).await.unwrap();
    let mut writer = factory.open_byte_writer(stream.clone()).await.unwrap();
    writer.write_all(b"behind the door").await.unwrap();
    writer.flush().await.unwrap();
    printed.show(&writer);
    let mut reader = factory.open_byte_reader(stream).await.unwrap();
    reader.read_exact(&mut [0; 15]).await.unwrap();
    printed.show(&reader);
    printed.show(&factory);
    writer.seal().await.unwrap();
    factory.shutdown().await;
}

async fn refused(config: ClientConfig, printed: &Printed) {
    let factory = ClientFactory::new(config);
    let stream: ScopedStream = "guarded/stream".parse().unwrap();
    printed.tell(&factory.open_byte_writer(stream.clone()).await.unwrap_err());
    printed.tell(&factory.open_byte_reader(stream).await.unwrap_err());
    printed.tell(
        &factory
            .controller()
            .unwrap()
            .scope_exists(&"guarded".parse().unwrap())
            .await
            .unwrap_err(),
    );
    factory.shutdown().await;
}
