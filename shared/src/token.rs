//! The delegation token that a controller hands out and a segment store checks.

use std::{fmt, sync::Arc};

use crate::planted::{self, Bug};

/// Permission to use a segment, sent inside requests. Empty where security is off.
///
/// Its `Debug` prints a fixed word and there is no `Display`, so it cannot reach a log by accident.
/// Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DelegationToken(Arc<str>);

impl DelegationToken {
    /// Wraps the token's text, as the controller sent it.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// True where security is off.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret itself, for the encoder and for reading its expiry.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Default for DelegationToken {
    /// The empty token, which is right where security is off.
    fn default() -> Self {
        Self::new("")
    }
}

impl fmt::Debug for DelegationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match planted::is_on(Bug::TokenInDebug) {
            true => f.write_str(&self.0),
            false => f.write_str("DelegationToken(redacted)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        assert!(!format!("{:?}", DelegationToken::new("marker")).contains("marker"));
    }
}
