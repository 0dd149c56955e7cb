//! One connection between a client and a store's host.

use std::collections::VecDeque;

use pravega_wire_protocol::{ReadSegment, Reply, Request};

use super::append::{Append, Outcome, WriterState};
use crate::simulation::Client;

/// What is on its way on a connection, and what the store keeps for it.
///
/// Client and store notice the end of a connection each for itself: what a client sent before it let go still
/// arrives, unless the store has closed its end.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: Client,
    /// Which of the store's two hosts it leads to.
    pub(crate) host: usize,
    pub(crate) to_store: VecDeque<Request>,
    pub(crate) to_client: VecDeque<Reply>,
    /// The store has closed its end. What it said before can still be read.
    pub(crate) is_closed: bool,
    /// The client has let go.
    pub(crate) is_left: bool,
    /// Nothing moves, in either direction, for now.
    pub(crate) is_held: bool,
    pub(super) writer: Option<WriterState>,
    pub(super) outcomes: VecDeque<(Append, Outcome)>,
    pub(super) parked: Vec<ReadSegment>,
}

impl Link {
    pub(super) fn new(client: Client, host: usize) -> Self {
        Self {
            client,
            host,
            to_store: VecDeque::new(),
            to_client: VecDeque::new(),
            is_closed: false,
            is_left: false,
            is_held: false,
            writer: None,
            outcomes: VecDeque::new(),
            parked: Vec::new(),
        }
    }

    /// How many reads wait at the store.
    pub(crate) fn parked(&self) -> usize {
        self.parked.len()
    }

    /// The store has decided something, and has not yet said so.
    pub(crate) fn has_outcome(&self) -> bool {
        !self.outcomes.is_empty()
    }

    /// The store can take in a request.
    pub(crate) fn has_request(&self) -> bool {
        !self.is_closed && !self.is_held && !self.to_store.is_empty()
    }

    /// The client can read something: a reply, or the end.
    pub(crate) fn has_news(&self) -> bool {
        !self.is_held && (self.is_closed || !self.to_client.is_empty())
    }

    /// The store closes its end: nothing more is received or answered.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.to_store.clear();
        self.outcomes.clear();
        self.parked.clear();
        self.writer = None;
    }
}
