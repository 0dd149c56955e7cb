//! What a run can find.

use std::fmt;

/// What became of the bytes, or of the promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Acknowledged bytes are gone, or a hole is in what was written.
    Lost,
    /// Bytes are there twice.
    Doubled,
    /// Bytes are there in another order, or at another place than was said.
    Reordered,
    /// The client was told what is not true: a failure for certain of bytes that are there, an end before the
    /// last byte, a conflict that was none.
    FalselyReported,
    /// Anything else that must not happen: a panic, a call that never ends, a bound that was exceeded.
    Broken,
}

impl Harm {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 5] = [
        Self::Lost,
        Self::Doubled,
        Self::Reordered,
        Self::FalselyReported,
        Self::Broken,
    ];

    /// The word for it in a report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Reordered => "reordered",
            Self::FalselyReported => "falsely reported",
            Self::Broken => "broken",
        }
    }
}

/// A property that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What kind of harm was done.
    pub harm: Harm,
    /// To how many bytes; at least 1, also where no bytes can be counted.
    pub bytes: u64,
    /// What was seen and what should have been.
    pub what: String,
}

/// What a check of a property says.
pub type Verdict<T = ()> = Result<T, Violation>;

impl Violation {
    /// Harm done to `bytes` bytes.
    pub fn new(harm: Harm, bytes: u64, what: impl Into<String>) -> Self {
        Self {
            harm,
            bytes: bytes.max(1),
            what: what.into(),
        }
    }

    /// Something that must not happen, and that no bytes can be counted of.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::new(Harm::Broken, 1, what)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.harm {
            Harm::Broken => write!(f, "broken: {}", self.what),
            harm => write!(f, "{} bytes {}: {}", self.bytes, harm.word(), self.what),
        }
    }
}

impl std::error::Error for Violation {}
