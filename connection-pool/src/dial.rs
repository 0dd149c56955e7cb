//! How bytes get to a segment store and back: over whatever an implementation of [`Dial`] opens.

use std::{any::Any, fmt};

use futures::future::BoxFuture;
use pravega_client_shared::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadHalf, WriteHalf};

use crate::ConnectError;

/// The receiving half of a byte stream.
pub type BoxedReader = Box<dyn AsyncRead + Send + Unpin>;

/// The sending half of a byte stream.
pub type BoxedWriter = Box<dyn AsyncWrite + Send + Unpin>;

/// What a dialer wants to be held as long as a connection lives.
pub(crate) type Held = Box<dyn Any + Send>;

/// Opens byte streams to segment stores. [`TcpDialer`](crate::TcpDialer) is the usual one; tests and
/// simulated networks bring their own.
pub trait Dial: Send + Sync + 'static {
    /// Opens one byte stream. The hello is not this trait's matter.
    ///
    /// It must end by itself, within a deadline of its own. It runs in a task of the pool, so it is not
    /// dropped when a caller goes away, only when the pool is shut down.
    ///
    /// # Errors
    /// Whatever of [`ConnectError`] applies. The pool hands it to everybody who waits, and does not retry.
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>>;
}

/// An open byte stream, in halves that are used from different places.
pub struct Dialed {
    /// Where the peer's bytes come from.
    pub reader: BoxedReader,
    /// Where ours go. Vectored writes are used when it supports them.
    pub writer: BoxedWriter,
    pub(crate) held: Option<Held>,
}

impl Dialed {
    /// Puts two halves together.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            held: None,
        }
    }

    /// Has `what` held until the connection ends, and dropped then: the session of a tunnel, a place in a
    /// count. What is held already stays so.
    #[must_use]
    pub fn holding(self, what: impl Any + Send) -> Self {
        Self {
            held: Some(Box::new((self.held, what))),
            ..self
        }
    }
}

impl From<DuplexStream> for Dialed {
    /// For tests: the other end of the pipe plays the segment store.
    fn from(pipe: DuplexStream) -> Self {
        let (reader, writer): (ReadHalf<_>, WriteHalf<_>) = tokio::io::split(pipe);
        Self::new(reader, writer)
    }
}

impl fmt::Debug for Dialed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialed").finish_non_exhaustive()
    }
}
