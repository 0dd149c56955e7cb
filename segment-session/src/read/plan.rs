//! Which bytes to ask for next.

use std::ops::Range;

use super::{
    ReadSession,
    options::{MAX_REPLY_BYTES, OFFSETS_END, OnTruncation, wide},
};

/// The next request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for these bytes.
    Read(Range<u64>),
    /// Ask for head, tail and end.
    Info,
}

/// Bytes that are neither here nor asked for.
struct Hole {
    start: u64,
    end: u64,
    /// Nothing behind it is here or asked for either.
    is_last: bool,
}

impl ReadSession {
    /// What to send next, as if a connection were there to send it on.
    pub(super) fn next_step(&self) -> Option<Step> {
        if self.failure.is_some() || !self.gear.is_demanded {
            return None;
        }
        if self.query.is_required {
            return self.question();
        }
        let hole = self.first_hole()?;
        if hole.start < self.facts.least_tail() {
            // The reads need not wait for the answer. But they may wait at the store for ever, or be refused
            // for ever, if it has lost what it had.
            if self.query.is_unverified
                && let Some(question) = self.question()
            {
                return Some(question);
            }
            return self.piece_of(&hole).map(Step::Read);
        }
        self.step_beyond_tail(&hole)
    }

    /// At most one request reaches beyond the known tail: the server would let all of them wait there.
    fn step_beyond_tail(&self, hole: &Hole) -> Option<Step> {
        if self.requests.reach_beyond(self.facts.least_tail()) {
            // The window wants to grow and there seems to be something to grow into: the tail tells.
            let grows = self.facts.expects_more() && self.piece_of(hole).is_some();
            return self.question().filter(|_| grows);
        }
        let is_starved = self.gear.is_waiting && self.buffer.ready() == 0;
        if !(is_starved || self.gear.is_following || self.facts.expects_more()) {
            return None;
        }
        if self.query.is_unverified && hole.start > 0 {
            return self.question();
        }
        self.piece_of(hole).map(Step::Read)
    }

    fn question(&self) -> Option<Step> {
        self.query.asked.is_none().then_some(Step::Info)
    }

    fn first_hole(&self) -> Option<Hole> {
        let mut start = self.buffer.ready_end();
        loop {
            if start < self.facts.head() {
                match self.limits.on_truncation {
                    OnTruncation::Error => return None,
                    OnTruncation::SkipToHead => start = self.facts.head(),
                }
            }
            let here = self.requests.end_covering(start);
            match here.or_else(|| self.buffer.end_covering(start)) {
                Some(end) => start = end,
                None => break,
            }
        }
        let stop = self
            .limits
            .until
            .min(self.facts.length().unwrap_or(OFFSETS_END));
        if start >= stop {
            return None;
        }
        let asked = self.requests.next_start(start);
        let held = self.buffer.next_start(start);
        let next = asked.into_iter().chain(held).min();
        Some(Hole {
            start,
            end: next.unwrap_or(stop).min(stop),
            is_last: next.is_none(),
        })
    }

    /// One request's part of a hole; none while there is no room for it.
    fn piece_of(&self, hole: &Hole) -> Option<Range<u64>> {
        let end = if hole.is_last {
            self.end_in_window(hole.start)?
        } else {
            aligned_end(hole.start, self.limits.request)
        };
        Some(hole.start..end.min(hole.end))
    }

    /// Where a request at `start`, behind everything else, may end. Bytes inside the window are accounted for
    /// already, so this is where the window and the bound on memory are kept.
    fn end_in_window(&self, start: u64) -> Option<u64> {
        let size = self.limits.request;
        let worth_it = size / 2;
        let base = self.buffer.base();
        let ahead = start.saturating_sub(base);
        let room_end = base.saturating_add(self.limits.read_ahead);
        let end = aligned_end(start, size).min(room_end);
        if ahead == 0 {
            return Some(end);
        }
        let is_in_window = ahead.saturating_add(worth_it) < self.gear.window.saturating_mul(size);
        (is_in_window && end > start && end - start >= worth_it).then_some(end)
    }
}

/// The end of a request of about `size` bytes: a multiple of `size`, because segment stores read their
/// long-term storage in aligned blocks and end a reply where a block ends.
fn aligned_end(start: u64, size: u64) -> u64 {
    let end = start.saturating_add(size);
    let aligned = end - end % size;
    let end = if aligned.saturating_sub(start) < size / 2 {
        aligned.saturating_add(size)
    } else {
        aligned
    };
    end.min(start.saturating_add(wide(MAX_REPLY_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_end_on_multiples_and_are_never_short() {
        const MIB: u64 = 1 << 20;
        assert_eq!(aligned_end(0, MIB), MIB);
        assert_eq!(aligned_end(1, MIB), MIB);
        assert_eq!(aligned_end(MIB - 1, MIB), 2 * MIB);
        assert_eq!(aligned_end(MIB / 2, MIB), MIB);
        assert_eq!(aligned_end(MIB / 2 + 1, MIB), 2 * MIB);
        assert_eq!(aligned_end(2 * MIB - 1, 2 * MIB), 4 * MIB - 1);
        assert!(aligned_end(u64::MAX - 1, MIB) > u64::MAX - 1);
    }
}
