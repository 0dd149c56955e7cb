//! Scope and stream names, checked once with the server's rule.
//!
//! The rule (tried on Pravega 0.13.0): ASCII letters, digits, `.` and `-`, at most one `_` and only in
//! front of others, 1 to [`MAX_NAME_LEN`] bytes. The server also takes `.` and `..`; they are refused here, because
//! sooner or later a name becomes part of a path.

use std::{fmt, str::FromStr, sync::Arc};

use snafu::Snafu;

use crate::planted::{self, Bug};

/// The longest scope or stream name that a controller accepts, in bytes.
pub const MAX_NAME_LEN: usize = 255;

/// Why a text is no scope or stream name.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[snafu(display("a name must not be empty"))]
    Empty,
    /// The name is longer than [`MAX_NAME_LEN`].
    #[snafu(display("a name has at most {MAX_NAME_LEN} bytes, this one has {len}"))]
    TooLong {
        /// Length of the refused name, in bytes.
        len: usize,
    },
    /// A character outside the alphabet, or a `_` that is not in front of others.
    #[snafu(display(
        "{character:?} at byte {at} is not allowed: letters, digits, '.', '-', and '_' in front only"
    ))]
    BadCharacter {
        /// The refused character.
        character: char,
        /// Its byte position in the name.
        at: usize,
    },
    /// The name is `.` or `..`.
    #[snafu(display("{name:?} is not a name"))]
    Dots {
        /// The refused name.
        name: String,
    },
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return EmptySnafu.fail();
    }
    if name.len() > MAX_NAME_LEN {
        return TooLongSnafu { len: name.len() }.fail();
    }
    let allowed = |at: usize, c: char| {
        c.is_ascii_alphanumeric() || c == '.' || c == '-' || (c == '_' && at == 0 && name.len() > 1)
    };
    if let Some((at, character)) = name.char_indices().find(|&(at, c)| !allowed(at, c)) {
        return BadCharacterSnafu { character, at }.fail();
    }
    if (name == "." || name == "..") && !planted::is_on(Bug::ParentDirectoryAccepted) {
        return DotsSnafu { name }.fail();
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `name` and keeps a copy of it.
            ///
            /// # Errors
            /// [`NameError`] when the text breaks the rule of this [module](self).
            pub fn new(name: &str) -> Result<Self, NameError> {
                check(name)?;
                Ok(Self(name.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name_type! {
    /// The name of a scope, a namespace for streams. Cloning shares the text.
    ScopeName
}
name_type! {
    /// The name of a stream inside its scope. Cloning shares the text.
    StreamName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_server_accepts() {
        let longest = "a".repeat(MAX_NAME_LEN);
        for name in ["a", "0", "A-b.c9", "_system", "-", "..a", longest.as_str()] {
            assert_eq!(ScopeName::new(name).unwrap().as_str(), name);
            assert_eq!(StreamName::new(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn rejects_what_the_server_rejects_and_dots() {
        let too_long = "a".repeat(MAX_NAME_LEN + 1);
        let bad = [
            "", " ", "a b", "a_b", "_", "__a", "a/b", "a#b", "ü", "a\0", "a\n", ".", "..",
            &too_long,
        ];
        for name in bad {
            assert!(StreamName::new(name).is_err(), "{name:?} was accepted");
        }
    }

    #[test]
    fn names_the_character_and_its_place() {
        let error = ScopeName::new("a/b").unwrap_err();
        assert_eq!(
            error,
            NameError::BadCharacter {
                character: '/',
                at: 1
            }
        );
    }
}
