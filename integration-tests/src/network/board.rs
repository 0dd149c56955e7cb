//! A value that all hosts see, and the wait for a change of it.

use std::{pin::pin, sync::Mutex};

use tokio::sync::Notify;

use super::lock;

/// A value on a board. Those who wait are woken in the order in which they came: with `watch` it would be a
/// random one, and a run would not repeat.
#[derive(Debug)]
pub(super) struct Board<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Copy> Board<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            changed: Notify::new(),
        }
    }

    pub(super) fn get(&self) -> T {
        *lock(&self.value)
    }

    pub(super) fn set(&self, value: T) {
        *lock(&self.value) = value;
        self.changed.notify_waiters();
    }

    /// Waits until the value is such a one, and gives it.
    pub(super) async fn until(&self, is_so: impl Fn(T) -> bool) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let value = self.get();
            if is_so(value) {
                return value;
            }
            changed.await;
        }
    }
}
