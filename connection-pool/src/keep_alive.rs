//! When to ask a silent peer whether it lives, and when to give it up. Pure: the time is passed in.
//!
//! ```text
//!  last sign of life        question          question           dead
//!        |── one period ──────|── one period ───|── one period ───|
//! ```
//!
//! A peer is given up only after a question stayed without an answer for two periods: a process that was
//! stopped for minutes asks first when it goes on. Any byte received answers the question. So does a
//! socket that was full and takes bytes again, because the question may be waiting behind them.

use pravega_client_shared::planted::{self, Bug};
use tokio::time::{Duration, Instant};

use crate::limits::SILENT_PERIODS;

/// The clock of one connection.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    period: Duration,
    last_sign: Instant,
    /// When the first question since the last sign of life was asked, and how many were.
    asked: Option<(Instant, u32)>,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing before this instant.
    Nothing(Instant),
    /// A keep-alive must be sent now; call again for the next instant.
    Question,
    /// The peer is dead: it has been silent for this long.
    Dead(Duration),
}

impl KeepAlive {
    pub(crate) fn new(period: Duration, now: Instant) -> Self {
        Self {
            period,
            last_sign: now,
            asked: None,
        }
    }

    /// The longest time without a question.
    pub(crate) fn period(&self) -> Duration {
        self.period
    }

    /// The peer has shown that it lives.
    pub(crate) fn sign_of_life(&mut self, now: Instant) {
        self.last_sign = now;
        self.asked = None;
    }

    /// What is due at `now`. A question counts as asked when it has been returned.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let (at, next) = match self.asked {
            None => (self.last_sign + self.period, (now, 1)),
            Some((first, count)) => (first + self.period * count, (first, count + 1)),
        };
        if now < at {
            return Due::Nothing(at);
        }
        if next.1 >= SILENT_PERIODS && !planted::is_on(Bug::KeepAliveWithoutEcho) {
            return Due::Dead(now.saturating_duration_since(self.last_sign));
        }
        self.asked = Some(next);
        Due::Question
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    fn clock() -> (KeepAlive, Instant) {
        let start = Instant::now();
        (KeepAlive::new(PERIOD, start), start)
    }

    #[test]
    fn asks_twice_and_gives_up_after_three_periods() {
        let (mut clock, start) = clock();
        assert_eq!(clock.due(start), Due::Nothing(start + PERIOD));
        assert_eq!(clock.due(start + PERIOD), Due::Question);
        assert_eq!(clock.due(start + PERIOD), Due::Nothing(start + PERIOD * 2));
        assert_eq!(clock.due(start + PERIOD * 2), Due::Question);
        assert_eq!(
            clock.due(start + PERIOD * 2),
            Due::Nothing(start + PERIOD * 3)
        );
        assert_eq!(clock.due(start + PERIOD * 3), Due::Dead(PERIOD * 3));
    }

    #[test]
    fn any_sign_of_life_starts_over() {
        let (mut clock, start) = clock();
        assert_eq!(clock.due(start + PERIOD), Due::Question);
        clock.sign_of_life(start + PERIOD);
        assert_eq!(clock.due(start + PERIOD), Due::Nothing(start + PERIOD * 2));
        assert_eq!(clock.due(start + PERIOD * 2), Due::Question);
    }

    #[test]
    fn a_process_that_slept_asks_before_it_gives_up() {
        let (mut clock, start) = clock();
        let woken = start + Duration::from_secs(600);
        assert_eq!(clock.due(woken), Due::Question);
        assert_eq!(clock.due(woken), Due::Nothing(woken + PERIOD));
    }
}
