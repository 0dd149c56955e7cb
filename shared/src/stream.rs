//! A stream in its scope, and a segment of it.

use std::{fmt, str::FromStr};

use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::{NameError, ScopeName, SegmentId, SegmentIdError, StreamName};

/// What a transaction's segment name has behind its parent's name, before 32 hexadecimal digits.
const TRANSACTION_DELIMITER: &str = "#transaction.";
/// How many hexadecimal digits name a transaction.
const TRANSACTION_DIGITS: usize = 32;

/// A stream, named with its scope. Printed and parsed as `scope/stream`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopedStream {
    scope: ScopeName,
    stream: StreamName,
}

/// A segment of a stream. Printed as `scope/stream/0.#epoch.0`; parsed with or without the epoch.
///
/// The text of [`Display`](fmt::Display) is the name that segment stores know the segment by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopedSegment {
    stream: ScopedStream,
    id: SegmentId,
}

/// Why a text is no `scope/stream`.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum ParseStreamError {
    /// The text does not have exactly one `/`.
    #[snafu(display("{text:?} is not of the form scope/stream"))]
    Shape {
        /// The text given.
        text: String,
    },
    /// The part before the `/` is no scope name.
    #[snafu(display("bad scope name in {text:?}"))]
    Scope {
        /// The text given.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// The part behind the `/` is no stream name.
    #[snafu(display("bad stream name in {text:?}"))]
    Stream {
        /// The text given.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
}

/// Why a text is no `scope/stream/segment`.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum ParseSegmentError {
    /// The text does not have exactly two `/`.
    #[snafu(display("{text:?} is not of the form scope/stream/segment"))]
    SegmentShape {
        /// The text given.
        text: String,
    },
    /// The first two parts name no stream.
    #[snafu(context(false), display("no stream in front of the segment"))]
    InStream {
        /// What is wrong with them.
        source: ParseStreamError,
    },
    /// The last part is no segment id.
    #[snafu(context(false), display("no segment behind the stream"))]
    InSegment {
        /// What is wrong with it.
        source: SegmentIdError,
    },
}

impl ScopedStream {
    /// Puts two checked names together.
    #[must_use]
    pub fn new(scope: ScopeName, stream: StreamName) -> Self {
        Self { scope, stream }
    }

    /// The scope's name.
    #[must_use]
    pub fn scope(&self) -> &ScopeName {
        &self.scope
    }

    /// The stream's own name.
    #[must_use]
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// The segment `id` of this stream.
    #[must_use]
    pub fn segment(&self, id: SegmentId) -> ScopedSegment {
        ScopedSegment::new(self.clone(), id)
    }
}

impl fmt::Display for ScopedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.stream)
    }
}

impl FromStr for ScopedStream {
    type Err = ParseStreamError;

    fn from_str(text: &str) -> Result<Self, ParseStreamError> {
        let (scope, stream) = text
            .split_once('/')
            .filter(|(_, stream)| !stream.contains('/'))
            .context(ShapeSnafu { text })?;
        Ok(Self {
            scope: ScopeName::new(scope).context(ScopeSnafu { text })?,
            stream: StreamName::new(stream).context(StreamSnafu { text })?,
        })
    }
}

impl ScopedSegment {
    /// The segment `id` of `stream`.
    #[must_use]
    pub fn new(stream: ScopedStream, id: SegmentId) -> Self {
        Self { stream, id }
    }

    /// The stream it belongs to.
    #[must_use]
    pub fn stream(&self) -> &ScopedStream {
        &self.stream
    }

    /// Which of the stream's segments.
    #[must_use]
    pub fn id(&self) -> SegmentId {
        self.id
    }
}

impl fmt::Display for ScopedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.id)
    }
}

impl FromStr for ScopedSegment {
    type Err = ParseSegmentError;

    /// Reads `scope/stream/0.#epoch.0`, `scope/stream/0`, or the name of a transaction's segment, which
    /// stands for the segment that it will be merged into.
    fn from_str(text: &str) -> Result<Self, ParseSegmentError> {
        let parent = without_transaction(text);
        let (stream, id) = parent
            .rsplit_once('/')
            .context(SegmentShapeSnafu { text })?;
        ensure!(stream.matches('/').count() == 1, SegmentShapeSnafu { text });
        Ok(Self {
            stream: stream.parse()?,
            id: id.parse()?,
        })
    }
}

/// For names written in a program's own text, as in `ScopedSegment::from("scope/stream/0")`.
///
/// Names that come from anywhere else are parsed with [`FromStr`], which returns the error.
impl From<&'static str> for ScopedSegment {
    /// # Panics
    /// When the literal is not of the form `scope/stream/segment`.
    fn from(literal: &'static str) -> Self {
        #[expect(
            clippy::panic,
            reason = "a literal is the programmer's own; input goes through FromStr"
        )]
        literal
            .parse()
            .unwrap_or_else(|error| panic!("{literal:?} names no segment: {error}"))
    }
}

/// For names written in a program's own text, as in `ScopedStream::from("scope/stream")`.
///
/// Names that come from anywhere else are parsed with [`FromStr`], which returns the error.
impl From<&'static str> for ScopedStream {
    /// # Panics
    /// When the literal is not of the form `scope/stream`.
    fn from(literal: &'static str) -> Self {
        #[expect(
            clippy::panic,
            reason = "a literal is the programmer's own; input goes through FromStr"
        )]
        literal
            .parse()
            .unwrap_or_else(|error| panic!("{literal:?} names no stream: {error}"))
    }
}

fn without_transaction(text: &str) -> &str {
    match text.rsplit_once(TRANSACTION_DELIMITER) {
        Some((parent, digits))
            if digits.len() == TRANSACTION_DIGITS
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) =>
        {
            parent
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_of_the_server() {
        let cases = [
            ("scope/test/123.#epoch.0", "scope/test/123.#epoch.0"),
            ("scope/test/123", "scope/test/123.#epoch.0"),
            ("scope/test/5.#epoch.2", "scope/test/5.#epoch.2"),
            (
                "a/b/1#transaction.0123456789abcdef0123456789ABCDEF",
                "a/b/1.#epoch.0",
            ),
        ];
        for (text, printed) in cases {
            assert_eq!(text.parse::<ScopedSegment>().unwrap().to_string(), printed);
        }
        assert_eq!(
            ScopedSegment::from("s/t/0"),
            "s/t/0.#epoch.0".parse().unwrap()
        );
    }

    #[test]
    fn rejects_every_other_form() {
        let bad = [
            "",
            "/",
            "a",
            "a/b",
            "test/123.#epoch.0",
            "a/b/c/0",
            "a//0",
            "/a/0",
            "a/b/",
            "a/b/x",
            "a/b/-1",
            "a/b/1#transaction.0123",
            "a/b/0 ",
            "../b/0",
            "a/../0",
        ];
        for text in bad {
            assert!(
                text.parse::<ScopedSegment>().is_err(),
                "{text:?} was accepted"
            );
        }
        for text in ["", "a", "a/", "/a", "a/b/c", "a b/c"] {
            assert!(
                text.parse::<ScopedStream>().is_err(),
                "{text:?} was accepted"
            );
        }
    }
}
