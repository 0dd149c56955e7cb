//! T84: no secret in anything that is printed, whatever happens and however loud the log.
//!
//! A test binary of its own, because it takes the log of the whole process.

#![cfg(test)]

mod cluster;
mod guarded;

use std::{
    error::Error,
    fmt::{Debug, Write as _},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientConfig, ClientConfigBuilder, ClientFactory, Environment,
    ScopedSegment, ScopedStream, WriteMode,
};
use pravega_client_config::{Credentials, SecretString};
use tracing_subscriber::fmt::MakeWriter;

use crate::cluster::{Cluster, PLANTED_TOKEN};

const PLANTED_USER: &str = "planted-user";
const PLANTED_PASSWORD: &str = "planted-password";
const PLANTED_BEARER: &str = "planted-bearer";

/// Everything secret, also in the form of a header.
const SECRETS: [&str; 6] = [
    PLANTED_USER,
    PLANTED_PASSWORD,
    PLANTED_BEARER,
    PLANTED_TOKEN,
    // "planted-user:planted-password" and its tail, in base64.
    "cGxhbnRlZC11c2VyOnBsYW50ZWQtcGFzc3dvcmQ",
    "bGFudGVkLXBhc3N3b3Jk",
];

/// Keeps all that is logged.
#[derive(Debug, Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Prints a value as a program would that looks for a mistake.
    fn show(&self, what: &dyn Debug) {
        let text = format!("{what:?} {what:#?}\n");
        self.0.lock().unwrap().extend_from_slice(text.as_bytes());
    }

    /// Prints an error and all its sources.
    fn tell(&self, error: &dyn Error) {
        let mut text = String::new();
        let mut next = Some(error);
        while let Some(error) = next {
            write!(text, "{error} {error:?} {error:#?}: ").unwrap();
            next = error.source();
        }
        self.show(&text);
    }
}

impl io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Printed {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn t84_nothing_secret_is_printed_by_any_flow() {
    let printed = Printed::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(printed.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let bearer = || SecretString::from(PLANTED_BEARER);
    for credentials in [
        Credentials::basic(PLANTED_USER, PLANTED_PASSWORD),
        Credentials::bearer(PLANTED_BEARER),
        Credentials::bearer_from(bearer),
    ] {
        let cluster = Cluster::start().await;
        let config = config(credentials);
        printed.show(&config);
        flows(&cluster, &config, &printed).await;
        assert!(cluster.tokens() > 10, "the tokens were not even there");
    }
    // On real sockets, which know no other time.
    tokio::time::resume();
    let secrets = guarded::flows(&printed).await;
    let text = printed.text();
    assert!(text.contains("TRACE") && text.contains("Basic, redacted"));
    assert!(text.contains("the server is ready") && text.contains("Accounts(1, redacted)"));
    for secret in SECRETS
        .into_iter()
        .chain(guarded::SIGNS)
        .chain([&*secrets.key])
    {
        let found = text.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret} in {found:?}");
    }
}

fn config(credentials: Credentials) -> ClientConfig {
    let builder = ClientConfigBuilder::default()
        .controller_uri("controller:1")
        .credentials(credentials)
        .operation_timeout(Duration::from_secs(20));
    builder.build().unwrap()
}

async fn flows(cluster: &Arc<Cluster>, config: &ClientConfig, printed: &Printed) {
    let environment = Environment::system().with_dialer(cluster.dialer());
    let factory = ClientFactory::in_environment(config.clone(), environment);
    printed.show(&factory);
    let stream = ScopedStream::from("secret/stream");
    factory.ensure_byte_stream(&stream).await.unwrap();
    let segment = factory.segment_of(&stream).await.unwrap();
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        printed.show(&opening);
        writes(opening.await.unwrap(), cluster, printed).await;
    }
    reads(&factory, &segment, cluster, printed).await;
    fails(&factory, &segment, cluster, printed).await;
    factory.shutdown().await;
}

/// A writer that loses its connection, and its token.
async fn writes(mut writer: ByteWriter, cluster: &Cluster, printed: &Printed) {
    writer.write_all(b"some bytes").await.unwrap();
    writer.flush().await.unwrap();
    cluster.cut();
    writer.write_all(b"more bytes").await.unwrap();
    writer.flush().await.unwrap();
    cluster.refuse_tokens(1);
    cluster.cut();
    writer.write_all(b"and more").await.unwrap();
    writer.flush().await.unwrap();
    printed.show(&writer);
    printed.show(&writer.stats());
    writer.close().await.unwrap();
}

/// A reader with the same luck.
async fn reads(
    factory: &ClientFactory,
    segment: &ScopedSegment,
    cluster: &Cluster,
    printed: &Printed,
) {
    let opening = factory.open_byte_reader(segment.clone());
    printed.show(&opening);
    let mut reader: ByteReader = opening.await.unwrap();
    let mut buffer = [0; 8];
    reader.read_exact(&mut buffer).await.unwrap();
    cluster.refuse_tokens(1);
    cluster.cut();
    reader.seek(io::SeekFrom::Start(0)).await.unwrap();
    reader.read_exact(&mut buffer).await.unwrap();
    printed.show(&reader.info().await.unwrap());
    printed.show(&reader);
}

/// What ends in errors.
async fn fails(
    factory: &ClientFactory,
    segment: &ScopedSegment,
    cluster: &Cluster,
    printed: &Printed,
) {
    let mut loser = factory.open_byte_writer(segment.clone()).await.unwrap();
    let mut winner = factory.open_byte_writer(segment.clone()).await.unwrap();
    winner.write_all(b"first").await.unwrap();
    winner.flush().await.unwrap();
    loser.write_all(b"second").await.unwrap();
    printed.tell(&loser.flush().await.unwrap_err());
    printed.show(&loser);
    let handle = factory.segment(segment.clone()).unwrap();
    printed.show(&handle);
    printed.tell(&handle.truncate_data_before(1 << 40).await.unwrap_err());
    cluster.refuse_tokens(usize::MAX);
    cluster.cut();
    printed.tell(&handle.info().await.unwrap_err());
    winner.write_all(b"third").await.unwrap();
    printed.tell(&winner.flush().await.unwrap_err());
    let mut reader = factory.create_byte_reader(segment.clone()).await;
    printed.tell(&reader.read(&mut [0]).await.unwrap_err());
    cluster.refuse_tokens(0);
    cluster.shut();
    printed.tell(&handle.info().await.unwrap_err());
    let mut writer = factory.create_byte_writer(segment.clone());
    writer.write_all(b"fourth").await.unwrap();
    printed.tell(&writer.flush().await.unwrap_err());
    cluster.reopen();
    handle.seal().await.unwrap();
    let mut writer = factory.create_byte_writer(segment.clone());
    writer.write_all(b"fifth").await.unwrap();
    printed.tell(&writer.flush().await.unwrap_err());
}
