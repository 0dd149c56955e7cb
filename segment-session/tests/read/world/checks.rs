//! What must hold, whatever happened.

use pravega_segment_session::{OnTruncation, ReadFailure};

use super::World;
use crate::model_server::content;

impl World {
    pub(super) fn check_bytes(&mut self, before: u64, bytes: &[u8]) {
        let len = u64::try_from(bytes.len()).unwrap();
        assert!(self.options.until.is_none_or(|until| before + len <= until));
        assert!(before + len <= self.server.tail());
        assert!(
            bytes == content(before..before + len),
            "wrong bytes at {before}"
        );
        self.seen.bytes += len;
        assert_eq!(self.session.position(), before + len);
    }

    /// Where the session stood when it gave `len` bytes to a consumer that was at `before`. It may have moved
    /// over truncated bytes first; that it tells of this is checked with its next events.
    pub(super) fn moved(&mut self, before: u64, len: usize) -> u64 {
        let start = self.session.position() - u64::try_from(len).unwrap();
        if start != before {
            self.gap = Some((before, start));
        }
        start
    }

    pub(super) fn check_failure(&mut self, failure: &ReadFailure) {
        let position = self.session.position();
        match failure {
            ReadFailure::Truncated { requested, head } => {
                self.seen.truncations += 1;
                assert_eq!(self.options.on_truncation, OnTruncation::Error);
                assert_eq!(*requested, position);
                assert!(*head > position && *head <= self.server.head());
            }
            ReadFailure::BeyondEnd { requested, length } => {
                self.seen.beyond += 1;
                assert_eq!((*requested, *length), (position, self.server.tail()));
                assert!(self.server.is_sealed() && position > *length);
            }
            ReadFailure::NoSuchSegment { .. } => {
                self.seen.deletions += 1;
                assert!(self.server.is_deleted());
            }
            ReadFailure::Protocol { .. } | ReadFailure::Unauthorized { .. } => {
                assert!(self.seen.violations + self.seen.refusals > 0);
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn check(&mut self) {
        let mut ranges: Vec<_> = self.session.outstanding().collect();
        ranges.sort_by_key(|range| range.start);
        for pair in ranges.windows(2) {
            assert!(pair[0].end <= pair[1].start, "overlap: {ranges:?}");
        }
        let asked: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let bound = self
            .options
            .max_read_ahead_bytes
            .max(self.options.request_bytes)
            + self.options.keep_behind_bytes;
        let held = self.session.held_bytes();
        assert!(
            asked + held <= u64::try_from(bound).unwrap(),
            "{asked} asked and {held} held with a bound of {bound}: {:?}",
            self.session
        );
        let tail = self.session.known_tail().unwrap_or(0);
        assert!(ranges.iter().filter(|range| range.end > tail).count() <= 1);
        self.seen.stale = self.session.stats().stale_replies;
        if self.seen.seeks == 0 && self.flows <= 1 && self.seen.gaps == 0 {
            // Nothing was ever forgotten, so one request at the tail is all that there may be.
            assert!(self.server.waiting_at_tail() <= 1);
        }
        // What waits for the consumer is told to it.
        let is_ready = self.session.available() > 0;
        assert!(
            !(self.is_waiting && is_ready),
            "not woken: {:?}",
            self.session
        );
    }
}
