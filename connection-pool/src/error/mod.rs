//! What can go wrong while a connection is made, and while it is used.
//!
//! The errors are values that can be cloned: one cause is given to everybody who waited.

pub(crate) mod connect;
pub(crate) mod connection;

use std::{error::Error as StdError, fmt, sync::Arc};

pub use self::{
    connect::{ConnectError, ConnectStep, TlsFailure},
    connection::ConnectionError,
};

/// An error of another library, shared by everybody who is told of it.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// How a peer broke the protocol, in the words of who noticed it.
#[derive(Debug, Clone)]
pub struct ProtocolError(Cause);

impl ProtocolError {
    /// Wraps what was noticed: an error, or a text.
    pub fn new(what: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(what.into()))
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for ProtocolError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stay_small() {
        assert!(size_of::<ConnectError>() <= 128);
        assert!(size_of::<ConnectionError>() <= 128);
    }
}
