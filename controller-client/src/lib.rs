//! Typed calls to a Pravega controller, with endpoints and tokens cached by generation.

mod attempt;
mod bounded;
mod cache;
mod channel;
mod client;
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
pub use error::{BadReply, Cause, ControllerError, FailedCall};
pub use listing::MAX_PAGES;
pub use model::{
    Access, IssuedToken, Located, MAX_TAG_CHARS, MAX_TAGS, Retention, Scaling, SegmentRange,
    StreamConfiguration, StreamCut, Successor,
};
pub use rpc_error::RpcError;
