//! How bytes get to a controller and back: over whatever an implementation of [`Connect`] opens.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use pravega_client_config::ClientConfig;
use pravega_client_shared::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::codegen::{Service, http::Uri};

use crate::channel::{Prepare, plain};

/// Both directions of a connection.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Any byte stream.
pub type BoxedByteStream = Box<dyn ByteStream>;

/// Opens byte streams to controllers. TCP is the usual way and needs none of this; simulated networks, tests
/// and proxies bring their own.
pub trait Connect: Send + Sync + 'static {
    /// Opens one byte stream. Dropped when it takes longer than the configured `connect_timeout`.
    ///
    /// # Errors
    /// Any; the call is repeated, elsewhere or later, as after a refused TCP connection.
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<BoxedByteStream>>;
}

/// Prepares connections that `connector` opens.
pub(crate) fn prepare(config: &ClientConfig, connector: Arc<dyn Connect>) -> Prepare {
    let config = config.clone();
    Arc::new(move |endpoint| {
        let template = plain(&config, endpoint, "http")?;
        let door = Door {
            connector: Arc::clone(&connector),
            endpoint: endpoint.clone(),
        };
        Ok(Arc::new(move || {
            template.connect_with_connector_lazy(door.clone())
        }))
    })
}

/// One controller behind a connector, as the gRPC library wants to have it.
#[derive(Clone)]
struct Door {
    connector: Arc<dyn Connect>,
    endpoint: Endpoint,
}

impl Service<Uri> for Door {
    type Response = TokioIo<BoxedByteStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let Self {
            connector,
            endpoint,
        } = self.clone();
        Box::pin(async move { connector.connect(&endpoint).await.map(TokioIo::new) })
    }
}
