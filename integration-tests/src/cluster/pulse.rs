//! When a client has made progress.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::{sync::Notify, time::Instant};

/// The moments at which a client got on, in their order.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beats: Mutex<Vec<Instant>>,
    news: Notify,
}

impl Pulse {
    /// The client has got on.
    pub(super) fn beat(&self) {
        self.lock().push(Instant::now());
        self.news.notify_waiters();
    }

    /// The first progress at or after `moment`.
    pub(super) fn first_since(&self, moment: Instant) -> Option<Instant> {
        let beats = self.lock();
        let later = beats.partition_point(|&beat| beat < moment);
        beats.get(later).copied()
    }

    /// Waits for progress at or after `moment`.
    pub(super) async fn since(&self, moment: Instant) -> Instant {
        loop {
            let news = self.news.notified();
            if let Some(beat) = self.first_since(moment) {
                return beat;
            }
            news.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn progress_is_found_from_a_moment_on() {
        let pulse = Pulse::default();
        let start = Instant::now();
        assert_eq!(pulse.first_since(start), None);
        pulse.beat();
        let first = pulse.since(start).await;
        assert_eq!(pulse.first_since(first), Some(first));
        assert_eq!(pulse.first_since(first + Duration::from_nanos(1)), None);
    }
}
