//! What the handles, the flows and the task of one connection share.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use pravega_client_shared::{Endpoint, FlowId};
use pravega_wire_protocol::{Reply, Request};
use snafu::ResultExt;
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{
    ConnectionError, FlowHandler,
    demux::{Demux, Load, Refusal, Use},
    dial::BoxedWriter,
    error::connection::{EncodeSnafu, FullSnafu, IdleSnafu, StoppedSnafu},
    outbound::{Outbound, lock},
};

/// Who waits for the reply to a call.
pub(crate) type CallWaiter = oneshot::Sender<Result<Reply, ConnectionError>>;

/// What the handles, the flows and the task of one connection share.
pub(crate) struct Shared {
    endpoint: Endpoint,
    id: u64,
    version: i32,
    demux: Mutex<Demux<Arc<dyn FlowHandler>, CallWaiter>>,
    outbound: Outbound,
    /// Why the connection is closed. Set once; everybody is told the same.
    cause: OnceLock<ConnectionError>,
    closed: Notify,
    /// Counts the flows that have ended.
    ended_flows: AtomicU64,
    /// The longest read asked for, in bytes: longer replies are not accepted.
    longest_read: AtomicU32,
    read: AtomicU64,
    /// How much had been received when a call was given up.
    doubted_at: AtomicU64,
    /// The peer has begun a frame some time ago and not ended it.
    is_late: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        endpoint: Endpoint,
        version: i32,
        writer: BoxedWriter,
        idle_timeout: Duration,
    ) -> Self {
        Self {
            endpoint,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            version,
            demux: Mutex::new(Demux::new(idle_timeout, Instant::now())),
            outbound: Outbound::new(writer),
            cause: OnceLock::new(),
            closed: Notify::new(),
            ended_flows: AtomicU64::new(0),
            longest_read: AtomicU32::new(0),
            read: AtomicU64::new(0),
            doubted_at: AtomicU64::new(u64::MAX),
            is_late: AtomicBool::new(false),
        }
    }

    pub(crate) fn version(&self) -> i32 {
        self.version
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn demux(&self) -> &Mutex<Demux<Arc<dyn FlowHandler>, CallWaiter>> {
        &self.demux
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Takes a flow out: from here on no reply is handed to it, but one that is being handed already.
    pub(crate) fn end_flow(&self, id: FlowId) {
        let became_idle = lock(&self.demux).forget_flow(id, Instant::now());
        self.ended_flows.fetch_add(1, Ordering::Release);
        self.wake_if(became_idle);
    }

    /// Changes whenever a flow ends: what was looked up before may not hold any more.
    pub(crate) fn ended_flows(&self) -> u64 {
        self.ended_flows.load(Ordering::Acquire)
    }

    /// Why the connection is closed, if it is.
    pub(crate) fn cause(&self) -> Option<&ConnectionError> {
        self.cause.get()
    }

    pub(crate) fn load(&self) -> Load {
        lock(&self.demux).load()
    }

    /// Encodes a request behind what waits already. No I/O.
    pub(crate) fn enqueue(&self, request: &Request) -> Result<(), ConnectionError> {
        if let Some(cause) = self.cause() {
            return Err(cause.already_closed());
        }
        if let Request::ReadSegment(read) = request {
            let asked = u32::try_from(read.suggested_length).unwrap_or(0);
            self.longest_read.fetch_max(asked, Ordering::Relaxed);
        }
        self.outbound.push(request).with_context(|_| EncodeSnafu {
            endpoint: self.endpoint.clone(),
        })
    }

    /// The longest read asked for, in bytes.
    pub(crate) fn longest_read(&self) -> u32 {
        self.longest_read.load(Ordering::Relaxed)
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(crate) fn note_read(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.read.fetch_add(count, Ordering::Relaxed);
    }

    /// A call was not answered in time.
    pub(crate) fn doubt(&self) {
        self.doubted_at.store(self.read_bytes(), Ordering::Relaxed);
    }

    /// Says whether the peer takes long with a frame.
    pub(crate) fn note_late(&self, is_late: bool) {
        self.is_late.store(is_late, Ordering::Relaxed);
    }

    /// True when nothing has been received since a call was given up, or what is received is late.
    pub(crate) fn is_doubted(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
            || self.doubted_at.load(Ordering::Relaxed) == self.read_bytes()
    }

    /// Sets the cause, if none was set before, and makes the connection's task act on it.
    pub(crate) fn close(&self, cause: ConnectionError) {
        self.set_cause(cause);
        self.outbound.wake();
    }

    /// Sets the cause, if none was set before.
    pub(crate) fn set_cause(&self, cause: ConnectionError) {
        if self.cause.set(cause).is_ok() {
            self.closed.notify_waiters();
        }
    }

    /// Lets the connection end as soon as nobody uses it.
    pub(crate) fn retire(&self) {
        lock(&self.demux).retire();
        self.outbound.wake();
    }

    /// When the connection may be closed because nobody uses it; closes it when it is time.
    pub(crate) fn idle_deadline(&self, now: Instant) -> Result<Option<Instant>, ConnectionError> {
        let mut demux = lock(&self.demux);
        match demux.usage(now) {
            Use::Busy => Ok(None),
            Use::Until(deadline) => Ok(Some(deadline)),
            Use::Over => {
                let endpoint = self.endpoint.clone();
                let cause = IdleSnafu { endpoint }.build();
                // Before the lock is released, so that whoever finds the door shut finds the reason too.
                self.set_cause(cause.clone());
                Err(cause)
            }
        }
    }

    pub(crate) fn wake_if(&self, wanted: bool) {
        if wanted {
            self.outbound.wake();
        }
    }

    /// The cause; when there is none, the task is gone without a word.
    pub(crate) fn cause_or_stopped(&self) -> ConnectionError {
        self.cause().cloned().unwrap_or_else(|| {
            let endpoint = self.endpoint.clone();
            StoppedSnafu { endpoint }.build()
        })
    }

    pub(crate) fn why_closed(&self) -> ConnectionError {
        self.cause_or_stopped().already_closed()
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> ConnectionError {
        let endpoint = self.endpoint.clone();
        match refusal {
            Refusal::Closed => self.why_closed(),
            Refusal::Full { what, max } => FullSnafu {
                endpoint,
                what,
                max,
            }
            .build(),
        }
    }

    /// Waits until the cause is set.
    pub(crate) async fn closed(&self) -> ConnectionError {
        loop {
            let mut notified = std::pin::pin!(self.closed.notified());
            // From here on no notification is missed, so the check below cannot come too early.
            notified.as_mut().enable();
            if let Some(cause) = self.cause() {
                return cause.clone();
            }
            notified.await;
        }
    }
}

/// Where the numbers of connections come from.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);
