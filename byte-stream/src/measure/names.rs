//! The metrics of this crate: names, kinds and units, as docs/observability.md lists them.
//!
//! There are no labels for streams, whose number has no bound.

use metrics::Unit::{self, Bytes, Count, Seconds};

/// Open writers. A gauge.
pub(super) const WRITERS: &str = "pravega_client_writers";
/// Bytes that writers took. A counter, in bytes.
pub(super) const ACCEPTED_BYTES: &str = "pravega_client_accepted_bytes_total";
/// Bytes that became durable. A counter, in bytes.
pub(super) const DURABLE_BYTES: &str = "pravega_client_durable_bytes_total";
/// Bytes taken and neither acknowledged nor given up. A gauge, in bytes.
pub(super) const UNACKED_BYTES: &str = "pravega_client_unacked_bytes";
/// Blocks sent, each counted once. A counter.
pub(super) const BLOCKS: &str = "pravega_client_blocks_total";
/// Blocks sent again after a connection was lost. A counter.
pub(super) const BLOCKS_RESENT: &str = "pravega_client_blocks_resent_total";
/// Conflicts: another writer appended first. A counter.
pub(super) const CONFLICTS: &str = "pravega_client_conflicts_total";
/// Bytes of other writers that shared writers noticed. A counter, in bytes.
pub(super) const FOREIGN_BYTES: &str = "pravega_client_foreign_bytes_total";
/// From a flush to the ack of the last byte it waits for. A histogram, in seconds.
pub(super) const FLUSH_SECONDS: &str = "pravega_client_flush_seconds";
/// Open readers. A gauge.
pub(super) const READERS: &str = "pravega_client_readers";
/// Bytes received by readers and kept for their users. A counter, in bytes.
pub(super) const READ_BYTES: &str = "pravega_client_read_bytes_total";
/// Requests for bytes. A counter.
pub(super) const READ_REQUESTS: &str = "pravega_client_read_requests_total";
/// Bytes passed over because they were truncated. A counter, in bytes.
pub(super) const SKIPPED_BYTES: &str = "pravega_client_skipped_bytes_total";
/// Connections that writers and readers got after their first. A counter.
pub(super) const RECONNECTS: &str = "pravega_client_reconnects_total";
/// Open connections to segment stores. A gauge.
pub(super) const CONNECTIONS: &str = "pravega_client_connections";
/// Connections to segment stores that were opened. A counter.
pub(super) const CONNECTS: &str = "pravega_client_connects_total";
/// Connections to segment stores that could not be opened. A counter.
pub(super) const CONNECT_FAILURES: &str = "pravega_client_connect_failures_total";

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Every metric: its name, kind and unit, and what it tells.
pub(super) const ALL: [(&str, Kind, Unit, &str); 17] = [
    (WRITERS, Kind::Gauge, Count, "open writers"),
    (
        ACCEPTED_BYTES,
        Kind::Counter,
        Bytes,
        "bytes that writers took",
    ),
    (
        DURABLE_BYTES,
        Kind::Counter,
        Bytes,
        "bytes that became durable",
    ),
    (
        UNACKED_BYTES,
        Kind::Gauge,
        Bytes,
        "bytes taken and not acknowledged",
    ),
    (
        BLOCKS,
        Kind::Counter,
        Count,
        "blocks sent, each counted once",
    ),
    (
        BLOCKS_RESENT,
        Kind::Counter,
        Count,
        "blocks sent again after a connection was lost",
    ),
    (
        CONFLICTS,
        Kind::Counter,
        Count,
        "appends refused because another writer was first",
    ),
    (
        FOREIGN_BYTES,
        Kind::Counter,
        Bytes,
        "bytes of other writers noticed in shared mode",
    ),
    (
        FLUSH_SECONDS,
        Kind::Histogram,
        Seconds,
        "from a flush to its last ack",
    ),
    (READERS, Kind::Gauge, Count, "open readers"),
    (
        READ_BYTES,
        Kind::Counter,
        Bytes,
        "bytes received by readers",
    ),
    (READ_REQUESTS, Kind::Counter, Count, "requests for bytes"),
    (
        SKIPPED_BYTES,
        Kind::Counter,
        Bytes,
        "bytes passed over because they were truncated",
    ),
    (
        RECONNECTS,
        Kind::Counter,
        Count,
        "connections of writers and readers after their first",
    ),
    (
        CONNECTIONS,
        Kind::Gauge,
        Count,
        "open connections to segment stores",
    ),
    (
        CONNECTS,
        Kind::Counter,
        Count,
        "connections to segment stores opened",
    ),
    (
        CONNECT_FAILURES,
        Kind::Counter,
        Count,
        "connections to segment stores that failed to open",
    ),
];
