//! User bytes on their way in or out.

use std::{fmt, slice, sync::Arc};

use bytes::Bytes;

/// User bytes inside a message: one or several chunks, shared, never copied on the way.
///
/// Cloning costs a reference count. Two payloads are equal when their bytes are, however they are cut.
/// `Debug` prints the length only, so that user data does not reach a log.
///
/// ```
/// use bytes::Bytes;
/// use pravega_wire_protocol::Payload;
///
/// let whole = Payload::from(Bytes::from_static(b"hello"));
/// let parts = Payload::from_chunks(vec![Bytes::from_static(b"he"), Bytes::from_static(b"llo")]);
/// assert_eq!(whole, parts);
/// assert_eq!(parts.into_bytes(), "hello");
/// assert_eq!(format!("{whole:?}"), "Payload(5 bytes)");
/// ```
#[derive(Clone, Default)]
pub struct Payload {
    chunks: Chunks,
    /// Sum of the chunks; saturates, so that an absurd rope is refused as too large, not wrapped around.
    len: usize,
}

#[derive(Clone)]
enum Chunks {
    One(Bytes),
    Many(Arc<[Bytes]>),
}

impl Payload {
    /// A payload with no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Strings several chunks together without copying them. Empty ones are left out.
    #[must_use]
    pub fn from_chunks(mut chunks: Vec<Bytes>) -> Self {
        chunks.retain(|chunk| !chunk.is_empty());
        match chunks.len() {
            0 | 1 => chunks.pop().map_or_else(Self::new, Self::from),
            _ => Self {
                len: chunks
                    .iter()
                    .fold(0, |sum, chunk| sum.saturating_add(chunk.len())),
                chunks: Chunks::Many(chunks.into()),
            },
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chunks in order; none of them is empty, and an empty payload has none.
    #[must_use]
    pub fn chunks(&self) -> &[Bytes] {
        match &self.chunks {
            Chunks::One(chunk) if chunk.is_empty() => &[],
            Chunks::One(chunk) => slice::from_ref(chunk),
            Chunks::Many(chunks) => chunks,
        }
    }

    /// All bytes in one piece. Copies only when there are several chunks.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.chunks {
            Chunks::One(chunk) => chunk,
            Chunks::Many(chunks) => chunks.concat().into(),
        }
    }
}

impl Default for Chunks {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self {
            len: bytes.len(),
            chunks: Chunks::One(bytes),
        }
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        match (&self.chunks, &other.chunks) {
            (Chunks::One(mine), Chunks::One(theirs)) => mine == theirs,
            _ => {
                self.len == other.len
                    && (self.chunks().iter().flatten()).eq(other.chunks().iter().flatten())
            }
        }
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_of_bytes_not_of_chunks() {
        let cut = |at: usize| {
            let mut front = Bytes::from_static(b"hello world");
            let back = front.split_off(at);
            Payload::from_chunks(vec![Bytes::new(), front, back])
        };
        assert_eq!(cut(0), cut(5));
        assert_eq!(cut(3), cut(5));
        assert_ne!(cut(3), Payload::from(&b"hello worlds"[..]));
        assert_ne!(cut(3), Payload::from(&b"hello_world"[..]));
        assert_eq!(cut(3).chunks().len(), 2);
        assert_eq!(cut(0).chunks().len(), 1);
    }

    #[test]
    fn one_chunk_is_never_copied() {
        let bytes = Bytes::from(vec![1; 100]);
        let start = bytes.as_ptr();
        let payload = Payload::from_chunks(vec![bytes]);
        assert_eq!(payload.clone().into_bytes().as_ptr(), start);
        assert!(Payload::new().is_empty() && Payload::new().chunks().is_empty());
    }
}
