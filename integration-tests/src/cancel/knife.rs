//! Drops a future in the middle.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use crate::{campaign::Tally, relay::Relay};

/// A future that nothing has woken for so long waits for something that this run does not bring. Concluded too
/// early it costs a few polls that are not tried, nothing else.
const PARKED: Duration = Duration::from_millis(40);

/// Whatever else takes longer than that never comes. A real store under pressure may keep an ack for 25 s.
pub(super) const ENDLESS: Duration = Duration::from_secs(60);

/// When a future is dropped, after its last poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// At once.
    Pending,
    /// When it has been woken, which it does not live to see.
    Woken,
}

/// When the connections to the segment store are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Never.
    Never,
    /// Just before the call, so that it finds out.
    Before,
    /// In the moment of the drop.
    WithTheDrop,
}

/// Drops futures after a number of polls.
#[derive(Debug)]
pub(super) struct Knife {
    operation: &'static str,
    relay: Arc<Relay>,
    pub(super) polls: u32,
    pub(super) moment: Moment,
    pub(super) connections: Cut,
    /// Whether the operation may wait for something that does not come.
    pub(super) may_park: bool,
    pub(super) drops: u64,
    pub(super) has_parked: bool,
    pub(super) tally: Tally,
}

impl Knife {
    pub(super) fn new(operation: &'static str, relay: Arc<Relay>, polls: u32) -> Self {
        Self {
            operation,
            relay,
            polls,
            moment: Moment::Pending,
            connections: Cut::Never,
            may_park: false,
            drops: 0,
            has_parked: false,
            tally: Tally::default(),
        }
    }

    /// True when no larger number of polls would show anything new.
    pub(super) fn is_blunt(&self) -> bool {
        self.drops == 0 || self.has_parked
    }

    /// Polls a future as often as this knife allows, then drops it; gives what it gave if it was faster.
    ///
    /// # Cancel safety
    /// Cancel safe if the future is.
    pub(super) async fn cut<F: Future>(&mut self, future: F) -> Option<F::Output> {
        if self.connections == Cut::Before {
            self.relay.cut_all();
            self.tally.count("connections cut", "before the call");
        }
        let mut future = Box::pin(future);
        let (mut polls, limit, moment) = (0, self.polls, self.moment);
        let polled = poll_fn(|cx| {
            if polls == limit {
                return Poll::Ready(None);
            }
            polls += 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if polls == limit && moment == Moment::Pending => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        let patience = if self.may_park { PARKED } else { ENDLESS };
        let output = tokio::select! {
            biased;
            () = tokio::time::sleep(patience) => {
                self.has_parked = true;
                None
            }
            output = polled => output,
        };
        drop(future);
        if output.is_none() {
            self.dropped();
        }
        output
    }

    /// Something else took effect on the operation.
    pub(super) fn count(&mut self, fault: &'static str) {
        self.tally.count(fault, self.operation);
    }

    fn dropped(&mut self) {
        self.drops += 1;
        let how = match (self.polls, self.moment) {
            _ if self.has_parked => "dropped where it waited",
            (0, _) => "dropped before the first poll",
            (_, Moment::Pending) => "dropped while pending",
            (_, Moment::Woken) => "dropped when woken",
        };
        self.count(how);
        if self.connections == Cut::WithTheDrop {
            self.relay.cut_all();
            self.tally.count("connections cut", "with the drop");
        }
    }
}

/// Calls an operation, drops it, and calls it again.
macro_rules! repeat {
    ($knife:expr, $operation:expr) => {
        match $knife.cut($operation).await {
            Some(done) => done,
            None => $operation.await,
        }
    };
}

pub(super) use repeat;
