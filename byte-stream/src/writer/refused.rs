//! An append that was not accepted.

use std::{error::Error, fmt};

use bytes::Bytes;

use crate::error::WriteError;

/// A refused [`try_append`](crate::ByteWriter::try_append), with the bytes given back.
#[derive(Debug, Clone)]
pub struct RefusedAppend {
    /// Why.
    pub error: WriteError,
    /// The bytes that were not accepted.
    pub bytes: Bytes,
}

impl fmt::Display for RefusedAppend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes were not accepted", self.bytes.len())
    }
}

impl Error for RefusedAppend {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
