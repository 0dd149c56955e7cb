//! The oracle on memory: what a piece of work may allocate on top of what was allocated before it.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Does `work`, which ends the process when it holds more than `most` bytes more than there were before, at any
/// moment. What it gives back does not count.
///
/// All threads count together, so nothing else may run beside it.
pub fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let limit = MEMORY.allocated().saturating_add(most);
    MEMORY.set_limit(limit).expect("a limit above what is held");
    let result = work();
    MEMORY
        .set_limit(usize::MAX)
        .expect("no limit is above what is held");
    result
}

/// Bytes allocated now.
pub fn held() -> usize {
    MEMORY.allocated()
}
