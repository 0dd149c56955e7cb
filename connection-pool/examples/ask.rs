//! Asks a segment store about a segment: `ask localhost:6000 camera/front/0.#epoch.0`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::time::Duration;

use pravega_client_config::ClientConfigBuilder;
use pravega_client_shared::{DelegationToken, Endpoint, RequestId};
use pravega_connection_pool::ConnectionPool;
use pravega_wire_protocol::GetStreamSegmentInfo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let store = arguments
        .next()
        .unwrap_or_else(|| "localhost:6000".to_owned());
    let store: Endpoint = store.parse()?;
    let segment = arguments.next();
    let segment = segment.unwrap_or_else(|| "camera/front/0.#epoch.0".to_owned());

    // A pool asks no controller, but the address says whether there is TLS.
    let config = ClientConfigBuilder::default()
        .controller_uri("tcp://localhost:9090")
        .build()?;
    let pool = ConnectionPool::new(&config)?;
    let connection = pool.connect_for_calls(&store).await?;
    let ask = |id: RequestId| {
        GetStreamSegmentInfo {
            request_id: id.to_wire(),
            segment: segment.as_str().into(),
            delegation_token: DelegationToken::default(),
        }
        .into()
    };
    let reply = connection.call(ask, Duration::from_secs(5)).await?;
    println!("{reply:?}");
    pool.shutdown().await;
    Ok(())
}
