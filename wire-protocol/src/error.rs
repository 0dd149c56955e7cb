//! What can be wrong with bytes that came in, and with a message that should go out.

use snafu::Snafu;

/// Bytes that are no frame, or a frame whose payload is not what its type promises.
///
/// The peer is at fault and the stream cannot be followed any further: close the connection.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum DecodeError {
    /// A header announces a payload of less than no bytes.
    #[snafu(display("frame of type {code} announces a payload of {announced} bytes"))]
    NegativeFrame {
        /// The type code in the header.
        code: i32,
        /// The announced length.
        announced: i32,
    },
    /// A header announces a payload above the limit for its type.
    #[snafu(display(
        "frame of type {code} announces a payload of {announced} bytes, allowed are {max}"
    ))]
    FrameTooLarge {
        /// The type code in the header.
        code: i32,
        /// The announced length, in bytes.
        announced: u32,
        /// The limit in force, in bytes.
        max: u32,
    },
    /// The payload ends before a field does.
    #[snafu(display("{message}.{field} needs {needed} bytes, the frame has {left} left"))]
    Short {
        /// Which message.
        message: &'static str,
        /// Which of its fields.
        field: &'static str,
        /// How many bytes the field needs.
        needed: usize,
        /// How many are left.
        left: usize,
    },
    /// A length inside the payload is below zero.
    #[snafu(display("{message}.{field} announces {length} bytes"))]
    NegativeField {
        /// Which message.
        message: &'static str,
        /// Which of its fields.
        field: &'static str,
        /// The announced length.
        length: i32,
    },
    /// A name or token is neither UTF-8 nor Java's modified UTF-8.
    #[snafu(display("{message}.{field} is no text"))]
    BadText {
        /// Which message.
        message: &'static str,
        /// Which of its fields.
        field: &'static str,
    },
    /// A frame inside the payload is of a type that does not belong there.
    #[snafu(display("{message}.{field} holds a nested frame of type {found}"))]
    BadNesting {
        /// Which message.
        message: &'static str,
        /// Which of its fields.
        field: &'static str,
        /// The type code of the nested frame.
        found: i32,
    },
}

impl DecodeError {
    /// Always false: the same bytes never decode. A new connection to the same peer may fare better.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// A message that no peer would accept. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum EncodeError {
    /// The payload would be larger than [`MAX_SENT_PAYLOAD`](crate::MAX_SENT_PAYLOAD).
    #[snafu(display("{message} would take {length} bytes, a frame carries at most {max}"))]
    MessageTooLarge {
        /// Which message.
        message: &'static str,
        /// Its payload, in bytes.
        length: usize,
        /// The limit, in bytes.
        max: u32,
    },
    /// A name or token does not fit a string's two-byte length.
    #[snafu(display("{message}.{field} takes {length} bytes, a string has at most {max}"))]
    TextTooLong {
        /// Which message.
        message: &'static str,
        /// Which of its fields.
        field: &'static str,
        /// Its encoded length, in bytes.
        length: usize,
        /// The limit, in bytes.
        max: u16,
    },
}

impl EncodeError {
    /// Always false: the same message never fits.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}
