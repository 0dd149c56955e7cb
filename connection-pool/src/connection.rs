//! What callers hold of a connection: a handle to make calls with and to open flows on.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pravega_client_shared::{Endpoint, RequestId};
use pravega_wire_protocol::{Reply, Request};
use snafu::ensure;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use crate::{
    ConnectionError, Flow, FlowHandler,
    error::connection::{ForeignIdSnafu, TimeoutSnafu},
    outbound::lock,
    shared::Shared,
};

/// A multiplexed connection to one segment store. Cloning gives another handle to the same connection.
///
/// A handle that [`ConnectionPool::connect`](crate::ConnectionPool::connect) gave out counts as one user of
/// the connection until it has opened its first flow or the last clone of it is dropped.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    seat: Option<Arc<Seat>>,
}

/// Numbers about one connection, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Open flows, and handles that may open one yet.
    pub flows: usize,
    /// Calls that wait for their reply.
    pub calls: usize,
    /// Bytes encoded and not yet taken to the socket.
    pub queued_bytes: usize,
    /// Bytes that the socket has taken.
    pub written_bytes: u64,
    /// Bytes that came from the peer.
    pub read_bytes: u64,
    /// Replies that nobody waited for, such as those to a cancelled read.
    pub ignored_replies: u64,
}

/// A handle's claim on its connection, until a flow takes its place.
struct Seat {
    shared: Arc<Shared>,
    is_given_up: AtomicBool,
}

impl Connection {
    /// A handle that counts as a user; an error when the connection is closed already.
    pub(crate) fn claim(shared: &Arc<Shared>) -> Result<Self, ConnectionError> {
        if !lock(shared.demux()).reserve() {
            return Err(shared.cause_or_stopped());
        }
        let seat = Seat {
            shared: Arc::clone(shared),
            is_given_up: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::clone(shared),
            seat: Some(Arc::new(seat)),
        })
    }

    /// A handle that does not count as a user; an error when the connection is closed already.
    pub(crate) fn unclaimed(shared: &Arc<Shared>) -> Result<Self, ConnectionError> {
        if !lock(shared.demux()).touch(Instant::now()) {
            return Err(shared.cause_or_stopped());
        }
        Ok(Self::without_seat(shared))
    }

    fn without_seat(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            seat: None,
        }
    }

    /// The segment store at the other end.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.shared.endpoint()
    }

    /// The number of this connection, unique in the process: replies and errors of an older connection
    /// can be told from those of a newer one by it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.shared.id()
    }

    /// The wire version agreed on in the hello.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.shared.version()
    }

    /// True when nothing can be sent any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.cause().is_some()
    }

    /// Waits until the connection is closed, and says why.
    ///
    /// # Cancel safety
    /// Cancel safe: it only waits.
    pub async fn closed(&self) -> ConnectionError {
        self.shared.closed().await
    }

    /// Opens a flow: a user of this connection with request ids of its own, whose replies and whose end
    /// the `handler` is told of.
    ///
    /// # Errors
    /// [`ConnectionError::AlreadyClosed`], or [`ConnectionError::Full`] when there are too many flows.
    pub fn open_flow(&self, handler: Arc<dyn FlowHandler>) -> Result<Flow, ConnectionError> {
        let opened = lock(self.shared.demux()).open_flow(handler);
        let id = opened.map_err(|refusal| self.shared.refused(refusal))?;
        if let Some(seat) = &self.seat {
            seat.give_up();
        }
        Ok(Flow::new(id, Self::without_seat(&self.shared)))
    }

    /// Sends one request and waits for its reply, whatever it is: failure replies are returned too.
    ///
    /// `request` makes the request out of the id it is given, and must put that id into it. A call takes no
    /// flow; replies that come after the time-out are ignored, and the connection stays open. Until something is
    /// received on it the pool gives out other connections, as long as there may be any.
    ///
    /// # Errors
    /// [`ConnectionError::Timeout`] when the reply does not come within `timeout_after`, or the reason why
    /// the connection is closed. [`ConnectionError::sent_nothing`] tells whether the request may have been
    /// carried out all the same.
    ///
    /// # Cancel safety
    /// When dropped before it was polled nothing happens. Later the request is sent whole, and its reply
    /// is ignored: it may or may not be carried out.
    pub async fn call(
        &self,
        request: impl FnOnce(RequestId) -> Request,
        timeout_after: Duration,
    ) -> Result<Reply, ConnectionError> {
        let (receiver, _forget_when_dropped) = self.start_call(request)?;
        match timeout(timeout_after, receiver).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Err(self.shared.cause_or_stopped()),
            Err(_elapsed) => {
                self.shared.doubt();
                TimeoutSnafu {
                    endpoint: self.endpoint().clone(),
                    after: timeout_after,
                }
                .fail()
            }
        }
    }

    /// Closes the connection for everybody, who are all told this cause. Later causes are ignored.
    pub fn close(&self, cause: ConnectionError) {
        self.shared.close(cause);
    }

    /// Numbers about this connection.
    #[must_use]
    pub fn stats(&self) -> ConnectionStats {
        let (load, ignored_replies) = {
            let demux = lock(self.shared.demux());
            (demux.load(), demux.ignored())
        };
        ConnectionStats {
            flows: load.flows,
            calls: load.calls,
            queued_bytes: self.shared.outbound().queued(),
            written_bytes: self.shared.outbound().written(),
            read_bytes: self.shared.read_bytes(),
            ignored_replies,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn start_call(
        &self,
        request: impl FnOnce(RequestId) -> Request,
    ) -> Result<
        (
            oneshot::Receiver<Result<Reply, ConnectionError>>,
            ForgetCall<'_>,
        ),
        ConnectionError,
    > {
        let shared = &*self.shared;
        let refused = |refusal| shared.refused(refusal);
        let id = lock(shared.demux()).call_id().map_err(refused)?;
        let request = request(id);
        ensure!(
            request.request_id() == Some(id.to_wire()),
            ForeignIdSnafu {
                endpoint: shared.endpoint().clone()
            }
        );
        let read_offset = match &request {
            Request::ReadSegment(read) => Some(read.offset),
            _ => None,
        };
        let (waiter, receiver) = oneshot::channel();
        let taken_in = lock(shared.demux()).wait_for(id, read_offset, waiter);
        taken_in.map_err(refused)?;
        let forget = ForgetCall { shared, id };
        shared.enqueue(&request)?;
        shared.outbound().pump();
        Ok((receiver, forget))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("endpoint", &self.endpoint().to_string())
            .field("id", &self.id())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Takes a call out when nobody waits for it any more.
struct ForgetCall<'a> {
    shared: &'a Shared,
    id: RequestId,
}

impl Drop for ForgetCall<'_> {
    fn drop(&mut self) {
        let became_idle = lock(self.shared.demux()).forget_call(self.id, Instant::now());
        self.shared.wake_if(became_idle);
    }
}

impl Seat {
    fn give_up(&self) {
        if !self.is_given_up.swap(true, Ordering::Relaxed) {
            let became_idle = lock(self.shared.demux()).release(Instant::now());
            self.shared.wake_if(became_idle);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_up();
    }
}
