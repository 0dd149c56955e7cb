//! `demo`: data through an embedded server and back, with the hashes compared.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use indicatif::HumanBytes;
use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ReadUntil, ScopedStream};
use pravega_standalone::{Standalone, StandaloneHandle};
use serde::Serialize;
use sha2::{Digest as _, Sha256, digest::Output};
use snafu::{ResultExt as _, ensure};
use tokio::time::Instant;

use crate::{
    args::Demo,
    error::{CliError, DemoMismatchSnafu, IoSnafu, StartSnafu},
    output,
};

/// The length of one append of the demonstration, in bytes.
const PIECE: usize = 1 << 20;

/// The end of the demonstration's directory name.
const DIRECTORY: &str = "pravega-bytes-demo";

pub(crate) async fn run(options: &Demo) -> Result<(), CliError> {
    let dir = std::env::temp_dir().join(format!("{DIRECTORY}-{}", std::process::id()));
    let builder = Standalone::builder();
    let builder = if options.disk {
        builder.data_dir(&dir)
    } else {
        builder.memory()
    };
    let server = builder.start().await.context(StartSnafu)?;
    let shown = show(&server, options).await;
    server.shutdown().await;
    if options.disk {
        tokio::fs::remove_dir_all(&dir).await.context(IoSnafu {
            what: "cleaning up",
        })?;
    }
    shown
}

/// What `demo` prints.
#[derive(Serialize)]
struct Shown {
    bytes: u64,
    written_bytes_per_second: u64,
    read_bytes_per_second: u64,
    sha256: String,
}

/// One direction of the demonstration.
struct Moved {
    bytes: u64,
    elapsed: Duration,
    hash: Output<Sha256>,
}

impl Moved {
    fn tell(&self, what: &str) -> Result<(), CliError> {
        let (amount, rate) = (
            HumanBytes(self.bytes),
            output::rate(self.bytes, self.elapsed),
        );
        output::line(&format!("{what:16} {amount} at {rate}, hashing included"))
    }
}

async fn show(server: &StandaloneHandle, options: &Demo) -> Result<(), CliError> {
    let place = if options.disk { "on disk" } else { "in memory" };
    if !options.json {
        output::line(&format!(
            "embedded server  {} ({place})",
            server.controller_uri()
        ))?;
    }
    let config = ClientConfigBuilder::default()
        .controller_uri(server.controller_uri())
        .build()?;
    let factory = ClientFactory::new(config);
    let stream = ScopedStream::from("demo/stream");
    factory.ensure_byte_stream(&stream).await?;
    let written = write(&factory, &stream, options.mib).await?;
    if !options.json {
        written.tell("written")?;
    }
    let read = read(&factory, &stream).await?;
    if !options.json {
        read.tell("read back")?;
    }
    factory.shutdown().await;
    ensure!(written.hash == read.hash, DemoMismatchSnafu);
    if !options.json {
        return output::line(&format!("hashes agree     sha256 {:x}", read.hash));
    }
    output::json(&Shown {
        bytes: read.bytes,
        written_bytes_per_second: output::per_second(written.bytes, written.elapsed),
        read_bytes_per_second: output::per_second(read.bytes, read.elapsed),
        sha256: format!("{:x}", read.hash),
    })
}

async fn write(
    factory: &ClientFactory,
    stream: &ScopedStream,
    mib: u64,
) -> Result<Moved, CliError> {
    let mut writer = factory.open_byte_writer(stream.clone()).await?;
    let mut hash = Sha256::new();
    let bar = output::progress(Some(mib << 20));
    let started = Instant::now();
    for number in 0..mib {
        let piece = piece(number);
        hash.update(&piece);
        writer.append(piece).await?;
        bar.set_position((number + 1) << 20);
    }
    let bytes = writer.close().await?;
    bar.finish_and_clear();
    Ok(Moved {
        bytes,
        elapsed: started.elapsed(),
        hash: hash.finalize(),
    })
}

async fn read(factory: &ClientFactory, stream: &ScopedStream) -> Result<Moved, CliError> {
    let opening = factory.open_byte_reader(stream.clone());
    let mut reader = opening.until(ReadUntil::TailAtOpen).await?;
    let mut hash = Sha256::new();
    let bar = output::progress(None);
    let started = Instant::now();
    while let Some(chunk) = reader.read_chunk(usize::MAX).await? {
        hash.update(&chunk);
        bar.set_position(reader.position());
    }
    bar.finish_and_clear();
    Ok(Moved {
        bytes: reader.position(),
        elapsed: started.elapsed(),
        hash: hash.finalize(),
    })
}

/// Bytes that differ from piece to piece and do not repeat within one.
fn piece(number: u64) -> Bytes {
    let mut bytes = BytesMut::with_capacity(PIECE);
    // Numerical Recipes' 64-bit linear congruential generator; its upper half is random enough here.
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < PIECE {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state ^ (state >> 32)).to_be_bytes());
    }
    bytes.freeze()
}
