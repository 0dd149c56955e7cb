//! What every client of a world has: its place, and its way to the store.

use std::{sync::LazyLock, time::Instant};

/// One of the clients of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Writer(usize),
    Reader(usize),
}

/// A client's connection, as its driver knows it.
#[derive(Debug, Default)]
pub(crate) struct Way {
    /// The connection that its session is attached to.
    pub(crate) link: Option<usize>,
    /// The connection that the session let go of last and that is still open.
    pub(crate) let_go: Option<usize>,
    /// The session has asked for a connection.
    pub(crate) is_wanted: bool,
    /// The session has said that the store is not where it was.
    pub(crate) relocate: bool,
    /// Where the driver believes the segment to be.
    pub(crate) host: usize,
    /// How many flows its sessions were given.
    pub(crate) flows: u64,
    /// How often the store refused the client, or was said to have broken the protocol: too often, and the
    /// session may give up.
    pub(crate) troubles: usize,
    /// How often the store said that the token does not permit it.
    pub(crate) forbidden: usize,
    /// The store has lost what it acknowledged.
    pub(crate) is_bereft: bool,
}

impl Way {
    /// The number of the next flow. Another connection gives out the same numbers again.
    pub(crate) fn next_flow(&mut self) -> u64 {
        self.flows += 1;
        self.flows % 3
    }
}

/// A moment to count from: in a world, time is what the world says.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be made in no other way"
)]
pub(crate) static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
