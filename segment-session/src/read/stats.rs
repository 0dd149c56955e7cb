//! What a read session counts.

/// Counters of a [`ReadSession`](crate::ReadSession), over its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReadStats {
    /// Requests for bytes.
    pub read_requests: u64,
    /// Questions for head, tail and end.
    pub info_requests: u64,
    /// Bytes received and kept for the consumer.
    pub bytes_received: u64,
    /// Replies without bytes that were not the end.
    pub empty_replies: u64,
    /// Replies dropped, because nobody waits for them any more.
    pub stale_replies: u64,
    /// Bytes passed over, because they were truncated away.
    pub bytes_skipped: u64,
    /// Attachments after the first.
    pub reconnects: u64,
}
