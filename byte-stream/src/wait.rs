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
