//! [`Interrupt`]: ends a call from another thread.

use std::{future::Future, sync::Arc};

use tokio::sync::Notify;

use super::runtime::Background;

/// Ends a blocked call of one writer or reader from another thread. Cheap to clone.
///
/// The call that waits returns [`WriteError::Interrupted`](crate::WriteError::Interrupted) or
/// [`ReadError::Interrupted`](crate::ReadError::Interrupted) at once; if none waits, the next call does, so that
/// an interrupt cannot come too early. It ends one call: the calls after it go on as if nothing had happened.
/// Interrupts that come before the first of them has ended a call are one.
///
/// # What is left behind
/// What dropping the future of the same call leaves behind: its *Cancel safety* says what that is. Nothing is
/// lost, doubled or reordered. An interrupted `read` has taken no byte, an interrupted `write` has accepted
/// none, and what was accepted before is on its way as ever.
///
/// # In loops of the standard library
/// As an [`io::Error`](std::io::Error) its kind is [`Other`](std::io::ErrorKind::Other), not
/// [`Interrupted`](std::io::ErrorKind::Interrupted): of that `io::copy`, `read_to_end` and `write_all` take no
/// notice and call again, so that they would never end. The error inside tells it from others.
///
/// ```
/// use std::io::Read as _;
///
/// use pravega_byte_stream::{ReadError, blocking::ClientFactory};
/// # use pravega_byte_stream::ClientConfigBuilder;
///
/// # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
/// # let server = runtime.block_on(pravega_standalone::Standalone::builder().memory().start())?;
/// # let config = ClientConfigBuilder::default().controller_uri(server.controller_uri()).build()?;
/// let factory = ClientFactory::new(config);
/// # factory.ensure_byte_stream(&"camera/front".parse()?)?;
/// let mut reader = factory.open_byte_reader("camera/front".parse::<pravega_byte_stream::ScopedStream>()?)?;
/// let interrupt = reader.interrupt();
/// let reading = std::thread::spawn(move || {
///     let mut all = Vec::new();
///     // Nobody writes, nobody seals: this waits until it is interrupted.
///     reader.read_to_end(&mut all)
/// });
/// interrupt.interrupt();
///
/// let error = reading.join().unwrap().unwrap_err();
/// let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ReadError>());
/// assert!(matches!(inner, Some(ReadError::Interrupted { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<Notify>);

impl Interrupt {
    fn new() -> Self {
        Self(Arc::new(Notify::new()))
    }

    /// Ends the call that waits, or else the next one.
    pub fn interrupt(&self) {
        self.0.notify_one();
    }
}

/// How the calls of one writer or reader are made.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) background: Arc<Background>,
    interrupt: Interrupt,
}

impl Calls {
    pub(super) fn new(background: Arc<Background>) -> Self {
        Self {
            background,
            interrupt: Interrupt::new(),
        }
    }

    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Waits for what `call` gives; none when it was interrupted, and so dropped.
    pub(super) fn make<F: Future>(&self, call: F) -> Option<F::Output> {
        self.background.block_on(async {
            tokio::select! {
                // Asked first, so that an interrupt also ends a caller which never has to wait.
                biased;
                () = self.interrupt.0.notified() => None,
                output = call => Some(output),
            }
        })
    }
}
