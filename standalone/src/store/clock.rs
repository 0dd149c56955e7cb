//! The wall clock, for the times that clients are told and nothing is decided by.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; 0 while the machine's clock is before that.
pub(super) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
