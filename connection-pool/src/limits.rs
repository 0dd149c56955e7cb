//! Every bound of this crate, with its unit and its reason. What users may set is in `ClientConfig`, what the wire
//! format bounds is in the wire protocol's crate.

use std::time::Duration;

/// How long a frame may take from its first byte to its last, before [`FRAME_BYTES_PER_SECOND`] is added.
/// Segment stores are given the same time by our own server.
pub(crate) const FRAME_DEADLINE: Duration = Duration::from_secs(30);

/// For each so many announced bytes a frame gets a second more, so that a slow line is not taken for a
/// peer that drips.
pub(crate) const FRAME_BYTES_PER_SECOND: usize = 64 * 1024;

/// After so many keep-alive periods without a byte from the peer it counts as dead: one until the first
/// question, two for its answer.
pub(crate) const SILENT_PERIODS: u32 = 3;

/// The read buffer of a connection that has little to read, in bytes.
pub(crate) const SMALL_READ_BUFFER: usize = 4 * 1024;

/// The read buffer of a busy connection, in bytes. Larger ones gain nothing: a frame that does not fit
/// gets a buffer of its own length.
pub(crate) const LARGE_READ_BUFFER: usize = 256 * 1024;

/// Buffers of large frames that a busy connection keeps, to use them again: what one reader has asked for ahead and
/// what its user holds, in frames of the usual size.
pub(crate) const MAX_SPARE_BUFFERS: usize = 8;

/// Smaller buffers are not kept, in bytes: an allocator has memory of that size at hand.
pub(crate) const MIN_SPARE_BYTES: usize = 64 * 1024;

/// Bytes read in one turn of a connection's task, before other tasks get theirs.
pub(crate) const READ_TURN_BYTES: usize = 1024 * 1024;

/// Bytes written in one turn, by a caller or by the connection's task, before others get theirs. What is
/// left is written by the connection's task.
pub(crate) const WRITE_TURN_BYTES: usize = 1024 * 1024;

/// Slices handed to one vectored write. Linux takes up to 1,024; 64 of the usual blocks are megabytes.
pub(crate) const WRITE_SLICES: usize = 64;

/// Flows on one connection. Far above what one segment store serves, and low enough to bound the table.
pub(crate) const MAX_FLOWS_PER_CONNECTION: usize = 1 << 20;

/// One-shot calls that wait on one connection. A segment store works them off in turn, so more would
/// only wait longer.
pub(crate) const MAX_CALLS_PER_CONNECTION: usize = 4_096;

/// Segment stores that a pool is connected to at a time; a cluster has tens.
pub(crate) const MAX_ENDPOINTS: usize = 1_024;

/// Addresses tried for one name. A name with more is served by trying the first ones.
pub(crate) const MAX_ADDRESSES: usize = 16;

/// The least time for one of several addresses, so that a short deadline is not cut into useless pieces.
pub(crate) const MIN_ADDRESS_SHARE: Duration = Duration::from_millis(250);
