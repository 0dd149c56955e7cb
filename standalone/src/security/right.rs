//! What may be done, and to what.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody may do with a resource; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Right {
    /// Nothing.
    None,
    /// Look at it.
    Read,
    /// Change it, or end it.
    ReadUpdate,
}

impl Right {
    /// The right of this name, as Pravega spells it.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "NONE" => Some(Self::None),
            "READ" => Some(Self::Read),
            "READ_UPDATE" => Some(Self::ReadUpdate),
            _ => None,
        }
    }
}

/// What rights are about. Its text is what rules and tokens name it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource<'a> {
    /// The scopes as a whole.
    Root,
    /// One scope.
    Scope(&'a str),
    /// One stream of a scope.
    Stream(&'a str, &'a str),
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("prn::/"),
            Self::Scope(scope) => write!(f, "prn::/scope:{scope}"),
            Self::Stream(scope, stream) => write!(f, "prn::/scope:{scope}/stream:{stream}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_named_as_pravega_names_them() {
        assert_eq!(Resource::Root.to_string(), "prn::/");
        assert_eq!(Resource::Scope("s").to_string(), "prn::/scope:s");
        let stream = Resource::Stream("s", "t").to_string();
        assert_eq!(stream, "prn::/scope:s/stream:t");
    }

    #[test]
    fn the_right_to_update_includes_the_right_to_read() {
        assert!(Right::None < Right::Read && Right::Read < Right::ReadUpdate);
        assert_eq!(Right::named("READ_UPDATE"), Some(Right::ReadUpdate));
        for odd in ["", "read", "WRITE", "READ ", "READ_UPDATE,"] {
            assert_eq!(Right::named(odd), None, "{odd:?}");
        }
    }
}
