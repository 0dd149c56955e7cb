//! What the calls take and give, in types of our own.

use std::{collections::BTreeMap, time::Duration};

use pravega_client_shared::{DelegationToken, Endpoint, SegmentId};

/// The configuration of a stream. The default is that of a byte stream: one segment for ever, everything
/// kept.
///
/// ```
/// use pravega_controller_client::{Retention, Scaling, StreamConfiguration};
///
/// let video = StreamConfiguration::default().with_tag("camera").with_retention(Retention::Bytes {
///     min: 1 << 30,
///     max: None,
/// });
/// assert_eq!(video.scaling, Scaling::Fixed { segments: 1 });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamConfiguration {
    /// How many segments there are, and when that number changes.
    pub scaling: Scaling,
    /// How much is kept; `None` for everything.
    pub retention: Option<Retention>,
    /// The tags, each shorter than [`MAX_TAG_CHARS`] characters, at most [`MAX_TAGS`].
    pub tags: Vec<String>,
    /// After this long without a mark a writer no longer counts for the stream's watermarks; of no meaning
    /// for byte streams. Whole milliseconds.
    pub timestamp_aggregation_timeout: Duration,
    /// After this many bytes long-term storage begins another file; 0 for the server's own choice.
    pub rollover_size_bytes: u64,
}

/// The most tags of one stream. **Source**: what Pravega's Java client checks; servers do not.
pub const MAX_TAGS: usize = 128;

/// A tag has fewer characters than this. **Source**: as for [`MAX_TAGS`].
pub const MAX_TAG_CHARS: usize = 256;

/// How many segments a stream has. Counts and rates are 1 to 2^31 − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scaling {
    /// Always the same number. Byte streams need `segments: 1`.
    Fixed {
        /// How many.
        segments: u32,
    },
    /// The server splits and merges segments by the bytes written.
    ByKilobytes {
        /// Kilobytes a second that one segment is meant to take.
        target_per_second: u32,
        /// Into how many a segment is split.
        factor: u32,
        /// The least number of segments.
        min_segments: u32,
    },
    /// The server splits and merges segments by the events written.
    ByEvents {
        /// Events a second that one segment is meant to take.
        target_per_second: u32,
        /// Into how many a segment is split.
        factor: u32,
        /// The least number of segments.
        min_segments: u32,
    },
}

/// How much of a stream the server keeps when it truncates by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retention {
    /// By age, in whole milliseconds.
    Time {
        /// What is younger is kept.
        min: Duration,
        /// What is older is not kept; `None` for no such limit.
        max: Option<Duration>,
    },
    /// By size, in bytes.
    Bytes {
        /// At least this much is kept.
        min: u64,
        /// At most this much is kept; `None` for no such limit.
        max: Option<u64>,
    },
}

impl StreamConfiguration {
    /// A stream with a fixed number of segments that keeps everything.
    #[must_use]
    pub fn fixed(segments: u32) -> Self {
        Self::default().with_scaling(Scaling::Fixed { segments })
    }

    /// Sets how many segments there are.
    #[must_use]
    pub fn with_scaling(mut self, scaling: Scaling) -> Self {
        self.scaling = scaling;
        self
    }

    /// Sets how much is kept.
    #[must_use]
    pub fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Sets after how many bytes long-term storage begins another file.
    #[must_use]
    pub fn with_rollover_size_bytes(mut self, bytes: u64) -> Self {
        self.rollover_size_bytes = bytes;
        self
    }
}

impl Default for StreamConfiguration {
    fn default() -> Self {
        Self {
            scaling: Scaling::Fixed { segments: 1 },
            retention: None,
            tags: Vec::new(),
            timestamp_aggregation_timeout: Duration::ZERO,
            rollover_size_bytes: 0,
        }
    }
}

/// An offset in each segment of a stream.
pub type StreamCut = BTreeMap<SegmentId, u64>;

/// A segment and the part of the key space that it covers, from `low` (included) to `high`, within 0 to 1.
/// The one segment of a byte stream covers all of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentRange {
    /// The segment.
    pub id: SegmentId,
    /// Where its part begins.
    pub low: f64,
    /// Where its part ends.
    pub high: f64,
}

/// A segment that took over from others.
#[derive(Debug, Clone, PartialEq)]
pub struct Successor {
    /// The segment.
    pub segment: SegmentRange,
    /// All the segments that it took over from.
    pub predecessors: Vec<SegmentId>,
}

/// Where a segment is served, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The segment store.
    pub endpoint: Endpoint,
    /// Which answer this is, for [`doubt`](crate::ControllerClient::doubt).
    pub generation: u64,
}

/// What a token is meant to allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reading and asking for information.
    Read,
    /// Appending, sealing and truncating as well.
    ReadWrite,
}

/// A token for the segment stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token; empty where security is off.
    pub token: DelegationToken,
    /// Which answer this is, for [`forget_token`](crate::ControllerClient::forget_token).
    pub generation: u64,
}
