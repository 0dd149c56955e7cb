//! Lists the streams of a scope and the segment stores of their segments: `streams camera`.
//!
//! `PRAVEGA_CONTROLLER_URI` names the controller, `localhost:9090` otherwise.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::pin::pin;

use futures::TryStreamExt as _;
use pravega_client_config::ClientConfigBuilder;
use pravega_client_shared::ScopeName;
use pravega_controller_client::ControllerClient;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scope = std::env::args().nth(1);
    let scope: ScopeName = scope.unwrap_or_else(|| "camera".to_owned()).parse()?;
    let config = ClientConfigBuilder::default()
        .controller_uri("localhost:9090")
        .with_env()
        .build()?;
    let controller = ControllerClient::new(&config)?;
    let mut streams = pin!(controller.list_streams(&scope));
    while let Some(stream) = streams.try_next().await? {
        println!("{stream}");
        for range in controller.current_segments(&stream).await? {
            let segment = stream.segment(range.id);
            let located = controller.endpoint(&segment).await?;
            println!("  {segment} at {}", located.endpoint);
        }
    }
    Ok(())
}
