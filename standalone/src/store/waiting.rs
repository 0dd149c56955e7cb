//! Reads parked at the tail of a segment.

use tokio::sync::oneshot;

/// Why a parked read is told to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// The byte it waits for is there.
    Data,
    /// No byte will come any more.
    Sealed,
    /// The segment is gone.
    Deleted,
}

/// Below this many parked reads nobody looks for abandoned ones.
const FIRST_SWEEP: usize = 16;

/// The parked reads of one segment. Its bound is the limit of parked reads on each connection; reads whose
/// connection went away are swept out before the list doubles.
#[derive(Debug)]
pub(super) struct Waiting {
    parked: Vec<(u64, oneshot::Sender<Wake>)>,
    sweep_at: usize,
}

impl Waiting {
    /// Parks a read that waits for the byte at `offset`.
    pub(super) fn park(&mut self, offset: u64) -> oneshot::Receiver<Wake> {
        if self.parked.len() >= self.sweep_at {
            self.parked.retain(|(_, sender)| !sender.is_closed());
            self.sweep_at = self.parked.len().saturating_mul(2).max(FIRST_SWEEP);
        }
        let (sender, receiver) = oneshot::channel();
        self.parked.push((offset, sender));
        receiver
    }

    /// Wakes the reads whose byte lies below the new tail.
    pub(super) fn wake_below(&mut self, tail: u64) {
        for (_, sender) in self.parked.extract_if(.., |(offset, _)| *offset < tail) {
            // A connection that went away no longer listens.
            sender.send(Wake::Data).ok();
        }
    }

    /// Wakes every read.
    pub(super) fn wake_all(&mut self, wake: Wake) {
        for (_, sender) in self.parked.drain(..) {
            sender.send(wake).ok();
        }
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            parked: Vec::new(),
            sweep_at: FIRST_SWEEP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_only_what_can_be_read() {
        let mut waiting = Waiting::default();
        let mut at_tail = waiting.park(10);
        let mut beyond = waiting.park(20);
        waiting.wake_below(20);
        assert_eq!(at_tail.try_recv(), Ok(Wake::Data));
        assert!(beyond.try_recv().is_err());
        waiting.wake_below(21);
        assert_eq!(beyond.try_recv(), Ok(Wake::Data));
    }

    #[test]
    fn abandoned_reads_do_not_pile_up() {
        let mut waiting = Waiting::default();
        let kept = waiting.park(1);
        for _ in 0..10_000 {
            drop(waiting.park(1));
        }
        assert!(waiting.parked.len() <= 2 * FIRST_SWEEP);
        waiting.wake_all(Wake::Sealed);
        assert_eq!(kept.blocking_recv(), Ok(Wake::Sealed));
    }
}
