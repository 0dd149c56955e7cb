//! What must hold for a reader, whatever happened.

use pravega_segment_session::{OnTruncation, ReadFailure};

use super::{Reader, broken, falsely, hash_of, is_for_trouble};
use crate::{
    campaign::{Harm, Verdict, Violation},
    simulation::store::{Store, narrow, wide},
};

impl Reader {
    /// A failure is told only for what is so.
    pub(super) fn check_failure(&self, failure: &ReadFailure, store: &Store) -> Verdict {
        let position = self.session.position();
        let is_true = match failure {
            ReadFailure::Truncated { requested, head } => {
                self.options.on_truncation == OnTruncation::Error
                    && *requested == position
                    && *head > position
                    && *head <= store.head()
            }
            ReadFailure::BeyondEnd { requested, length } => {
                store.is_sealed()
                    && (*requested, *length) == (position, store.tail())
                    && position > *length
            }
            ReadFailure::NoSuchSegment { .. } => store.is_deleted(),
            ReadFailure::DataLoss { .. } => store.has_lost(),
            failure => is_for_trouble(failure) && self.way.troubles > 0,
        };
        match is_true {
            true => Ok(()),
            false => falsely(format!("at {position}: {failure}")),
        }
    }

    /// Requests never overlap, memory is bounded, at most one request waits at the tail, and who waits for
    /// bytes is told of them.
    pub(crate) fn check(&self, store: &Store) -> Verdict {
        let mut asked = 0;
        let mut beyond = 0;
        let tail = self.session.known_tail().unwrap_or(0);
        for (at, range) in self.session.outstanding().enumerate() {
            asked += range.end - range.start;
            beyond += usize::from(range.end > tail);
            let overlaps =
                |other: std::ops::Range<u64>| other.start < range.end && range.start < other.end;
            if self.session.outstanding().skip(at + 1).any(overlaps) {
                return broken(format!("{range:?} is asked for twice"));
            }
        }
        let options = &self.options;
        let bound = options.max_read_ahead_bytes.max(options.request_bytes);
        let bound = wide(bound + options.keep_behind_bytes);
        let held = self.session.held_bytes();
        if asked + held > bound {
            return broken(format!(
                "{asked} asked and {held} held with a bound of {bound}"
            ));
        }
        if beyond > 1 {
            return broken(format!("{beyond} requests reach beyond the tail at {tail}"));
        }
        if self.is_waiting && self.session.available() > 0 {
            return broken("the consumer was not woken".to_owned());
        }
        if let Some(gap) = self.gap {
            return broken(format!("{gap:?} was passed over in silence"));
        }
        if !store.rules.shows_late && !store.has_lost() && self.session.is_at_tail() {
            return self.check_flushed();
        }
        Ok(())
    }

    /// A reader that was made after a flush sees what was flushed.
    fn check_flushed(&self) -> Verdict {
        let position = self.session.position();
        match position < self.flushed && self.options.until.is_none_or(|until| until > position) {
            true => Err(Violation::new(
                Harm::Lost,
                self.flushed - position,
                format!(
                    "at the tail at {position}, but {} were flushed",
                    self.flushed
                ),
            )),
            false => Ok(()),
        }
    }

    /// What the consumer was given is what the segment holds, and the end was the end.
    pub(crate) fn check_end(&self, store: &Store) -> Verdict {
        if store.has_lost() {
            return self.check_loss(store);
        }
        for seen in &self.seen {
            let range = narrow(seen.at)..narrow(seen.at + seen.len);
            let stored = store.content.get(range).map(hash_of);
            if stored != Some(seen.hash) {
                let what = format!("{} bytes seen at {} are others now", seen.len, seen.at);
                return Err(Violation::new(Harm::Lost, seen.len, what));
            }
        }
        match self.end {
            Some(end) if end != store.tail() => {
                let what = format!(
                    "the end was said to be at {end}, but is at {}",
                    store.tail()
                );
                let missing = store.tail().saturating_sub(end);
                Err(Violation::new(Harm::FalselyReported, missing, what))
            }
            _ => Ok(()),
        }
    }

    /// A reader that knew of bytes that are gone does not wait for them.
    fn check_loss(&self, store: &Store) -> Verdict {
        let known = self.session.known_tail().unwrap_or(0);
        match self.is_waiting && self.session.is_attached() && known > store.tail() {
            true => falsely(format!("nobody noticed that a tail of {known} is gone")),
            false => Ok(()),
        }
    }
}
