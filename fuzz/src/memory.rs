//! The oracle on memory: what a piece of work may allocate on top of what was allocated before it.

use std::{alloc::System, panic, sync::Once};

use cap::Cap;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, NO_LIMIT);

const NO_LIMIT: usize = usize::MAX;

/// Does `work`, which ends the process when it holds more than `most` bytes more than there were before, at any
/// moment. What it gives back does not count.
///
/// All threads count together, so nothing else may run beside it.
pub fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    static LIFTED: Once = Once::new();
    LIFTED.call_once(lift_for_panics);
    let limit = MEMORY.allocated().saturating_add(most);
    MEMORY.set_limit(limit).expect("a limit above what is held");
    let result = work();
    lift();
    result
}

fn lift() {
    MEMORY
        .set_limit(NO_LIMIT)
        .expect("no limit is below what is held");
}

/// Printing a panic, with its backtrace, takes memory of its own.
fn lift_for_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        lift();
        print(panic);
    }));
}
