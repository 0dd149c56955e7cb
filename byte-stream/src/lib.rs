//! A client for Pravega byte streams.
//!
//! A byte stream is a Pravega stream with one segment: an append-only log of raw bytes without any framing.
//! [`ClientFactory`] makes writers and readers, [`ByteWriter`] appends, [`ByteReader`] reads.
//!
//! ```
//! use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ScopedStream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server in the same process. Any Pravega does, with its controller's address.
//! let server = pravega_standalone::Standalone::builder().memory().start().await?;
//!
//! let config = ClientConfigBuilder::default().controller_uri(server.controller_uri()).build()?;
//! let factory = ClientFactory::new(config);
//! let stream: ScopedStream = "camera/front".parse()?;
//! factory.ensure_byte_stream(&stream).await?;
//!
//! let mut writer = factory.open_byte_writer(stream.clone()).await?;
//! writer.write_all(b"one long log of bytes").await?;
//! writer.flush().await?;
//! writer.truncate_data_before(4).await?;
//! writer.seal().await?;
//!
//! let mut reader = factory.open_byte_reader(stream).await?;
//! let mut text = String::new();
//! tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text).await?;
//! assert_eq!(text, "long log of bytes");
//! # Ok(()) }
//! ```
//!
//! # What is promised
//! Every byte that a flush or a receipt called durable is in the segment, once and in order, whatever
//! happened to connections, stores and futures on the way. A byte that a definite error covers is not in
//! the segment and never will be. Every future may be dropped at any await.
//!
//! # Where things live
//!
//! | to | use |
//! | --- | --- |
//! | write | [`ByteWriter`]; [`ByteSink`]; tokio's `AsyncWrite` |
//! | have room before there are bytes | [`ByteWriter::reserve`], [`AppendPermit`] |
//! | know that bytes are durable | [`ByteWriter::flush`], [`Receipt`], [`DurabilityWatch`] |
//! | read in order, wait at the tail | [`ByteReader`]; [`ByteReaderStream`]; tokio's `AsyncRead`, `AsyncBufRead`, `AsyncSeek` |
//! | read here and there | [`ByteReader::read_at`], [`ByteReader::read_range`], [`ByteReader::stream_range`] |
//! | ask, truncate, seal | [`SegmentHandle`] |
//! | write and read without async, as `std::io` does | [`blocking`] |
//! | make and delete scopes and streams | [`ClientFactory::ensure_byte_stream`], [`ClientFactory::controller`] |
//!
//! # Features
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `metrics` | off | numbers for whatever recorder of the `metrics` crate the program has installed before it makes a factory |
//!
//! `docs/observability.md` lists the metrics, and the `tracing` spans and events.
//!
//! The decisions are taken by the state machines of `pravega-segment-session`; this crate gives them
//! connections, tasks and a face.

mod attach;
pub mod blocking;
mod call;
mod core;
mod driver;
mod environment;
mod error;
mod factory;
mod ids;
mod link;
mod measure;
mod offsets;
mod open;
mod reader;
mod resolve;
mod segment;
mod wait;
mod writer;

/// The factory under the path that the Pravega book imports it from.
pub mod client_factory {
    pub use crate::factory::ClientFactory;
}

#[doc(inline)]
pub use client_factory::ClientFactory;
pub use environment::Environment;
pub use error::{Cause, Certainty, ReadError, SegmentError, WriteError};
pub use open::{
    OnTruncation, OpenByteReader, OpenByteWriter, ReadFrom, ReadUntil, Target, WhenFull, WriteMode,
};
pub use pravega_client_config::{
    ClientConfig, ClientConfigBuilder, ConfigError, Credentials, RetryPolicy, TlsOptions,
};
pub use pravega_client_shared::{
    Endpoint, ScopeName, ScopedSegment, ScopedStream, SegmentId, StreamName,
};
pub use pravega_connection_pool::{ConnectError, Dial, Dialed};
pub use pravega_controller_client::{ControllerClient, ControllerError, StreamConfiguration};
pub use pravega_segment_session::AppendStats;
pub use reader::{ByteReader, ByteReaderStream, TryRead};
pub use segment::{SegmentHandle, SegmentInfo};
pub use writer::{
    AppendPermit, ByteSink, ByteWriter, DurabilityWatch, MAX_ATOMIC_WRITE, Receipt, RefusedAppend,
    Resynced,
};

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
