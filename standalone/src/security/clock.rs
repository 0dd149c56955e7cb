//! The time that tokens are dated by: the wall clock when the server started, and the monotonic clock since.
//!
//! Tokens are good for one start of the server only, so nobody else's clock has a part in it, and a wall clock
//! that is set neither ends tokens nor lengthens them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The clock of one start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started_unix: Duration,
    started: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started_unix: since_epoch.unwrap_or_default(),
            started: Instant::now(),
        }
    }

    /// Since 1970.
    pub(super) fn now(&self) -> Duration {
        self.started_unix.saturating_add(self.started.elapsed())
    }

    /// The moment of a time since 1970; none when it is beyond what the machine can count.
    pub(super) fn instant(&self, unix: Duration) -> Option<Instant> {
        self.started
            .checked_add(unix.saturating_sub(self.started_unix))
    }
}
