//! The task that attaches a session and keeps its deadlines.

use std::{pin::pin, sync::Arc, time::Instant};

use pravega_client_shared::DelegationToken;
use pravega_connection_pool::Flow;
use pravega_segment_session::{AttachFailure, AttachFailureKind};
use tracing::{debug, instrument};

use super::{
    Driver,
    machine::{Hints, Machine},
    now,
    replies::Replies,
    state::CutOff,
};
use crate::{attach::attach_failure, call::Patience, link::User, segment};

/// The task behind a session.
pub(super) struct Supervisor<M: Machine>(Arc<Driver<M>>);

/// What the supervisor does next.
enum Task {
    Attach(Hints, u64),
    Ask,
    Sleep(Option<Instant>),
    Stop,
}

impl<M: Machine> Supervisor<M> {
    pub(super) fn new(driver: &Arc<Driver<M>>) -> Self {
        Self(Arc::clone(driver))
    }

    pub(super) async fn run(self) {
        let driver = &self.0;
        let shutdown = driver.link.core().shutdown.clone();
        loop {
            let done = match driver.next_task() {
                Task::Stop => return,
                // Boxed, so that a session which is not looking for a connection does not keep the room
                // that looking for one takes.
                Task::Attach(hints, generation) => {
                    let attach = driver.meanwhile(driver.attach(hints, generation));
                    shutdown.run_until_cancelled(Box::pin(attach)).await
                }
                Task::Ask => {
                    let ask = driver.meanwhile(driver.ask());
                    shutdown.run_until_cancelled(Box::pin(ask)).await
                }
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
        Task::Sleep(state.arm())
    }

    /// Keeps the deadlines while the supervisor has something else to do.
    async fn meanwhile(self: &Arc<Self>, doing: impl Future<Output = ()>) {
        let mut doing = pin!(doing);
        loop {
            let deadline = self.lock().arm();
            tokio::select! {
                biased;
                () = self.sleep(deadline) => {}
                () = &mut doing => return,
            }
        }
    }

    async fn sleep(self: &Arc<Self>, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return self.work.notified().await;
        };
        tokio::select! {
            // Always in this order, so that a simulation repeats exactly; the deadline first, which work
            // without end must not keep from being met.
            biased;
            () = tokio::time::sleep_until(deadline.into()) => {
                let is_patience_over = self.lock().disarm(now());
                self.drive(|machine, now| machine.handle_timeout(now));
                if is_patience_over {
                    self.progress.notify_waiters();
                }
            }
            () = self.work.notified() => {}
        }
    }

    async fn ask(self: &Arc<Self>) {
        let info = segment::ask(&self.link, Patience::Moment).await;
        if let Err(error) = &info {
            debug!(name: "session.info_missing", segment = %self.link.segment(), %error, "the segment could not be asked");
        }
        self.drive(|machine, _| machine.handle_info(info.ok()));
        self.progress.notify_waiters();
    }

    #[instrument(name = "session.attach", level = "debug", skip_all, fields(segment = %self.link.segment()))]
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
                debug!(name: "session.attach_failed", segment = %self.link.segment(), %error, "no connection");
                return self.not_attached(&attach_failure(error));
            }
        };
        let handler = Replies::new(self, generation);
        match reached.connection.open_flow(Arc::new(handler)) {
            Ok(flow) => self.attached(generation, flow, reached.token),
            Err(error) => {
                let kind = AttachFailureKind::Unreachable;
                self.not_attached(&AttachFailure::with_cause(kind, Arc::new(error)));
            }
        }
    }

    fn not_attached(self: &Arc<Self>, failure: &AttachFailure) {
        {
            let mut state = self.lock();
            let first = state.cut_off.take();
            state.cut_off = Some(CutOff {
                since: first.map_or_else(now, |cut_off| cut_off.since),
                cause: Arc::new(failure.clone()),
            });
        }
        self.drive(|machine, now| machine.handle_attach_failed(now, failure));
        // Whoever waits may have waited long enough.
        self.progress.notify_waiters();
    }

    fn attached(self: &Arc<Self>, generation: u64, flow: Flow, token: DelegationToken) {
        let id = flow.id();
        let connection = flow.connection();
        debug!(name: "session.attached", segment = %self.link.segment(), endpoint = %connection.endpoint(), "attached");
        {
            let mut state = self.lock();
            if state.is_closed || state.generation != generation {
                return;
            }
            state.flow = Some(Arc::new(flow));
            state.cut_off = None;
        }
        self.drive(|machine, now| machine.handle_attached(now, id, token));
    }
}
