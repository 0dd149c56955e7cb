//! Every bound of the segment store's port, with its default and its reason.

use std::time::Duration;

/// What a server grants its clients. Change a field and hand it to
/// [`StandaloneBuilder::limits`](crate::StandaloneBuilder::limits).
///
/// ```
/// use std::time::Duration;
///
/// let mut limits = pravega_standalone::Limits::default();
/// limits.idle_timeout = Duration::from_secs(60);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections to the segment store at the same time; further ones wait in the system's backlog.
    /// Default 1,024: clients share connections, so this is far above what they need.
    pub max_connections: usize,
    /// Connections that have not sent their first message. Default 128, so that silent peers cannot take
    /// every place.
    pub max_silent_connections: usize,
    /// How long a connection may take to send its first message. Default 10 s.
    pub hello_timeout: Duration,
    /// How long a message may take from its first byte to its last, and an append from the first byte of its block to
    /// the block's end. Default 30 s, which is 0.5 MB/s for the largest message.
    pub frame_timeout: Duration,
    /// A connection from which nothing was received for this long is closed. Default 5 min; clients send a
    /// sign of life every few seconds.
    pub idle_timeout: Duration,
    /// A peer that takes no byte of its replies for this long is closed. Default 30 s.
    pub write_timeout: Duration,
    /// How long a closing connection waits for its last acks, and for the peer to close. Default 2 s.
    pub close_timeout: Duration,
    /// Bytes of appends that one connection may have in the server: received or being received, and not yet
    /// stored. Default 32 MiB, two of the largest messages.
    pub max_connection_bytes: usize,
    /// The same for all connections together. Default 192 MiB. Second halves of appends that come in two messages
    /// have up to 16 MiB beside it, so that first halves that wait cannot be in their way.
    pub max_append_bytes: usize,
    /// Bytes read from the disk that wait for their readers, all connections together. Default 64 MiB.
    pub max_cold_bytes: usize,
    /// Bytes of replies that wait in one connection before it takes further requests. Default 8 MiB, four of
    /// the largest read replies.
    pub max_reply_bytes: usize,
    /// Writers set up on one connection. Default 1,024.
    pub max_writers: usize,
    /// Reads waiting at the tail on one connection. Default 64; further ones are refused with an error.
    pub max_parked_reads: usize,
    /// Segments in the store. Default 262,144: each costs about a kilobyte of memory.
    pub max_segments: usize,
    /// Bytes that a store in memory keeps, truncated ones not counted, writers' numbers counted as 64 bytes
    /// each. Default 4 GiB.
    pub max_memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_silent_connections: 128,
            hello_timeout: Duration::from_secs(10),
            frame_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(5 * 60),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(2),
            max_connection_bytes: 32 * MIB,
            max_append_bytes: 192 * MIB,
            max_cold_bytes: 64 * MIB,
            max_reply_bytes: 8 * MIB,
            max_writers: 1024,
            max_parked_reads: 64,
            max_segments: 256 * 1024,
            max_memory_bytes: 4 * 1024 * 1024 * 1024,
        }
    }
}

/// Bytes in a mebibyte.
const MIB: usize = 1024 * 1024;

/// Appends of one connection that wait for the disk at the same time: it bounds the list of their outcomes.
pub(crate) const MAX_APPENDS_IN_FLIGHT: usize = 8 * 1024;

/// Requests of one connection that are being answered at the same time, parked reads not counted.
pub(crate) const MAX_CALLS: usize = 256;

/// The longest name that a segment can be created with, bytes. The controller's names stay below 600.
pub(crate) const MAX_SEGMENT_NAME: usize = 1024;
