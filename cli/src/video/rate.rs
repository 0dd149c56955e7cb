//! How fast a stream grows. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time that a rate is taken over; in less, one block more or less is half of it.
const WINDOW: Duration = Duration::from_secs(1);

/// The tail at one moment, and how fast it moved until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    at: Instant,
    tail: u64,
    rate: Option<u64>,
}

impl Meter {
    pub(crate) fn new(now: Instant, tail: u64) -> Self {
        Self {
            at: now,
            tail,
            rate: None,
        }
    }

    /// Bytes for each second, over the last window; none before there has been one.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// The meter after the tail was seen again.
    pub(crate) fn seen(self, now: Instant, tail: u64) -> Self {
        let elapsed = now.saturating_duration_since(self.at);
        // A tail that went back belongs to another stream of the same name.
        let Some(grown) = tail.checked_sub(self.tail) else {
            return Self::new(now, tail);
        };
        if elapsed < WINDOW {
            return self;
        }
        let per_second = u128::from(grown) * 1_000 / elapsed.as_millis().max(1);
        Self {
            at: now,
            tail,
            rate: Some(u64::try_from(per_second).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_known_after_one_window_and_follows_the_tail() {
        let start = Instant::now();
        let meter = Meter::new(start, 100);
        assert_eq!(meter.rate(), None);
        let early = meter.seen(start + WINDOW / 2, 1_000);
        assert_eq!(early.rate(), None);
        let grown = early.seen(start + 2 * WINDOW, 2_100);
        assert_eq!(grown.rate(), Some(1_000));
        let still = grown.seen(start + 3 * WINDOW, 2_100);
        assert_eq!(still.rate(), Some(0));
    }

    #[test]
    fn a_tail_that_went_back_and_a_clock_that_did_begin_anew() {
        let start = Instant::now();
        let meter = Meter::new(start, 100).seen(start + WINDOW, 200);
        assert_eq!(meter.seen(start + 2 * WINDOW, 10).rate(), None);
        assert_eq!(meter.seen(start, u64::MAX).rate(), Some(100));
        let most = Meter::new(start, 0).seen(start + WINDOW, u64::MAX);
        assert_eq!(most.rate(), Some(u64::MAX));
    }
}
