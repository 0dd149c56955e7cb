//! What an append session counts.

/// Counters of an [`AppendSession`](crate::AppendSession) since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AppendStats {
    /// Blocks given out to be sent, each counted once however often it was sent.
    pub blocks_sent: u64,
    /// Blocks given out again after a connection was lost.
    pub blocks_resent: u64,
    /// Bytes that became durable.
    pub bytes_acked: u64,
    /// Connections attached after the first.
    pub reconnects: u64,
    /// Bytes of other writers seen in shared mode.
    pub foreign_bytes: u64,
    /// Failed conditions.
    pub conflicts: u64,
    /// Replies ignored because they belong to an earlier setup, to another flow, or repeat an earlier ack.
    pub ignored_replies: u64,
    /// The most blocks that were in flight at one time: never above 1 in exclusive mode.
    pub max_blocks_in_flight: usize,
}
