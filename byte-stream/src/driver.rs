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

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use pravega_client_shared::{DelegationToken, FlowId};
use pravega_connection_pool::{ConnectionError, Flow, FlowHandler, ProtocolError};
use pravega_segment_session::{AttachFailure, AttachFailureKind, Disconnect, ProtocolViolation};
use pravega_wire_protocol::{Reply, Request};
use tokio::{sync::Notify, time::timeout};

use crate::{
    attach::{attach_failure, disconnect},
    link::{Patience, SegmentLink, User},
    segment::{self, SegmentInfo},
};

/// A session and what its user keeps beside it: what a [`Driver`] drives.
pub(crate) trait Machine: Send + 'static {
    fn handle_attached(&mut self, now: Instant, flow: FlowId, token: DelegationToken);
    fn handle_attach_failed(&mut self, now: Instant, failure: &AttachFailure);
    fn handle_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation>;
    fn handle_disconnected(&mut self, now: Instant, disconnect: Disconnect);
    fn handle_timeout(&mut self, now: Instant);
    /// What the store says of the segment, as asked for by [`Effect::AskInfo`]; none when it does not say.
    fn handle_info(&mut self, info: Option<SegmentInfo>);
    /// Nothing will ever come any more: the owner, the factory or the runtime is gone.
    fn handle_closed(&mut self);
    fn poll_transmit(&mut self) -> Option<Request>;
    fn poll_effect(&mut self) -> Option<Effect>;
    fn poll_timeout(&self) -> Option<Instant>;
}

/// What a session wants done.
pub(crate) enum Effect {
    /// Find the segment's store and connect.
    Attach(Hints),
    /// Let go of the connection, or close it for all.
    Detach { close: bool },
    /// Ask the store about the segment.
    AskInfo,
    /// Something changed that a caller may wait for.
    Progress,
}

/// What is known to be out of date when a session wants to attach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hints {
    pub(crate) relocate: bool,
    pub(crate) renew_token: bool,
}

/// One session, its connection, and those who wait for it.
pub(crate) struct Driver<M> {
    link: Arc<SegmentLink>,
    state: Mutex<State<M>>,
    /// Told after every change that a caller may wait for.
    progress: Arc<Notify>,
    /// Told when the supervisor has something new to do.
    work: Notify,
}

/// What the lock protects.
struct State<M> {
    machine: M,
    flow: Option<Arc<Flow>>,
    /// Counts attachments; replies of an older one are not obeyed.
    generation: u64,
    to_attach: Option<Hints>,
    to_ask: bool,
    /// The deadline that the supervisor sleeps towards.
    armed: Option<Instant>,
    is_supervised: bool,
    is_closed: bool,
}

/// What draining the session left to be done without the lock.
struct Outcome {
    pump: Option<Arc<Flow>>,
    detached: Option<(Arc<Flow>, bool)>,
    progressed: bool,
    has_work: bool,
}

impl<M: Machine> Driver<M> {
    pub(crate) fn new(link: Arc<SegmentLink>, machine: M) -> Arc<Self> {
        let state = State {
            machine,
            flow: None,
            generation: 0,
            to_attach: None,
            to_ask: false,
            armed: None,
            is_supervised: false,
            is_closed: false,
        };
        Arc::new(Self {
            link,
            state: Mutex::new(state),
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

    /// Gives the session one input and carries out what it decides.
    pub(crate) fn drive<T>(self: &Arc<Self>, input: impl FnOnce(&mut M, Instant) -> T) -> T {
        let now = now();
        let (answer, outcome) = {
            let mut state = self.lock();
            let answer = input(&mut state.machine, now);
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
        &self,
        after: Option<Duration>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if let Some(answer) = ready() {
            return Some(answer);
        }
        let waiting = async {
            loop {
                let mut notified = pin!(self.progress.notified());
                // Registered before the look, so that progress in between is not missed.
                notified.as_mut().enable();
                if let Some(answer) = ready() {
                    return answer;
                }
                notified.await;
            }
        };
        match after {
            Some(after) => timeout(after, waiting).await.ok(),
            None => Some(waiting.await),
        }
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
            // Outside of a runtime nothing can be started; the next call inside of one does it.
            let possible = tokio::runtime::Handle::try_current().is_ok();
            let start = !state.is_supervised && !state.is_closed && possible;
            state.is_supervised |= start;
            start
        };
        if start {
            tokio::spawn(Supervisor(Arc::clone(self)).run());
        } else {
            self.work.notify_one();
        }
    }
}

impl<M: Machine> State<M> {
    /// Takes everything out of the session that one input put in.
    fn drain(&mut self, now: Instant) -> Outcome {
        let mut outcome = Outcome {
            pump: None,
            detached: None,
            progressed: false,
            has_work: false,
        };
        loop {
            self.drain_effects(&mut outcome);
            match self.drain_requests(&mut outcome) {
                Ok(()) => break,
                Err(error) => {
                    self.flow = None;
                    self.machine.handle_disconnected(now, disconnect(&error));
                }
            }
        }
        let is_earlier = match (self.machine.poll_timeout(), self.armed) {
            (Some(deadline), Some(armed)) => deadline < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        outcome.has_work =
            !self.is_closed && (self.to_attach.is_some() || self.to_ask || is_earlier);
        outcome
    }

    fn drain_effects(&mut self, outcome: &mut Outcome) {
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::Attach(hints) => self.to_attach = Some(hints),
                Effect::AskInfo => self.to_ask = true,
                Effect::Progress => outcome.progressed = true,
                Effect::Detach { close } => {
                    self.generation += 1;
                    if let Some(flow) = self.flow.take() {
                        outcome.detached = Some((flow, close));
                    }
                }
            }
        }
    }

    fn drain_requests(&mut self, outcome: &mut Outcome) -> Result<(), ConnectionError> {
        while let Some(request) = self.machine.poll_transmit() {
            let Some(flow) = &self.flow else { continue };
            flow.enqueue(&request)?;
            if outcome.pump.is_none() {
                outcome.pump = Some(Arc::clone(flow));
            }
        }
        Ok(())
    }
}

impl<M> fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("segment", self.link.segment())
            .finish_non_exhaustive()
    }
}

/// Takes the replies of one attachment to the session.
struct Replies<M> {
    driver: Weak<Driver<M>>,
    generation: u64,
}

impl<M: Machine> Replies<M> {
    /// Runs `input` unless the session is gone or has another connection by now.
    fn deliver<T>(&self, input: impl FnOnce(&mut State<M>, Instant) -> T) -> Option<T> {
        let driver = self.driver.upgrade()?;
        let now = now();
        let (answer, outcome) = {
            let mut state = driver.lock();
            if state.generation != self.generation {
                return None;
            }
            let answer = input(&mut state, now);
            (answer, state.drain(now))
        };
        // What was enqueued is pumped by the connection's driver when it has delivered all that it read.
        driver.carry_out(outcome);
        Some(answer)
    }
}

impl<M: Machine> FlowHandler for Replies<M> {
    fn on_reply(&self, reply: Reply) -> Result<(), ProtocolError> {
        self.deliver(|state, now| state.machine.handle_reply(now, reply))
            .unwrap_or(Ok(()))
            .map_err(ProtocolError::new)
    }

    fn on_disconnect(&self, cause: &ConnectionError) {
        self.deliver(|state, now| {
            state.flow = None;
            state.machine.handle_disconnected(now, disconnect(cause));
        });
    }
}

/// The task behind a session.
struct Supervisor<M: Machine>(Arc<Driver<M>>);

/// What the supervisor does next.
enum Task {
    Attach(Hints, u64),
    Ask,
    Sleep(Option<Instant>),
    Stop,
}

impl<M: Machine> Supervisor<M> {
    async fn run(self) {
        let driver = &self.0;
        let shutdown = driver.link.core().shutdown.clone();
        loop {
            let done = match driver.next_task() {
                Task::Stop => return,
                // Boxed, so that a session which is not looking for a connection does not keep the room
                // that looking for one takes.
                Task::Attach(hints, generation) => {
                    let attach = Box::pin(driver.attach(hints, generation));
                    shutdown.run_until_cancelled(attach).await
                }
                Task::Ask => shutdown.run_until_cancelled(Box::pin(driver.ask())).await,
                Task::Sleep(deadline) => shutdown.run_until_cancelled(driver.sleep(deadline)).await,
            };
            if done.is_none() {
                return;
            }
        }
    }
}

impl<M: Machine> Drop for Supervisor<M> {
    /// However the task ends, with its owner, with the factory, with its runtime: whoever waits must hear
    /// of it.
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<M: Machine> Driver<M> {
    fn next_task(&self) -> Task {
        let mut state = self.lock();
        if state.is_closed {
            return Task::Stop;
        }
        if std::mem::take(&mut state.to_ask) {
            return Task::Ask;
        }
        if let Some(hints) = state.to_attach.take() {
            state.generation += 1;
            return Task::Attach(hints, state.generation);
        }
        state.armed = state.machine.poll_timeout();
        Task::Sleep(state.armed)
    }

    async fn sleep(self: &Arc<Self>, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return self.work.notified().await;
        };
        tokio::select! {
            () = self.work.notified() => {}
            () = tokio::time::sleep_until(deadline.into()) => {
                self.lock().armed = None;
                self.drive(|machine, now| machine.handle_timeout(now));
            }
        }
    }

    async fn ask(self: &Arc<Self>) {
        let info = segment::ask(&self.link, Patience::Moment).await;
        if let Err(error) = &info {
            tracing::debug!(segment = %self.link.segment(), %error, "the segment could not be asked");
        }
        self.drive(|machine, _| machine.handle_info(info.ok()));
        self.progress.notify_waiters();
    }

    async fn attach(self: &Arc<Self>, hints: Hints, generation: u64) {
        if hints.relocate {
            self.link.relocate();
        }
        if hints.renew_token {
            self.link.renew_token();
        }
        let reached = match self.link.reach(User::Session).await {
            Ok(reached) => reached,
            Err(error) => {
                tracing::debug!(segment = %self.link.segment(), %error, "no connection");
                let failure = attach_failure(error);
                return self.drive(|machine, now| machine.handle_attach_failed(now, &failure));
            }
        };
        let handler = Replies {
            driver: Arc::downgrade(self),
            generation,
        };
        match reached.connection.open_flow(Arc::new(handler)) {
            Ok(flow) => self.attached(generation, flow, reached.token),
            Err(error) => {
                let failure =
                    AttachFailure::with_cause(AttachFailureKind::Unreachable, Arc::new(error));
                self.drive(|machine, now| machine.handle_attach_failed(now, &failure));
            }
        }
    }

    fn attached(self: &Arc<Self>, generation: u64, flow: Flow, token: DelegationToken) {
        let id = flow.id();
        {
            let mut state = self.lock();
            if state.is_closed || state.generation != generation {
                return;
            }
            state.flow = Some(Arc::new(flow));
        }
        self.drive(|machine, now| machine.handle_attached(now, id, token));
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
