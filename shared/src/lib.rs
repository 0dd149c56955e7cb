//! Names, ids and addresses of Pravega streams: parsed once, valid by construction.
//!
//! This crate is the vocabulary of the workspace. It imports no other workspace crate, does no I/O and
//! reads no clock. Every value that can be malformed is checked where it is made, so that nothing behind
//! the entrance has to look again:
//!
//! ```
//! use pravega_client_shared::{ScopedSegment, ScopedStream, SegmentId};
//!
//! let stream: ScopedStream = "camera/front".parse()?;
//! let segment = ScopedSegment::new(stream, SegmentId::new(5, 2)?);
//! assert_eq!(segment.to_string(), "camera/front/5.#epoch.2");
//! assert!("camera/front/door/0".parse::<ScopedSegment>().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`name`] | [`ScopeName`], [`StreamName`] and the rule they share |
//! | [`stream`] | [`ScopedStream`], [`ScopedSegment`] |
//! | [`segment_id`] | [`SegmentId`]: number and epoch, packed and unpacked |
//! | [`id`] | [`WriterId`], [`RequestId`], [`FlowId`] |
//! | [`endpoint`] | [`Endpoint`]: host and port, no DNS |
//! | [`token`] | [`DelegationToken`], redacted |
//! | [`chance`] | [`Chance`]: random numbers, of the system or of a seed |

pub mod chance;
pub mod endpoint;
pub mod id;
pub mod name;
#[doc(hidden)]
pub mod planted;
pub mod segment_id;
pub mod stream;
pub mod token;

pub use chance::Chance;
pub use endpoint::{Endpoint, ParseEndpointError};
pub use id::{FlowId, RequestId, ReservedWriterIdError, WriterId};
pub use name::{NameError, ScopeName, StreamName};
pub use segment_id::{SegmentId, SegmentIdError};
pub use stream::{ParseSegmentError, ParseStreamError, ScopedSegment, ScopedStream};
pub use token::DelegationToken;

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
