//! The thread on which goes on what calls do not do themselves, and how a call waits.

use std::{
    future::Future,
    io,
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use snafu::IntoError as _;
use tokio::{
    runtime::{Builder, Handle},
    task::unconstrained,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::{SegmentError, SetupSnafu};

/// A runtime on a thread of its own, which ends, without anybody waiting for it, with the last of its users.
#[derive(Debug)]
pub(super) struct Background {
    /// None when there is no thread, and so nothing to wait for.
    handle: Option<Handle>,
    _end: DropGuard,
}

impl Background {
    pub(super) fn start() -> Result<Self, SegmentError> {
        let end = CancellationToken::new();
        let handle = spawn(end.clone()).map_err(|error| SetupSnafu.into_error(Arc::new(error)))?;
        Ok(Self {
            handle: Some(handle),
            _end: end.drop_guard(),
        })
    }

    /// For a factory that could not be set up: its calls return at once.
    pub(super) fn none() -> Self {
        Self {
            handle: None,
            _end: CancellationToken::new().drop_guard(),
        }
    }

    /// Makes progress with `future` on the calling thread, and parks that in between. Timers, sockets and
    /// tasks that the future makes belong to the runtime.
    ///
    /// Unlike tokio's own `block_on` it can be called from anywhere, asynchronous code included: what the
    /// future waits for happens on the other thread, whatever the calling one does. Only for futures of this
    /// client: one that yields to the scheduler would, in asynchronous code, yield to that of the caller, which
    /// is blocked. [`run`](Self::run) is for all others.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _context = self.handle.as_ref().map(Handle::enter);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        // A task that calls this gets no new budget while it is blocked, so it must not need one.
        let mut future = pin!(unconstrained(future));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            thread::park();
        }
    }
}

impl Background {
    /// Waits for a future that makes its progress on the runtime's thread.
    pub(super) fn run<F>(&self, future: F) -> Result<F::Output, SegmentError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let ended = match &self.handle {
            Some(handle) => self.block_on(handle.spawn(future)),
            None => return Err(SegmentError::ShutDown),
        };
        ended.map_err(|panicked| SetupSnafu.into_error(Arc::new(panicked)))
    }
}

/// Starts the thread. Only there can the runtime be dropped, which is forbidden in asynchronous code.
fn spawn(end: CancellationToken) -> io::Result<Handle> {
    let (tell, told) = mpsc::sync_channel(1);
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                let heard = tell.send(Ok(runtime.handle().clone())).is_ok();
                if heard {
                    runtime.block_on(end.cancelled());
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        }
    };
    thread::Builder::new().name(THREAD.to_owned()).spawn(run)?;
    told.recv().map_err(io::Error::other)?
}

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Short enough for the names that Linux shows.
const THREAD: &str = "pravega-bytes";

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{sync::oneshot, task::yield_now};

    use super::*;

    #[test]
    fn the_runtime_ends_with_its_last_user() {
        let background = Background::start().unwrap();
        let (alive, ended) = oneshot::channel::<()>();
        background.block_on(async {
            tokio::spawn(async move {
                pending::<()>().await;
                drop(alive);
            });
        });
        drop(background);
        ended.blocking_recv().unwrap_err();
    }

    #[tokio::test]
    async fn a_task_that_has_no_budget_left_can_wait() {
        let background = Background::start().unwrap();
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..1_000 {
            sender.send(number).unwrap();
            assert_eq!(background.block_on(receiver.recv()), Some(number));
        }
    }

    #[tokio::test]
    async fn what_yields_does_not_yield_to_a_scheduler_that_is_blocked() {
        let background = Background::start().unwrap();
        background.run(yield_now()).unwrap();
    }

    #[test]
    fn without_a_thread_what_need_not_wait_is_done() {
        assert_eq!(Background::none().block_on(async { 75 }), 75);
    }
}
