//! The session with its connection, behind the driver's lock.

use std::{sync::Arc, time::Instant};

use pravega_connection_pool::{ConnectionError, Flow};
use tokio::runtime;

use super::machine::{Effect, Hints, Machine};
use crate::{attach::disconnect, error::Cause};

/// What the lock protects.
pub(super) struct State<M> {
    pub(super) machine: M,
    pub(super) flow: Option<Arc<Flow>>,
    /// Counts attachments; replies of an older one are not obeyed.
    pub(super) generation: u64,
    pub(super) to_attach: Option<Hints>,
    pub(super) to_ask: bool,
    /// The deadline that the supervisor sleeps towards.
    pub(super) armed: Option<Instant>,
    /// When the first of those who wait may have waited long enough; they are all woken then, and those who have not say
    /// again when they will have. So a wait costs no timer of its own, and a stream of them one wake-up in a long while.
    patience: Option<Instant>,
    /// The runtime of the supervisor, once it was started.
    pub(super) supervised_on: Option<runtime::Id>,
    pub(super) is_closed: bool,
    /// Set while no attempt to attach succeeds.
    pub(super) cut_off: Option<CutOff>,
}

/// Attempts to attach have failed one after the other.
pub(super) struct CutOff {
    /// When the first of them did.
    pub(super) since: Instant,
    /// Why the last of them did.
    pub(super) cause: Cause,
}

/// What draining the session left to be done without the lock.
pub(super) struct Outcome {
    pub(super) pump: Option<Arc<Flow>>,
    pub(super) detached: Option<(Arc<Flow>, bool)>,
    pub(super) progressed: bool,
    pub(super) has_work: bool,
}

impl<M: Machine> State<M> {
    pub(super) fn new(machine: M) -> Self {
        Self {
            machine,
            flow: None,
            generation: 0,
            to_attach: None,
            to_ask: false,
            armed: None,
            patience: None,
            supervised_on: None,
            is_closed: false,
            cut_off: None,
        }
    }

    /// Takes everything out of the session that one input put in.
    pub(super) fn drain(&mut self, now: impl Fn() -> Instant) -> Outcome {
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
                    self.machine.handle_disconnected(now(), disconnect(&error));
                }
            }
        }
        let deadline = self.machine.poll_timeout();
        let is_earlier = deadline.is_some_and(|deadline| self.is_before_armed(deadline));
        outcome.has_work =
            !self.is_closed && (self.to_attach.is_some() || self.to_ask || is_earlier);
        outcome
    }

    /// Sees to it that whoever waits is woken at `deadline` or before. True when the supervisor has to hear of it.
    pub(super) fn bear_until(&mut self, deadline: Instant) -> bool {
        if self.patience.is_some_and(|patience| patience <= deadline) {
            return false;
        }
        self.patience = Some(deadline);
        !self.is_closed && self.is_before_armed(deadline)
    }

    /// Decides what the supervisor sleeps towards.
    pub(super) fn arm(&mut self) -> Option<Instant> {
        let session = self.machine.poll_timeout();
        self.armed = session.into_iter().chain(self.patience).min();
        self.armed
    }

    /// The supervisor has slept long enough. True when somebody may have waited long enough, too.
    pub(super) fn disarm(&mut self, now: Instant) -> bool {
        self.armed = None;
        self.patience.take_if(|patience| *patience <= now).is_some()
    }

    fn is_before_armed(&self, deadline: Instant) -> bool {
        self.armed.is_none_or(|armed| deadline < armed)
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
