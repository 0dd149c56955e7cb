//! Typed calls to a Pravega controller, with endpoints and tokens cached by generation.
//!
//! A controller keeps scopes and streams, says which segment store serves a segment, and issues the tokens
//! that segment stores want to see. [`ControllerClient`] makes those of its calls that byte streams and their
//! administration need. It moves no data: reading, writing, and sealing or truncating a single segment are
//! requests to segment stores. Nothing of the gRPC library shows in its interface; the raw messages are in
//! `pravega-controller-api`.
//!
//! ```text
//!   ControllerClient ── endpoints, tokens: kept; one call for all that wait
//!          │
//!        call      ── attempts within one deadline, statuses read, errors named
//!          │
//!     controllers  ── the listed ones, or those that they name; the next one after a failure
//!          │
//!      HTTP/2      ── one connection to the controller in use, TLS by scheme
//! ```
//!
//! # Example
//!
//! ```no_run
//! use pravega_client_config::ClientConfigBuilder;
//! use pravega_client_shared::ScopedStream;
//! use pravega_controller_client::{ControllerClient, StreamConfiguration};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfigBuilder::default().controller_uri("localhost:9090").build()?;
//! let controller = ControllerClient::new(&config)?;
//!
//! let stream: ScopedStream = "camera/front".parse()?;
//! controller.create_scope(stream.scope()).await?;
//! controller.create_stream(&stream, &StreamConfiguration::default()).await?;
//! for segment in controller.current_segments(&stream).await? {
//!     let located = controller.endpoint(&stream.segment(segment.id)).await?;
//!     assert!(located.endpoint.port() > 0);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Calls
//!
//! | calls | may be repeated, because |
//! | --- | --- |
//! | [`create_scope`](ControllerClient::create_scope), [`create_stream`](ControllerClient::create_stream) | "exists" after an own attempt of unknown outcome counts as made |
//! | [`delete_scope`](ControllerClient::delete_scope), [`delete_stream`](ControllerClient::delete_stream) | "not found" after such an attempt counts as deleted |
//! | [`seal_stream`](ControllerClient::seal_stream) | sealing a sealed stream is no error |
//! | [`update_stream`](ControllerClient::update_stream), [`truncate_stream`](ControllerClient::truncate_stream) | the request holds the whole new state |
//! | all others | they only ask |
//!
//! Calls that cannot be repeated safely, such as scaling, are not offered.
//!
//! # Time
//!
//! One attempt takes at most `request_timeout`, a call with all its attempts at most `operation_timeout`. An
//! attempt that failed is followed by the next controller at once, if there is one that was not asked yet,
//! and otherwise by a pause: the delays of the configured `RetryPolicy`, half of each at random. What is
//! repeated follows Pravega's Java client: the statuses `CANCELLED`, `UNKNOWN`, `DEADLINE_EXCEEDED`,
//! `RESOURCE_EXHAUSTED`, `FAILED_PRECONDITION`, `ABORTED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS`, broken
//! and refused connections, and a few times the answer that the call failed. All else is final at once.
//!
//! # Errors of any call
//!
//! | error | when |
//! | --- | --- |
//! | [`Unavailable`](ControllerError::Unavailable), [`Timeout`](ControllerError::Timeout) | no controller answered, or not in time |
//! | [`Untrusted`](ControllerError::Untrusted) | the peer's certificate is not trusted |
//! | [`Unauthenticated`](ControllerError::Unauthenticated), [`PermissionDenied`](ControllerError::PermissionDenied), [`BadCredentials`](ControllerError::BadCredentials) | the credentials are wrong, too weak, or no text for a header |
//! | [`Failure`](ControllerError::Failure), [`Rejected`](ControllerError::Rejected) | the controller says no without a reason of its own |
//! | [`UnknownStatus`](ControllerError::UnknownStatus), [`BadReply`](ControllerError::BadReply) | the answer makes no sense |
//! | [`NoRuntime`](ControllerError::NoRuntime), [`Abandoned`](ControllerError::Abandoned) | there is no tokio runtime, or it was shut down |
//!
//! A status number that the client does not know is an error, never success.
//!
//! # Runtimes
//!
//! A client is made anywhere and used in any tokio runtime that has I/O and time enabled, of either flavour,
//! one after the other too: a connection that went with its runtime is replaced.
//!
//! # Limits
//!
//! Messages of 4 MiB, headers of 64 KiB with a reply, 65,536 segments in a list, [`MAX_PAGES`] pages in a
//! listing, 65,536 endpoints and 32,768 tokens kept, 256 look-ups of each kind at once.

mod attempt;
mod bounded;
mod cache;
mod channel;
mod client;
mod connect;
mod controllers;
mod convert;
mod error;
mod listing;
mod locate;
mod model;
mod retry;
mod rpc;
mod rpc_error;
mod scopes;
mod segments;
mod status;
mod streams;
#[cfg(test)]
mod tests;
mod token;

pub use client::ControllerClient;
pub use connect::{BoxedByteStream, ByteStream, Connect};
pub use error::{BadReply, Cause, ControllerError, FailedCall};
pub use listing::MAX_PAGES;
pub use model::{
    Access, IssuedToken, Located, MAX_TAG_CHARS, MAX_TAGS, Retention, Scaling, SegmentRange,
    StreamConfiguration, StreamCut, Successor,
};
pub use rpc_error::RpcError;

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
