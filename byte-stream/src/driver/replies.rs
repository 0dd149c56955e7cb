//! Takes what the connection's own driver hears to the session.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use pravega_connection_pool::{ConnectionError, FlowHandler, ProtocolError};
use pravega_wire_protocol::Reply;

use super::{Driver, machine::Machine, now, state::State};
use crate::attach::disconnect;

/// Takes the replies of one attachment to the session.
pub(super) struct Replies<M> {
    driver: Weak<Driver<M>>,
    generation: u64,
}

impl<M: Machine> Replies<M> {
    pub(super) fn new(driver: &Arc<Driver<M>>, generation: u64) -> Self {
        let driver = Arc::downgrade(driver);
        Self { driver, generation }
    }

    /// Runs `input` unless the session is gone or has another connection by now.
    fn deliver<T>(&self, now: Instant, input: impl FnOnce(&mut State<M>) -> T) -> Option<T> {
        let driver = self.driver.upgrade()?;
        let (answer, outcome) = {
            let mut state = driver.lock();
            if state.generation != self.generation {
                return None;
            }
            let answer = input(&mut state);
            (answer, state.drain(|| now))
        };
        // What was enqueued is pumped by the connection's driver when it has delivered all that it read.
        driver.carry_out(outcome);
        Some(answer)
    }
}

impl<M: Machine> FlowHandler for Replies<M> {
    fn on_reply(&self, now: Instant, reply: Reply) -> Result<(), ProtocolError> {
        self.deliver(now, |state| state.machine.handle_reply(now, reply))
            .unwrap_or(Ok(()))
            .map_err(ProtocolError::new)
    }

    fn on_disconnect(&self, cause: &ConnectionError) {
        if let Some(driver) = self.driver.upgrade() {
            let segment = driver.link.segment();
            tracing::debug!(name: "session.disconnected", %segment, %cause, "the connection is gone");
        }
        let now = now();
        self.deliver(now, |state| {
            state.flow = None;
            state.machine.handle_disconnected(now, disconnect(cause));
        });
    }
}
