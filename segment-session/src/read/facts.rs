//! What is known about the segment.

/// Head, tail and end of a segment, as far as the store has told.
#[derive(Debug, Default)]
pub(super) struct Facts {
    head: u64,
    tail: Option<u64>,
    expects_more: bool,
    length: Option<u64>,
}

/// A state of the segment, as one answer of the segment store tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFacts {
    /// The first readable offset.
    pub head: u64,
    /// The offset of the next byte to be written.
    pub tail: u64,
    /// True when nothing more is written, so that the tail is the end.
    pub sealed: bool,
}

impl Facts {
    /// The first readable offset; at least this much is truncated.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// A lower bound of the tail; none while nothing is known of it.
    pub(super) fn tail(&self) -> Option<u64> {
        self.tail
    }

    /// The lower bound again, 0 when nothing is known.
    pub(super) fn least_tail(&self) -> u64 {
        self.tail.unwrap_or(0)
    }

    /// There is reason to believe that the tail is behind what is known of it.
    pub(super) fn expects_more(&self) -> bool {
        self.expects_more
    }

    /// What the last word on the tail makes one believe.
    pub(super) fn expect_more(&mut self, is_expected: bool) {
        self.expects_more = is_expected;
    }

    /// The final length of a sealed segment.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The segment reaches at least this far. True when that is more than was known.
    pub(super) fn learn_tail(&mut self, tail: u64) -> bool {
        let more = self.tail.is_none_or(|known| known < tail);
        if more {
            self.tail = Some(tail);
        }
        more
    }

    /// Everything before `head` is truncated, and the tail is somewhere at or behind it.
    pub(super) fn learn_head(&mut self, head: u64) {
        self.head = self.head.max(head);
        if self.learn_tail(head) {
            self.expects_more = true;
        }
    }

    /// The segment is sealed and ends here. False, and nothing is learnt, when it is known to be longer or
    /// to end elsewhere.
    pub(super) fn learn_length(&mut self, length: u64) -> bool {
        let fits = self.least_tail() <= length && self.length.is_none_or(|known| known == length);
        if fits {
            self.tail = Some(length);
            self.expects_more = false;
            self.length = Some(length);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_only_grow() {
        let mut facts = Facts::default();
        assert_eq!(facts.tail(), None);
        assert!(facts.learn_tail(0));
        assert!(facts.learn_tail(10));
        assert!(!facts.learn_tail(5));
        facts.learn_head(20);
        facts.learn_head(3);
        assert_eq!((facts.head(), facts.tail()), (20, Some(20)));
    }

    #[test]
    fn a_length_neither_shrinks_nor_changes() {
        let mut facts = Facts::default();
        facts.learn_tail(10);
        assert!(!facts.learn_length(9));
        assert!(facts.learn_length(12));
        assert!(!facts.learn_length(13));
        assert_eq!((facts.length(), facts.tail()), (Some(12), Some(12)));
    }
}
