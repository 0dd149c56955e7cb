//! Frames that byte streams have no use for, kept as they came.

use std::fmt;

use bytes::Bytes;

use crate::{
    EncodeError, FrameQueue,
    layout::{Encode, sealed::Sealed},
    message_type::{self, Direction},
};

/// A message of a type that Pravega has, but not for us: tables, transactions, administration, or a
/// message that went in the wrong direction.
#[derive(Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The type code.
    pub code: i32,
    /// Pravega's name for the type.
    pub name: &'static str,
    /// The payload, not decoded.
    pub body: Bytes,
}

impl Foreign {
    /// Who sends messages of this type.
    #[must_use]
    pub fn direction(&self) -> Direction {
        message_type::lookup(self.code).map_or(Direction::Nested, |(_, direction)| direction)
    }
}

/// A message of a type that Pravega does not have: from a newer peer, or garbage.
#[derive(Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The type code.
    pub code: i32,
    /// The payload, not decoded.
    pub body: Bytes,
}

impl fmt::Debug for Foreign {
    /// The body may hold user data and tokens: its length only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, name, body } = self;
        write!(f, "Foreign({name}, type {code}, {} bytes)", body.len())
    }
}

impl fmt::Debug for Unknown {
    /// The body may hold user data and tokens: its length only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unknown(type {}, {} bytes)", self.code, self.body.len())
    }
}

impl Sealed for Foreign {}

impl Encode for Foreign {
    fn encode(&self, queue: &mut FrameQueue) -> Result<(), EncodeError> {
        put_as_it_came(queue, self.name, self.code, &self.body)
    }
}

impl Sealed for Unknown {}

impl Encode for Unknown {
    fn encode(&self, queue: &mut FrameQueue) -> Result<(), EncodeError> {
        put_as_it_came(queue, UNKNOWN, self.code, &self.body)
    }
}

fn put_as_it_came(
    queue: &mut FrameQueue,
    name: &'static str,
    code: i32,
    body: &Bytes,
) -> Result<(), EncodeError> {
    queue.put_header(name, code, body.len())?;
    queue.put_payload(&body.clone().into());
    Ok(())
}

/// What [`Unknown`] messages are called in errors and logs.
pub(crate) const UNKNOWN: &str = "Unknown";
