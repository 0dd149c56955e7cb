//! Connection level: the version exchange and the keep-alive.

use crate::{OLDEST_COMPATIBLE_VERSION, WIRE_VERSION, layout::layout};

/// Tells the peer which wire versions the sender speaks.
///
/// The client sends it first, the segment store answers each with its own; see
/// [`negotiate`](crate::negotiate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hello {
    /// The highest version the sender speaks.
    pub high_version: i32,
    /// The lowest version the sender accepts.
    pub low_version: i32,
}

impl Hello {
    /// What we send.
    #[must_use]
    pub const fn current() -> Self {
        Self {
            high_version: WIRE_VERSION,
            low_version: OLDEST_COMPATIBLE_VERSION,
        }
    }
}

layout!(
    Hello = HELLO {
        high_version,
        low_version,
    }
);

/// Asks for a sign of life; a segment store answers each with one of its own.
///
/// The echo may overtake acks: it is no barrier. A payload is legal and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeepAlive;

layout!(KeepAlive = KEEP_ALIVE {});
