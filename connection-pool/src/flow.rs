//! A user of a shared connection, with request ids and replies of its own.

use std::{fmt, time::Instant};

use pravega_client_shared::FlowId;
use pravega_wire_protocol::{Reply, Request};

use crate::{Connection, ConnectionError, ProtocolError};

/// Is told what happens to a flow.
///
/// Both methods are called by the connection's task, one at a time, and must return at once: as long as
/// they run, nobody else on the connection gets a reply. No lock of this crate is held meanwhile, so they
/// may use the flow and the connection.
///
/// When a flow is dropped, one reply may be with its handler already, on another thread; no other follows.
pub trait FlowHandler: Send + Sync + 'static {
    /// A reply with an id of this flow, or a token refusal with an offset in the place of the id: that one
    /// is offered to every flow, and whose read it was must say so by itself. It was received at `now`, on
    /// tokio's clock, which is read once for all replies that came together.
    ///
    /// # Errors
    /// A [`ProtocolError`] closes the connection for everybody: the peer cannot be believed any more.
    fn on_reply(&self, now: Instant, reply: Reply) -> Result<(), ProtocolError>;

    /// The connection is closed. Called once, and not when the flow was dropped before; no reply comes
    /// after it.
    fn on_disconnect(&self, cause: &ConnectionError);
}

/// A user of a connection. Dropping it ends it: late replies are ignored, and its id is never used again.
#[must_use = "a flow ends when it is dropped"]
pub struct Flow {
    id: FlowId,
    connection: Connection,
}

impl Flow {
    pub(crate) fn new(id: FlowId, connection: Connection) -> Self {
        Self { id, connection }
    }

    /// The number of the flow: requests take their ids from it, see [`FlowId::request`].
    #[must_use]
    pub fn id(&self) -> FlowId {
        self.id
    }

    /// The connection it uses.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Puts a request behind those that wait to be sent. It is encoded here, and payloads are shared, not
    /// copied; there is no I/O and no waiting, so it may be called under a lock of the caller's.
    ///
    /// The queue has no bound of its own: callers bound what they have in flight. Call
    /// [`pump`](Self::pump) when the last request is in.
    ///
    /// # Errors
    /// [`ConnectionError::AlreadyClosed`] or [`ConnectionError::Encode`]; then nothing of it is sent. After
    /// `Ok` it is sent whole or, when the connection is lost, perhaps not or in part.
    pub fn enqueue(&self, request: &Request) -> Result<(), ConnectionError> {
        self.connection.shared().enqueue(request)
    }

    /// Writes what waits, of all users of the connection, as far as the socket takes it now. Never waits;
    /// the rest is written by the connection's task when there is room. Call it without holding locks.
    ///
    /// Errors are not reported here but to [`FlowHandler::on_disconnect`].
    pub fn pump(&self) {
        self.connection.shared().outbound().pump();
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("connection", &self.connection)
            .finish()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.connection.shared().end_flow(self.id);
    }
}
