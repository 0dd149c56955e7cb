//! Takes the name of a stream or a segment apart: `names camera/front/5.#epoch.2`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use pravega_client_shared::{ScopedSegment, ScopedStream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1);
    let name = name.unwrap_or_else(|| "camera/front/5.#epoch.2".to_owned());
    if let Ok(stream) = name.parse::<ScopedStream>() {
        println!("stream {} of scope {}", stream.stream(), stream.scope());
        return Ok(());
    }
    let segment: ScopedSegment = name.parse()?;
    let id = segment.id();
    println!("segment {} of epoch {}", id.number(), id.epoch());
    println!("of stream {}", segment.stream());
    println!("as one number on the wire: {:#x}", id.packed());
    Ok(())
}
