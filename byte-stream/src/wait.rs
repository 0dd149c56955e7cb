//! Waiting for a session's progress from `poll` functions.

use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, futures::OwnedNotified},
    time::{Sleep, sleep},
};

use crate::driver::now;

/// Who waits is polled when the deadline passes, at once or, on a busy machine, somewhat later. A deadline that
/// has passed for longer was that of a wait that was dropped.
const MOMENT: Duration = Duration::from_secs(1);

/// What a reader or writer remembers of its wait between two polls.
#[derive(Debug, Default)]
pub(crate) struct PollWait {
    progress: Option<Pin<Box<OwnedNotified>>>,
    deadline: Option<Pin<Box<Sleep>>>,
    began: Option<Instant>,
}

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something changed, or may have changed: look again.
    Progress,
    /// The deadline passed.
    Late,
}

impl PollWait {
    /// Waits for the next progress, at most `after` from the first poll on.
    ///
    /// The first poll registers and says `Progress` at once, so that the caller looks again and misses
    /// nothing that happened between its first look and the registration.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        progress: &Arc<Notify>,
        after: Option<Duration>,
    ) -> Poll<Woken> {
        if let Some(after) = after {
            self.forget_a_dropped_wait();
            let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(after)));
            if deadline.as_mut().poll(cx).is_ready() {
                self.reset();
                return Poll::Ready(Woken::Late);
            }
        }
        if let Some(waiting) = &mut self.progress {
            ready!(waiting.as_mut().poll(cx));
            self.progress = None;
        } else {
            let mut waiting = Box::pin(Arc::clone(progress).notified_owned());
            if waiting.as_mut().poll(cx).is_pending() {
                self.progress = Some(waiting);
            }
        }
        Poll::Ready(Woken::Progress)
    }

    /// A `poll` function is not told when its caller gives up. The next caller has its full time.
    fn forget_a_dropped_wait(&mut self) {
        let passed = |deadline: &Pin<Box<Sleep>>| deadline.deadline().elapsed();
        if self.deadline.as_ref().map(passed) > Some(MOMENT) {
            self.reset();
        }
    }

    /// When the wait began: now, if it had not.
    pub(crate) fn began(&mut self) -> Instant {
        *self.began.get_or_insert_with(now)
    }

    /// The wait is over: the next one has its full time again.
    pub(crate) fn reset(&mut self) {
        self.progress = None;
        self.deadline = None;
        self.began = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt as _;
    use tokio::time::{Instant, advance};

    use super::*;

    const AFTER: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn t73_a_dropped_wait_does_not_shorten_the_next_one() {
        let (mut wait, progress) = (PollWait::default(), Arc::new(Notify::new()));
        let polled = |cx: &mut Context<'_>, wait: &mut PollWait| {
            let woken = ready!(wait.poll(cx, &progress, Some(AFTER)));
            // The first poll says "look again", which finds nothing.
            if woken == Woken::Progress {
                ready!(wait.poll(cx, &progress, Some(AFTER)));
            }
            Poll::Ready(())
        };
        assert!(poll_fn(|cx| polled(cx, &mut wait)).now_or_never().is_none());
        advance(2 * AFTER).await;
        let began = Instant::now();
        poll_fn(|cx| polled(cx, &mut wait)).await;
        assert_eq!(began.elapsed().as_secs(), AFTER.as_secs());
    }
}
