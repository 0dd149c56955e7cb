//! The bound on what is accepted and not yet durable.

use pravega_client_shared::planted::{self, Bug};

/// Counts what unacknowledged bytes cost: the bytes themselves, and what is kept for each block and each
/// chunk beside them, so that tiny pieces cannot take more memory than the bound says.
#[derive(Debug)]
pub(super) struct Window {
    used: usize,
    /// Kept for bytes that are still to come.
    reserved: usize,
    max: usize,
}

/// What a block costs beside its bytes: its place in the queues, its payload and its frame's header.
pub(super) const BLOCK_OVERHEAD: usize = 256;
/// What a chunk that rides as it is costs beside its bytes: its handle and its reference count.
pub(super) const CHUNK_OVERHEAD: usize = 64;

impl Window {
    pub(super) fn new(max: usize) -> Self {
        Self {
            used: 0,
            reserved: 0,
            max,
        }
    }

    /// True when bytes that cost `cost` may be accepted. An empty window takes any submission that is not
    /// too large in itself, so that the cost of its block cannot lock it out.
    pub(super) fn admits(&self, cost: usize) -> bool {
        planted::is_on(Bug::QueueWithoutBound)
            || self.taken() == 0
            || cost <= self.max.saturating_sub(self.taken())
    }

    pub(super) fn take(&mut self, cost: usize) {
        self.used = self.used.saturating_add(cost);
    }

    pub(super) fn give(&mut self, cost: usize) {
        self.used = self.used.saturating_sub(cost);
    }

    pub(super) fn reserve(&mut self, cost: usize) {
        self.reserved = self.reserved.saturating_add(cost);
    }

    pub(super) fn release(&mut self, cost: usize) {
        self.reserved = self.reserved.saturating_sub(cost);
    }

    /// Nothing that was accepted is kept any more. What is reserved still is.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// How many bytes would surely be accepted at once.
    pub(super) fn room(&self) -> usize {
        match self.taken() {
            0 => self.max,
            taken => self
                .max
                .saturating_sub(taken)
                .saturating_sub(BLOCK_OVERHEAD + CHUNK_OVERHEAD),
        }
    }

    fn taken(&self) -> usize {
        self.used.saturating_add(self.reserved)
    }
}
