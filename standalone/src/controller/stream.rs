//! What the catalog knows of one stream, and the rules for its numbers. No I/O.

use pravega_client_shared::{ScopedSegment, ScopedStream, SegmentId};

/// The most segments a stream may have. A listing of them must fit into one reply of 4 MiB, and with the
/// longest names a segment takes about 550 bytes of it. (The real controller has no bound of its own; one
/// with 1,001 segments was tried.)
pub(super) const MAX_SEGMENTS: u32 = 4_096;

/// The most tags of a stream, as the Java client has it.
pub(super) const MAX_TAGS: usize = 128;

/// The longest tag, in bytes, as the Java client has it.
pub(super) const MAX_TAG_LEN: usize = 255;

/// When a stream is to get more or fewer segments. Recorded and reported; this server never scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scaling {
    /// The wire's number of the kind: fixed, by bytes, by events.
    pub(super) kind: i32,
    /// Kilobytes or events a second for each segment.
    pub(super) target_rate: i32,
    /// Into how many a busy segment is split.
    pub(super) factor: i32,
    /// How many segments a new stream has.
    pub(super) min_segments: i32,
}

/// When old data may go. Recorded and reported; this server never truncates by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retention {
    /// The wire's number of the kind: by time, by size.
    pub(super) kind: i32,
    /// Milliseconds or bytes to keep at least.
    pub(super) least: i64,
    /// Milliseconds or bytes to keep at most.
    pub(super) most: i64,
}

/// What the user asked for when creating or updating a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamSettings {
    pub(super) scaling: Scaling,
    pub(super) retention: Option<Retention>,
    /// Sorted, each once.
    pub(super) tags: Vec<String>,
    /// Milliseconds.
    pub(super) timestamp_aggregation_timeout: i64,
    /// Bytes; 0 for the server's choice.
    pub(super) rollover_size: i64,
}

/// Where a stream is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamState {
    Active,
    Sealed,
    /// Its segments are being deleted; the next step is to forget it.
    Deleting,
}

/// A stream: all its segments are of epoch 0, numbered from `first_segment`, of equal key ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamRecord {
    pub(super) settings: StreamSettings,
    pub(super) state: StreamState,
    pub(super) first_segment: u32,
    pub(super) segment_count: u32,
    /// The last cut that the controller truncated at: an offset for each segment, in the order of their
    /// numbers. Empty before the first truncation.
    pub(super) head: Vec<u64>,
}

/// One segment of a stream, as listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SegmentEntry {
    pub(super) id: SegmentId,
    /// Where its part of the key space begins, 0.0 to 1.0.
    pub(super) min_key: f64,
    /// Where it ends.
    pub(super) max_key: f64,
    /// The first readable offset, as far as the controller knows.
    pub(super) head: u64,
}

impl StreamSettings {
    /// The number of segments to create, or `None` for settings that no stream can have.
    pub(super) fn segment_count(&self) -> Option<u32> {
        let count = u32::try_from(self.scaling.min_segments).ok()?;
        let tags_fit =
            self.tags.len() <= MAX_TAGS && self.tags.iter().all(|tag| tag.len() <= MAX_TAG_LEN);
        (tags_fit && (1..=MAX_SEGMENTS).contains(&count)).then_some(count)
    }
}

impl StreamRecord {
    /// All segments in the order of their numbers, which is the order of their keys.
    pub(super) fn segments(&self) -> impl Iterator<Item = SegmentEntry> + '_ {
        let width = 1.0 / f64::from(self.segment_count.max(1));
        let heads = self.head.iter().copied().chain(std::iter::repeat(0));
        (0..self.segment_count)
            .zip(heads)
            .filter_map(move |(at, head)| {
                let is_last = at.saturating_add(1) == self.segment_count;
                Some(SegmentEntry {
                    id: SegmentId::new(self.first_segment.checked_add(at)?, 0).ok()?,
                    min_key: f64::from(at) * width,
                    max_key: if is_last {
                        1.0
                    } else {
                        f64::from(at.saturating_add(1)) * width
                    },
                    head,
                })
            })
    }

    /// True when `id` is one of the stream's segments.
    pub(super) fn has_segment(&self, id: SegmentId) -> bool {
        let behind = self.first_segment.saturating_add(self.segment_count);
        id.epoch() == 0 && (self.first_segment..behind).contains(&id.number())
    }

    /// The names that the segment store knows the segments by.
    pub(super) fn segment_names(&self, stream: &ScopedStream) -> Vec<String> {
        let name = |entry: SegmentEntry| ScopedSegment::new(stream.clone(), entry.id).to_string();
        self.segments().map(name).collect()
    }

    /// The same stream in another state.
    pub(super) fn in_state(&self, state: StreamState) -> Self {
        Self {
            state,
            ..self.clone()
        }
    }

    /// The number of the first segment of a stream created under the same name later.
    pub(super) fn next_segment(&self) -> u32 {
        self.first_segment.saturating_add(self.segment_count)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::controller) fn fixed(count: i32) -> StreamSettings {
        StreamSettings {
            scaling: Scaling {
                kind: 0,
                target_rate: 0,
                factor: 0,
                min_segments: count,
            },
            retention: None,
            tags: Vec::new(),
            timestamp_aggregation_timeout: 0,
            rollover_size: 0,
        }
    }

    #[test]
    fn segments_cover_the_key_space_without_gaps() {
        for count in [1, 2, 3, 7, 1_001] {
            let record = StreamRecord {
                settings: fixed(1),
                state: StreamState::Active,
                first_segment: 5,
                segment_count: count,
                head: Vec::new(),
            };
            let segments: Vec<_> = record.segments().collect();
            assert_eq!(segments.len(), usize::try_from(count).unwrap());
            assert_eq!(segments[0].min_key, 0.0);
            assert_eq!(segments[0].id, SegmentId::new(5, 0).unwrap());
            assert_eq!(segments[segments.len() - 1].max_key, 1.0);
            assert!(
                segments
                    .windows(2)
                    .all(|two| two[0].max_key == two[1].min_key)
            );
            assert!(segments.iter().all(|entry| record.has_segment(entry.id)));
            assert!(!record.has_segment(SegmentId::new(5 + count, 0).unwrap()));
            assert!(!record.has_segment(SegmentId::new(5, 1).unwrap()));
        }
    }

    #[test]
    fn settings_that_no_stream_can_have_give_no_count() {
        assert_eq!(fixed(1_001).segment_count(), Some(1_001));
        for count in [i32::MIN, -1, 0, 4_097, i32::MAX] {
            assert_eq!(fixed(count).segment_count(), None);
        }
        let tagged = |tags| StreamSettings { tags, ..fixed(1) };
        assert!(tagged(vec!["t".into(); MAX_TAGS]).segment_count().is_some());
        assert!(
            tagged(vec!["t".into(); MAX_TAGS + 1])
                .segment_count()
                .is_none()
        );
        assert!(
            tagged(vec!["t".repeat(MAX_TAG_LEN + 1)])
                .segment_count()
                .is_none()
        );
    }
}
