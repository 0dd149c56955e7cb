//! Moves bytes between one session and whatever connection it has at the moment.
//!
//! The session decides, this file acts. Three parties feed a session, each under one short lock: its user
//! (bytes to write, room to read into), the connection's driver (replies), and the supervisor, a task for
//! each session that finds the store, connects, and keeps the deadlines. After every input the session is
//! drained: requests go to the connection's queue under the lock, the socket is written after it. So
//! neither a write nor a read costs a switch of tasks, and a dropped future loses nothing: it owned
//! nothing.
//!
//! ```text
//!   user ──────────────┐                        ┌──► requests ──► connection's queue ──► socket
//!   connection's driver ├─► lock ► session ► drain ├──► progress ──► whoever waits
//!   supervisor ─────────┘                        └──► to do ─────► supervisor
//! ```

mod machine;
mod replies;
mod state;
mod supervisor;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use pravega_connection_pool::ConnectionError;
use tokio::{
    runtime::Handle,
    sync::{Notify, futures::Notified},
    time::timeout_at,
};

pub(crate) use self::machine::{Effect, Hints, Machine};
use self::{
    state::{Outcome, State},
    supervisor::Supervisor,
};
use crate::{error::Cause, link::SegmentLink};

/// One session, its connection, and those who wait for it.
pub(crate) struct Driver<M> {
    link: Arc<SegmentLink>,
    state: Mutex<State<M>>,
    /// Told after every change that a caller may wait for.
    progress: Arc<Notify>,
    /// Told when the supervisor has something new to do.
    work: Notify,
}

impl<M: Machine> Driver<M> {
    pub(crate) fn new(link: Arc<SegmentLink>, machine: M) -> Arc<Self> {
        Arc::new(Self {
            link,
            state: Mutex::new(State::new(machine)),
            progress: Arc::new(Notify::new()),
            work: Notify::new(),
        })
    }

    pub(crate) fn link(&self) -> &Arc<SegmentLink> {
        &self.link
    }

    pub(crate) fn progress(&self) -> &Arc<Notify> {
        &self.progress
    }

    /// Looks at the session without giving it anything to do.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&M) -> T) -> T {
        look(&self.lock().machine)
    }

    /// Gives the session an input after which it has nothing to send, to tell or to wait for.
    pub(crate) fn nudge<T>(&self, input: impl FnOnce(&mut M) -> T) -> T {
        input(&mut self.lock().machine)
    }

    /// Gives the session one input and carries out what it decides.
    pub(crate) fn drive<T>(self: &Arc<Self>, input: impl FnOnce(&mut M, Instant) -> T) -> T {
        let now = now();
        self.drain_after(|machine| input(machine, now), || now)
    }

    /// The same for an input that needs no clock, which is read only if what the session decides does.
    pub(crate) fn take<T>(self: &Arc<Self>, input: impl FnOnce(&mut M) -> T) -> T {
        self.drain_after(input, now)
    }

    fn drain_after<T>(
        self: &Arc<Self>,
        input: impl FnOnce(&mut M) -> T,
        now: impl Fn() -> Instant,
    ) -> T {
        let (answer, outcome) = {
            let mut state = self.lock();
            let answer = input(&mut state.machine);
            (answer, state.drain(now))
        };
        if let Some(flow) = &outcome.pump {
            flow.pump();
        }
        self.carry_out(outcome);
        answer
    }

    /// Waits until `ready` gives an answer, asking it again after every progress; none when that took
    /// longer than `after`.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is owned while waiting.
    pub(crate) async fn wait<T>(
        self: &Arc<Self>,
        after: Option<Duration>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        // Made before the look: from here on it hears of progress, also before it is polled.
        let next = self.progress.notified();
        if let Some(answer) = ready() {
            return Some(answer);
        }
        // The clock is read only by those who have to wait.
        let deadline = after.and_then(|after| now().checked_add(after));
        self.wait_until(next, deadline, ready).await
    }

    /// The same until a moment, if there is one, for somebody who has looked since `next` was made.
    pub(crate) async fn wait_until<T>(
        self: &Arc<Self>,
        mut next: Notified<'_>,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        loop {
            match deadline.filter(|deadline| !self.bear_until(*deadline)) {
                // Boxed: hardly anybody needs it.
                Some(deadline) => drop(Box::pin(timeout_at(deadline.into(), next)).await),
                None => next.await,
            }
            next = self.progress.notified();
            if let Some(answer) = ready() {
                return Some(answer);
            }
            if deadline.is_some_and(|deadline| deadline <= now()) {
                return None;
            }
        }
    }

    /// Sees to it that whoever waits is woken at `deadline` or before. False when he has to see to it himself: the
    /// supervisor is on another runtime, which need not be running.
    fn bear_until(self: &Arc<Self>, deadline: Instant) -> bool {
        let (is_news, supervised_on) = {
            let mut state = self.lock();
            (state.bear_until(deadline), state.supervised_on)
        };
        if is_news {
            self.wake_supervisor();
        }
        let Ok(here) = Handle::try_current() else {
            // Nobody else could.
            return true;
        };
        // Where there was none it has been started here, if it is of use.
        supervised_on.map_or(is_news, |there| there == here.id())
    }

    /// Why it takes so long: there is no connection, or no answer.
    pub(crate) fn trouble(&self) -> Cause {
        let state = self.lock();
        match &state.cut_off {
            Some(cut_off) => Arc::clone(&cut_off.cause),
            None => self.link.waiting(),
        }
    }

    /// Why there is no connection, once it has been so for `after`, counted from `began` at the earliest.
    pub(crate) fn lasting_trouble(&self, began: Instant, after: Duration) -> Option<Cause> {
        let state = self.lock();
        let cut_off = state.cut_off.as_ref()?;
        let lasted = now().saturating_duration_since(cut_off.since.max(began));
        (lasted >= after).then(|| Arc::clone(&cut_off.cause))
    }

    /// Ends the session: nothing more is sent, whoever waits hears of it, the supervisor stops.
    pub(crate) fn close(&self) {
        let detached = {
            let mut state = self.lock();
            if !state.is_closed {
                state.is_closed = true;
                state.machine.handle_closed();
            }
            state.generation += 1;
            state.flow.take()
        };
        drop(detached);
        self.work.notify_one();
        self.progress.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out(self: &Arc<Self>, outcome: Outcome) {
        if let Some((flow, true)) = &outcome.detached {
            let connection = flow.connection();
            let endpoint = connection.endpoint().clone();
            connection.close(ConnectionError::ShutDown { endpoint });
        }
        drop(outcome.detached);
        if outcome.has_work {
            self.wake_supervisor();
        }
        if outcome.progressed {
            self.progress.notify_waiters();
        }
    }

    /// Wakes the supervisor; starts it the first time that there is something to do.
    fn wake_supervisor(self: &Arc<Self>) {
        let start = {
            let mut state = self.lock();
            let is_needed = state.supervised_on.is_none() && !state.is_closed;
            // Outside of a runtime nothing can be started; the next call inside of one does it.
            let here = Handle::try_current().ok().filter(|_| is_needed);
            if let Some(here) = &here {
                state.supervised_on = Some(here.id());
            }
            here.is_some()
        };
        if start {
            tokio::spawn(Supervisor::new(self).run());
        } else {
            self.work.notify_one();
        }
    }
}

impl<M> fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("segment", self.link.segment())
            .finish_non_exhaustive()
    }
}

/// The time, on the clock that tests can move.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
