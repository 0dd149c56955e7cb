//! Serves a directory, or memory, and prints what the server does every few seconds: `serve DIRECTORY`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::time::Duration;

use pravega_standalone::Standalone;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Standalone::builder();
    let builder = match std::env::args().nth(1) {
        Some(dir) => builder.data_dir(dir),
        None => builder.memory(),
    };
    let server = builder.start().await?;
    println!("controller {}", server.controller_uri());
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        println!("{:?}", server.stats());
    }
}
