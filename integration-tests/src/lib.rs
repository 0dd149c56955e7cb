//! The harness of the integration tests: a Pravega to run against, and streams with names of their own.
//!
//! Without further ado every test starts an embedded server of its own. With `PRAVEGA_CONTROLLER_URI` set,
//! the same tests run on the Pravega at that address.

mod backend;
mod bytes;
pub mod relay;
mod scripted;

pub use backend::Backend;
pub use bytes::Pattern;
pub use scripted::{Honest, Record, ScriptedPravega, Wire};
