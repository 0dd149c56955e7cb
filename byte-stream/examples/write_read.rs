//! Writes a byte stream and reads it back, on a server in the same process.
//!
//! With `PRAVEGA_CONTROLLER_URI` set it runs on that Pravega instead: nothing else changes.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ScopedStream};
use pravega_standalone::Standalone;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Standalone::builder().memory().start().await?;
    let config = ClientConfigBuilder::default()
        .controller_uri(server.controller_uri())
        .with_env()
        .build()?;
    let factory = ClientFactory::new(config);

    let stream: ScopedStream = "example/greetings".parse()?;
    factory.ensure_byte_stream(&stream).await?;
    let segment = factory.segment_of(&stream).await?;

    let mut writer = factory.create_byte_writer(segment.clone());
    let tail = writer.seek_to_tail().await?;
    writer.write(b"good morning").await?;
    let durable = writer.flush().await?;
    println!("bytes {tail} to {durable} of {segment} are durable");

    // What came before this greeting is not needed any more.
    writer.truncate_data_before(tail).await?;

    let mut reader = factory.create_byte_reader(segment).await;
    println!("the segment starts at {}", reader.current_head().await?);
    let mut greeting = vec![0; usize::try_from(durable - tail)?];
    reader.read_exact(&mut greeting).await?;
    println!("read back: {}", String::from_utf8_lossy(&greeting));
    Ok(())
}
