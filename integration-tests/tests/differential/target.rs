//! The servers that a script is played to.

use pravega_controller_api::{
    SegmentId, StreamInfo, controller_service_client::ControllerServiceClient,
};
use pravega_standalone::{Standalone, StandaloneHandle};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

/// The variable that names a real Pravega.
const CONTROLLER: &str = "PRAVEGA_CONTROLLER_URI";

/// A server, and a name that nobody else uses on it.
pub(crate) struct Target {
    pub(crate) controller: ControllerServiceClient<Channel>,
    /// The segment store, as `host:port`.
    pub(crate) store: String,
    /// Begins the name of every scope: lower-case letters, digits and `-`.
    pub(crate) unique: String,
    address: String,
    /// Keeps the embedded server alive.
    _server: Option<StandaloneHandle>,
    /// Keeps its data.
    _directory: Option<TempDir>,
}

impl Target {
    /// The real Pravega, if the environment names one.
    pub(crate) async fn real() -> Option<Self> {
        let uri = std::env::var(CONTROLLER).ok()?;
        Some(Self::at(&uri).await)
    }

    /// An embedded server of its own that keeps everything in memory.
    pub(crate) async fn in_memory() -> Self {
        let server = Standalone::builder().memory().start().await.unwrap();
        let target = Self::at(&server.controller_uri()).await;
        Self {
            _server: Some(server),
            ..target
        }
    }

    /// An embedded server of its own that keeps everything on disk.
    pub(crate) async fn on_disk() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Standalone::builder()
            .data_dir(directory.path())
            .start()
            .await
            .unwrap();
        let target = Self::at(&server.controller_uri()).await;
        Self {
            _server: Some(server),
            _directory: Some(directory),
            ..target
        }
    }

    async fn at(uri: &str) -> Self {
        let address = uri.trim_start_matches("tcp://").to_owned();
        let channel = Endpoint::from_shared(format!("http://{address}"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        let mut controller = ControllerServiceClient::new(channel);
        // Neither server looks whether the stream exists.
        let anywhere = SegmentId {
            stream_info: Some(StreamInfo {
                scope: "differential".to_owned(),
                stream: "anywhere".to_owned(),
                access_operation: 0,
            }),
            segment_id: 0,
        };
        let node = controller.get_uri(anywhere).await.unwrap().into_inner();
        Self {
            controller,
            store: format!("{}:{}", node.endpoint, node.port),
            unique: format!("diff-{:08x}", Uuid::new_v4().as_fields().0),
            address,
            _server: None,
            _directory: None,
        }
    }

    /// Host and port of the controller.
    pub(crate) fn controller_address(&self) -> (&str, &str) {
        self.address.rsplit_once(':').unwrap()
    }
}
