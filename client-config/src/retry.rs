//! How failed attempts are spaced and counted. Values only: the waiting is done by the layers that retry.

use std::time::Duration;

use crate::{ConfigError, range};

/// Delays between attempts, growing from the first to a cap, and the number of attempts of one call.
///
/// The layers add jitter on top, so that clients cut off together do not come back together.
///
/// | value | unit | default | allowed |
/// | --- | --- | --- | --- |
/// | [`initial_backoff`](Self::with_initial_backoff) | time | 50 ms | 1 ms to 1 min |
/// | [`max_backoff`](Self::with_max_backoff) | time | 10 s | `initial_backoff` to 1 h |
/// | [`factor`](Self::with_factor) | – | 2 | 1 to 100 |
/// | [`max_attempts`](Self::with_max_attempts) | attempts | 10 | 1 to 1,000 |
///
/// The attempts bound calls to the controller. A writer or reader that lost its segment store goes on
/// until its operation's deadline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    initial_backoff: Duration,
    max_backoff: Duration,
    factor: f32,
    max_attempts: usize,
}

impl RetryPolicy {
    /// Sets the delay before the second attempt. Default 50 ms, allowed 1 ms to 1 min.
    #[must_use]
    pub fn with_initial_backoff(mut self, delay: Duration) -> Self {
        self.initial_backoff = delay;
        self
    }

    /// Sets the longest delay. Default 10 s, allowed from the initial delay to 1 h.
    #[must_use]
    pub fn with_max_backoff(mut self, delay: Duration) -> Self {
        self.max_backoff = delay;
        self
    }

    /// Sets what each delay is multiplied with to give the next one. Default 2, allowed 1 to 100.
    #[must_use]
    pub fn with_factor(mut self, factor: f32) -> Self {
        self.factor = factor;
        self
    }

    /// Sets how often a controller call is tried in all. Default 10, allowed 1 (no repetition) to 1,000.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: usize) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The delay before the second attempt.
    #[must_use]
    pub fn initial_backoff(&self) -> Duration {
        self.initial_backoff
    }

    /// The longest delay.
    #[must_use]
    pub fn max_backoff(&self) -> Duration {
        self.max_backoff
    }

    /// What each delay is multiplied with to give the next one.
    #[must_use]
    pub fn factor(&self) -> f32 {
        self.factor
    }

    /// How often a controller call is tried in all, the first attempt included.
    #[must_use]
    pub fn max_attempts(&self) -> usize {
        self.max_attempts
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        range::duration(
            "retry.initial_backoff",
            self.initial_backoff,
            Duration::from_millis(1)..=Duration::from_secs(60),
        )?;
        range::duration(
            "retry.max_backoff",
            self.max_backoff,
            self.initial_backoff..=Duration::from_secs(3_600),
        )?;
        range::number("retry.factor", self.factor, 1.0..=100.0)?;
        range::number("retry.max_attempts", self.max_attempts, 1..=1_000)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(10),
            factor: 2.0,
            max_attempts: 10,
        }
    }
}
