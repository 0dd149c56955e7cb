//! Wire versions: what we speak, what we still understand, and whether a peer fits.

use snafu::{Snafu, ensure};

use crate::Hello;

/// The highest wire version we speak, announced in our [`Hello`].
///
/// **Source**: the current Java server and client. A released 0.13.0 server announces 16.
pub const WIRE_VERSION: i32 = 17;

/// The lowest wire version we accept.
///
/// **Source**: the same for the Java server and the Rust client. It must not be raised to the current
/// version: a 0.13.0 server closes connections of peers that accept nothing below 17.
pub const OLDEST_COMPATIBLE_VERSION: i32 = 5;

/// The peer's versions and ours have none in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Snafu)]
#[snafu(display(
    "no common wire version: the peer speaks {low} to {high}, we speak {} to {}",
    OLDEST_COMPATIBLE_VERSION,
    WIRE_VERSION
))]
pub struct IncompatibleVersion {
    /// The highest version of the peer.
    high: i32,
    /// The lowest version of the peer.
    low: i32,
}

impl IncompatibleVersion {
    /// Always false: both programs stay what they are.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// The version both sides speak: the highest common one.
///
/// # Errors
/// [`IncompatibleVersion`] when the peer's range and ours have no version in common.
///
/// ```
/// use pravega_wire_protocol::{Hello, negotiate};
///
/// assert_eq!(negotiate(&Hello { high_version: 16, low_version: 5 }).unwrap(), 16);
/// assert!(negotiate(&Hello { high_version: 30, low_version: 18 }).is_err());
/// ```
pub fn negotiate(peer: &Hello) -> Result<i32, IncompatibleVersion> {
    let common = peer.high_version.min(WIRE_VERSION);
    ensure!(
        common >= peer.low_version.max(OLDEST_COMPATIBLE_VERSION),
        IncompatibleVersionSnafu {
            high: peer.high_version,
            low: peer.low_version
        }
    );
    Ok(common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_on_the_highest_common_version() {
        let cases = [
            ((17, 5), Some(17)),
            ((16, 5), Some(16)),
            ((18, 17), Some(17)),
            ((5, 1), Some(5)),
            ((4, 1), None),
            ((18, 18), None),
            // A range without any version.
            ((10, 12), None),
            ((i32::MIN, i32::MAX), None),
            ((i32::MAX, i32::MIN), Some(17)),
        ];
        for ((high_version, low_version), version) in cases {
            let peer = Hello {
                high_version,
                low_version,
            };
            assert_eq!(negotiate(&peer).ok(), version, "{peer:?}");
        }
    }
}
