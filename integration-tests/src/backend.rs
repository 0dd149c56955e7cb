//! The server that a test runs against.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientConfig, ClientConfigBuilder, ClientFactory, ScopedStream,
};
use pravega_client_shared::{ScopeName, ScopedSegment, StreamName};
use pravega_connection_pool::ConnectionPool;
use pravega_controller_client::Access;
use pravega_standalone::{Standalone, StandaloneHandle};
use pravega_wire_protocol::{DeleteSegment, Reply};

/// The variable that names a real Pravega. Where that one asks for passwords, and how its certificate is known, is
/// said by the variables of [`ClientConfigBuilder::with_env`].
const CONTROLLER: &str = "PRAVEGA_CONTROLLER_URI";

/// How long a store may take to delete a segment.
const DELETION: Duration = Duration::from_secs(30);

/// Streams made by this process so far, for names that nobody else uses.
static STREAMS: AtomicU64 = AtomicU64::new(0);

/// A Pravega for one test: an embedded server of its own, or the real one that the environment names.
#[derive(Debug)]
pub struct Backend {
    uri: String,
    server: Option<StandaloneHandle>,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up fails"
)]
impl Backend {
    /// The server of this test. The embedded one ends when this is dropped.
    pub async fn start() -> Self {
        if let Ok(uri) = std::env::var(CONTROLLER) {
            return Self { uri, server: None };
        }
        Self::embedded().await
    }

    /// An embedded server, whatever the environment says: for what cannot be asked of a real one.
    pub async fn embedded() -> Self {
        let server = Standalone::builder()
            .memory()
            .start()
            .await
            .expect("the embedded server starts");
        Self {
            uri: server.controller_uri(),
            server: Some(server),
        }
    }

    /// True when the environment names a real Pravega, so that [`start`](Self::start) gives that one.
    pub fn is_real_wanted() -> bool {
        std::env::var_os(CONTROLLER).is_some()
    }

    /// True when this is a real Pravega.
    pub fn is_real(&self) -> bool {
        self.server.is_none()
    }

    /// The controller's address.
    pub fn controller_uri(&self) -> &str {
        &self.uri
    }

    /// The embedded server.
    pub fn server(&self) -> Option<&StandaloneHandle> {
        self.server.as_ref()
    }

    /// A factory with the default configuration.
    pub fn factory(&self) -> ClientFactory {
        self.factory_with(|config| config)
    }

    /// A factory with a configuration that `change` changes.
    pub fn factory_with(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> ClientFactory {
        factory_at(&self.uri, change)
    }

    /// The name of a stream that nobody else uses; the stream is not made.
    pub fn fresh_name(&self) -> ScopedStream {
        let (process, number) = (std::process::id(), STREAMS.fetch_add(1, Ordering::Relaxed));
        let scope = ScopeName::new(&format!("it-{process}")).expect("a scope name");
        let stream = StreamName::new(&format!("s-{number}")).expect("a stream name");
        ScopedStream::new(scope, stream)
    }

    /// A new byte stream.
    pub async fn fresh_stream(&self, factory: &ClientFactory) -> ScopedStream {
        let stream = self.fresh_name();
        let is_new = factory
            .ensure_byte_stream(&stream)
            .await
            .expect("the stream can be made");
        assert!(is_new, "{stream} existed");
        stream
    }

    /// A new byte stream and its one segment.
    pub async fn fresh_segment(&self, factory: &ClientFactory) -> ScopedSegment {
        let stream = self.fresh_stream(factory).await;
        factory
            .segment_of(&stream)
            .await
            .expect("the stream has one segment")
    }

    /// A writer at the tail and a reader at the head of a new stream.
    pub async fn pair(&self, factory: &ClientFactory) -> (ByteWriter, ByteReader) {
        let stream = self.fresh_stream(factory).await;
        let writer = factory
            .open_byte_writer(stream.clone())
            .await
            .expect("a writer opens");
        let reader = factory
            .open_byte_reader(stream)
            .await
            .expect("a reader opens");
        (writer, reader)
    }

    /// Deletes an open segment at its store, behind everybody's back. The controller would seal it first.
    pub async fn delete_segment(&self, segment: &ScopedSegment) {
        let controller = self.factory().controller().expect("a controller client");
        let located = controller
            .endpoint(segment)
            .await
            .expect("the segment can be found");
        let pool = ConnectionPool::new(&config_at(&self.uri, |config| config)).expect("a pool");
        let connection = pool
            .connect(&located.endpoint)
            .await
            .expect("the store can be reached");
        let token = controller.token(segment.stream(), Access::ReadWrite);
        let token = token.await.expect("a token, or none where none is needed");
        let delete = |id: pravega_client_shared::RequestId| {
            let segment = segment.to_string().into();
            let delegation_token = token.token.clone();
            DeleteSegment {
                request_id: id.to_wire(),
                segment,
                delegation_token,
            }
            .into()
        };
        let reply = connection
            .call(delete, DELETION)
            .await
            .expect("the store answers");
        assert!(matches!(reply, Reply::SegmentDeleted(_)), "{reply:?}");
    }
}

/// A factory for the controller at `uri`.
pub(crate) fn factory_at(
    uri: &str,
    change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
) -> ClientFactory {
    ClientFactory::new(config_at(uri, change))
}

#[expect(clippy::expect_used, reason = "a test that cannot be set up fails")]
pub(crate) fn config_at(
    uri: &str,
    change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
) -> ClientConfig {
    let config = ClientConfigBuilder::default()
        .with_env()
        .controller_uri(uri);
    change(config).build().expect("the configuration is right")
}
