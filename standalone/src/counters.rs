//! What a server counts, and [`ServerStats`], which is how others see it.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use pravega_wire_protocol::Reply;

use crate::{
    connection::Shared,
    store::{AppendError, AppendRefusal, Appended},
};

/// Numbers about a server, at one moment. What counts events begins at 0 when the server starts, and never
/// falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ServerStats {
    /// Segments in the store.
    pub segments: u64,
    /// Open connections to the segment store.
    pub connections: u64,
    /// Connections to the segment store that were accepted.
    pub connections_accepted: u64,
    /// Calls to the controller.
    pub controller_calls: u64,
    /// Appends that were stored.
    pub appends: u64,
    /// Bytes of these appends.
    pub appended_bytes: u64,
    /// Conditional appends that were refused, because the segment did not end where the writer believed.
    pub conflicts: u64,
    /// Reads that were answered with bytes, or with the word that there are none.
    pub reads: u64,
    /// Bytes of these reads.
    pub read_bytes: u64,
    /// Memory that appends on their way take, of
    /// [`max_append_bytes`](crate::Limits::max_append_bytes), in bytes. A server in memory stores them at once
    /// and only what is being received counts.
    pub append_memory_bytes: u64,
}

/// Gives the numbers of one server to whoever has it. Cloning is cheap; it does not keep the server alive.
#[derive(Clone)]
pub struct ServerMeter(Weak<Shared>);

impl ServerMeter {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(shared))
    }

    /// The numbers now; none when the server has ended.
    #[must_use]
    pub fn stats(&self) -> Option<ServerStats> {
        self.0.upgrade().map(|shared| shared.stats())
    }
}

impl fmt::Debug for ServerMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerMeter").field(&self.stats()).finish()
    }
}

/// The counters of a server. Each is right by itself; together they may be of slightly different moments.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    opened: AtomicU64,
    closed: AtomicU64,
    controller_calls: AtomicU64,
    appends: AtomicU64,
    appended_bytes: AtomicU64,
    conflicts: AtomicU64,
    reads: AtomicU64,
    read_bytes: AtomicU64,
}

impl Counters {
    /// Counts a connection as open until what is returned is dropped.
    pub(crate) fn connection(self: &Arc<Self>) -> OpenConnection {
        self.opened.fetch_add(1, Relaxed);
        OpenConnection(Arc::clone(self))
    }

    pub(crate) fn controller_call(&self) {
        self.controller_calls.fetch_add(1, Relaxed);
    }

    pub(crate) fn append(&self, appended: &Appended) {
        match appended.outcome {
            Ok(_) => {
                self.appends.fetch_add(1, Relaxed);
                self.appended_bytes
                    .fetch_add(wide(appended.tag.bytes), Relaxed);
            }
            Err(AppendError::Refused(AppendRefusal::WrongOffset)) => {
                self.conflicts.fetch_add(1, Relaxed);
            }
            Err(_) => {}
        }
    }

    pub(crate) fn reply(&self, reply: &Reply) {
        if let Reply::SegmentRead(read) = reply {
            self.reads.fetch_add(1, Relaxed);
            self.read_bytes.fetch_add(wide(read.data.len()), Relaxed);
        }
    }

    /// What was counted; the rest of the numbers is not counted but there.
    pub(crate) fn stats(&self) -> ServerStats {
        let closed = self.closed.load(Relaxed);
        let opened = self.opened.load(Relaxed);
        ServerStats {
            connections: opened.saturating_sub(closed),
            connections_accepted: opened,
            controller_calls: self.controller_calls.load(Relaxed),
            appends: self.appends.load(Relaxed),
            appended_bytes: self.appended_bytes.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            reads: self.reads.load(Relaxed),
            read_bytes: self.read_bytes.load(Relaxed),
            ..ServerStats::default()
        }
    }
}

/// One connection, counted as open.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<Counters>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.closed.fetch_add(1, Relaxed);
    }
}

/// As wide as counters are.
pub(crate) fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
