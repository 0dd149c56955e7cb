//! A stream as one request sees it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum_extra::headers::ETag;
use bytes::Bytes;
use pravega_byte_stream::{ByteReader, ClientFactory, ReadError, ScopedStream, SegmentInfo};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;

/// How many of the first bytes are looked at to see what they are. Every container says so at its beginning.
const FIRST_BYTES: usize = 512;
/// How many bytes of a hash tell one stream from another.
const TAG_BYTES: usize = 8;

/// The first readable offset of the stream.
const HEAD: HeaderName = HeaderName::from_static("pravega-head");
/// Where the stream ended when the answer was begun.
const TAIL: HeaderName = HeaderName::from_static("pravega-tail");
/// Whether the stream will stay as it is.
const SEALED: HeaderName = HeaderName::from_static("pravega-sealed");

/// What nobody knows better.
const UNKNOWN_MEDIA: &str = "application/octet-stream";
/// Media that a browser plays and never runs. What is recorded here may come from anybody: it is shown as a
/// page or a script on no account.
const PLAYABLE: [&str; 2] = ["video/", "audio/"];

/// A stream, with its state when the request came.
pub(crate) struct Opened {
    pub(crate) reader: ByteReader,
    pub(crate) info: SegmentInfo,
    first: Bytes,
}

impl Opened {
    /// Asks where the stream begins and ends, and what it begins with.
    pub(crate) async fn open(
        factory: &ClientFactory,
        stream: &ScopedStream,
    ) -> Result<Self, Problem> {
        let reader = reader(factory, stream).await?;
        let info = reader.info().await?;
        let first = first_bytes(&reader, &info).await?;
        Ok(Self {
            reader,
            info,
            first,
        })
    }

    /// How many bytes can be read.
    pub(crate) fn len(&self) -> u64 {
        self.info.tail.saturating_sub(self.info.head)
    }

    /// The tag of the log, which grows: as long as it is the same, so is every byte at its place. That is what
    /// somebody with a part of it wants to know. It changes when the beginning is truncated, or when the stream
    /// is another one under the same name.
    pub(crate) fn tag(&self) -> Option<ETag> {
        let hash = Sha256::digest(&self.first);
        let mut text = format!("\"{:x}-", self.info.head);
        for byte in hash.iter().take(TAG_BYTES) {
            text.push_str(&format!("{byte:02x}"));
        }
        text.push('"');
        text.parse().ok()
    }

    /// What all answers about the stream say of it.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let media = media_type(&self.first).unwrap_or(UNKNOWN_MEDIA);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(HEAD, self.info.head.into());
        headers.insert(TAIL, self.info.tail.into());
        let sealed = if self.info.is_sealed { "true" } else { "false" };
        headers.insert(SEALED, HeaderValue::from_static(sealed));
        headers
    }
}

/// A reader that has asked for nothing yet.
pub(crate) async fn reader(
    factory: &ClientFactory,
    stream: &ScopedStream,
) -> Result<ByteReader, Problem> {
    let segment = factory.segment_of(stream).await?;
    Ok(factory.create_byte_reader(segment).await)
}

/// The bytes that tell what the stream holds, as far as they are there.
pub(crate) async fn first_bytes(
    reader: &ByteReader,
    info: &SegmentInfo,
) -> Result<Bytes, ReadError> {
    if info.head == info.tail {
        return Ok(Bytes::new());
    }
    reader.read_at(info.head, FIRST_BYTES).await
}

/// True when more bytes would not change what is known.
pub(crate) fn is_telling(first: &[u8]) -> bool {
    first.len() >= FIRST_BYTES
}

/// The media type of what begins with these bytes, if it is one that is played.
pub(crate) fn media_type(first: &[u8]) -> Option<&'static str> {
    let media = infer::get(first)?.mime_type();
    PLAYABLE
        .iter()
        .any(|kind| media.starts_with(kind))
        .then_some(media)
}
