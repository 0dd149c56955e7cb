//! Time that passes only when nobody has anything to do.

use std::future::Future;

/// Runs `work` on a runtime of its own, whose clock jumps to the next deadline when everybody waits.
pub fn on_a_clock_that_jumps<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(work)
}
