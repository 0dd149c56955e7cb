//! Panics in the tasks of a run: tokio catches them, and nobody would hear of them.

use std::{cell::RefCell, panic, sync::Once};

use crate::campaign::{Verdict, Violation};

thread_local! {
    /// What the first panic of this thread since the last [`forget`] said. A run has one thread.
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static WATCHING: Once = Once::new();

/// Begins to watch this thread, and forgets what was before.
pub(super) fn forget() {
    WATCHING.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |said| {
            FIRST.with_borrow_mut(|first| {
                first.get_or_insert_with(|| said.to_string());
            });
            before(said);
        }));
    });
    FIRST.with_borrow_mut(|first| *first = None);
}

/// Whether there was none.
pub(super) fn check() -> Verdict {
    match FIRST.with_borrow_mut(Option::take) {
        Some(said) => Err(Violation::broken(said)),
        None => Ok(()),
    }
}
