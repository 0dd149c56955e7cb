//! A way to the segment that no fault meets.

use std::sync::Arc;

use futures::{FutureExt as _, future::BoxFuture};
use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, ConnectError, Dial, Dialed, Endpoint, Environment,
};
use tokio::io::duplex;
use tokio_util::sync::CancellationToken;

use super::{ask::segment, client::Client, cluster::Cluster};

/// The port of the controller behind the scenes; the store has another.
const CONTROLLER: u16 = 1;

/// Bytes between the two ends.
const PIPE: usize = 64 * 1024;

/// The segment as it is, seen from behind the scenes.
pub(super) struct Truth {
    /// How much of it is kept in the record.
    pub(super) kept: u64,
    pub(super) tail: u64,
    factory: ClientFactory,
    end: CancellationToken,
}

impl Truth {
    /// Looks at the segment.
    pub(super) async fn behind(client: &Client) -> Option<Self> {
        let config = ClientConfigBuilder::default().controller_uri("tcp://behind:1");
        let end = CancellationToken::new();
        let backdoor = Backdoor {
            cluster: Arc::clone(&client.seat.cluster),
            end: end.clone(),
        };
        let environment = Environment::system()
            .with_dialer(Arc::new(backdoor))
            .with_seed(1);
        let factory = ClientFactory::in_environment(config.build().ok()?, environment);
        let info = factory.segment(segment(client)?).ok()?.info().await.ok()?;
        let kept = client.seat.record.with(|book| book.kept.len());
        Some(Self {
            kept: u64::try_from(kept).ok()?,
            tail: info.tail,
            factory,
            end,
        })
    }

    /// Puts what is not yet kept into the record, up to `to`.
    pub(super) async fn keep_to(self, client: &Client, to: u64) -> Option<()> {
        let reader = self.factory.open_byte_reader(segment(client)?).await.ok()?;
        let bytes = reader.read_range(self.kept..to).await.ok()?;
        client
            .seat
            .record
            .with(|book| book.kept.extend_from_slice(&bytes));
        drop(reader);
        self.factory.shutdown().await;
        Some(())
    }
}

impl Drop for Truth {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// The way in behind the network.
struct Backdoor {
    cluster: Arc<Cluster>,
    end: CancellationToken,
}

impl Dial for Backdoor {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async move {
            let (here, there) = duplex(PIPE);
            let services = self.cluster.services.clone();
            let incoming = futures::stream::iter([Ok(there)]);
            let own = endpoint.clone();
            let end = self.end.clone().cancelled_owned();
            tokio::spawn(async move {
                if own.port() != CONTROLLER {
                    return services.serve_store(incoming, end).await;
                }
                if let Ok(store) = Endpoint::new(own.host(), i32::from(CONTROLLER) + 1) {
                    services
                        .serve_controller(incoming, &store, &own, end)
                        .await
                        .ok();
                }
            });
            Ok(Dialed::from(here))
        }
        .boxed()
    }
}
