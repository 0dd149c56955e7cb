//! The task of a connection: the only one that reads, and the one that writes what callers could not.
//!
//! One turn of it, each time it is woken:
//!
//! ```text
//!  closed by somebody? ─► read until there is nothing, or the turn is over:
//!                            cut frames, decode, hand out replies, pump once a batch
//!                      ─► pump ─► writing failed? ─► what is due: keep-alive, frame deadline, idle end
//! ```
//!
//! What was received is handed out before a failed write or a deadline ends the connection, because the
//! peer may have said why.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use pravega_wire_protocol::{KeepAlive as KeepAliveMessage, Reply, Request};
use snafu::{IntoError, ResultExt};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    ConnectionError,
    dial::Held,
    error::connection::{
        ClosedByPeerSnafu, CutFrameSnafu, MalformedSnafu, ReadSnafu, SilentSnafu, SlowFrameSnafu,
        StoppedSnafu,
    },
    inbound::Inbound,
    keep_alive::{Due, KeepAlive},
    limits::READ_TURN_BYTES,
    outbound::lock,
    router::Router,
    shared::Shared,
};

/// Serves one connection until it is closed. Dropping it closes the connection: everybody is told.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    inbound: Inbound,
    keep_alive: KeepAlive,
    /// How often a full socket had taken bytes again when this was last looked at.
    seen_drained: u64,
    /// Fires at the next deadline or before.
    timer: Pin<Box<Sleep>>,
    /// The timer has been polled since it was moved, and not fired: it will wake this task, which has one waker for life.
    is_armed: bool,
    /// Given back to the dialer's side when the connection ends.
    _held: Option<Held>,
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        inbound: Inbound,
        period: Duration,
        held: Option<Held>,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            inbound,
            keep_alive: KeepAlive::new(period, now),
            seen_drained: 0,
            timer: Box::pin(sleep_until(now + period)),
            is_armed: false,
            _held: held,
        }
    }

    /// Runs until the connection is closed.
    pub(crate) async fn run(mut self) {
        // What came together with the peer's hello is there already.
        let cause = match self.deliver() {
            Ok(_) => poll_fn(|cx| self.poll(cx)).await,
            Err(cause) => cause,
        };
        self.shared.set_cause(cause);
    }

    /// Ready when the connection is closed, with the cause.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(cause) => Poll::Ready(cause),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), ConnectionError> {
        self.shared.outbound().set_waker(cx.waker());
        let received = self.read(cx)?;
        self.shared.outbound().pump();
        if let Some(source) = self.shared.outbound().failure() {
            let endpoint = self.shared.endpoint().clone();
            return Err(ConnectionError::Write { endpoint, source });
        }
        self.wait_for_what_is_due(cx, received.unwrap_or_else(Instant::now))
    }

    /// Reads and hands out what there is, for one turn. Returns when something was received last.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<Option<Instant>, ConnectionError> {
        let mut left = READ_TURN_BYTES;
        let mut received = None;
        loop {
            if let Some(cause) = self.shared.cause() {
                return Err(cause.clone());
            }
            let Poll::Ready(filled) = self.inbound.poll_fill(cx) else {
                return Ok(received);
            };
            let count = filled.with_context(|_| ReadSnafu {
                endpoint: self.shared.endpoint().clone(),
            })?;
            if count == 0 {
                return Err(self.ended());
            }
            self.shared.note_read(count);
            received = Some(self.deliver()?);
            left = left.saturating_sub(count);
            if left == 0 {
                // More may be there, but it is other tasks' turn.
                cx.waker().wake_by_ref();
                return Ok(received);
            }
            self.shared.outbound().pump();
        }
    }

    /// Hands out the replies that are complete. Returns what the time was before.
    fn deliver(&mut self) -> Result<Instant, ConnectionError> {
        let now = Instant::now();
        self.keep_alive.sign_of_life(now);
        self.inbound.expect_reads_of(self.shared.longest_read());
        let malformed = |error| {
            let endpoint = self.shared.endpoint().clone();
            MalformedSnafu { endpoint }.into_error(error)
        };
        let mut router = Router::new(&self.shared, now);
        let mut progressed = false;
        while let Some(frame) = self.inbound.next_frame().map_err(malformed)? {
            progressed = true;
            router.deliver(Reply::decode(frame).map_err(malformed)?)?;
        }
        self.inbound.time_rest(progressed, now);
        Ok(now)
    }

    fn ended(&self) -> ConnectionError {
        let endpoint = self.shared.endpoint().clone();
        if self.inbound.is_inside_frame() {
            CutFrameSnafu { endpoint }.build()
        } else {
            ClosedByPeerSnafu { endpoint }.build()
        }
    }

    /// Does what is due and arms the timer for the next deadline. The timer is moved only when it would
    /// fire too late: firing early costs one look, moving it with every reply would cost more.
    fn wait_for_what_is_due(
        &mut self,
        cx: &mut Context<'_>,
        mut now: Instant,
    ) -> Result<(), ConnectionError> {
        loop {
            let next = self.next_deadline(now)?;
            if !self.is_armed || next < self.timer.deadline() {
                self.timer.as_mut().reset(next);
            } else if now < self.timer.deadline() {
                // Should it fire in this moment, it makes for another turn, with a later `now`.
                return Ok(());
            }
            self.is_armed = self.timer.as_mut().poll(cx).is_pending();
            if self.is_armed {
                return Ok(());
            }
            now = Instant::now();
        }
    }

    fn next_deadline(&mut self, now: Instant) -> Result<Instant, ConnectionError> {
        let mut next = self.keep_alive_deadline(now)?;
        let unfinished = self.inbound.deadline();
        // After a period an answer to a keep-alive would be there.
        let period = self.keep_alive.period();
        let is_late = unfinished.is_some_and(|(deadline, after)| deadline + period <= now + after);
        self.shared.note_late(is_late);
        if let Some((deadline, after)) = unfinished {
            if deadline <= now {
                let endpoint = self.shared.endpoint().clone();
                return SlowFrameSnafu { endpoint, after }.fail();
            }
            next = next.min(deadline);
        }
        let idle = self.shared.idle_deadline(now)?;
        Ok(idle.map_or(next, |idle| next.min(idle)))
    }

    /// Asks the peer for a sign of life when it is time, and gives it up when it gave none.
    fn keep_alive_deadline(&mut self, now: Instant) -> Result<Instant, ConnectionError> {
        let drained = self.shared.outbound().drained();
        if drained != self.seen_drained {
            self.seen_drained = drained;
            self.keep_alive.sign_of_life(now);
        }
        loop {
            match self.keep_alive.due(now) {
                Due::Nothing(next) => return Ok(next),
                Due::Question => self.ask()?,
                Due::Dead(silence) => {
                    let endpoint = self.shared.endpoint().clone();
                    return SilentSnafu { endpoint, silence }.fail();
                }
            }
        }
    }

    fn ask(&mut self) -> Result<(), ConnectionError> {
        // Nothing came for a period, so the memory kept for traffic is not needed either.
        self.inbound.shrink();
        self.shared.outbound().shrink();
        self.shared.enqueue(&Request::KeepAlive(KeepAliveMessage))?;
        self.shared.outbound().pump();
        Ok(())
    }
}

impl Drop for Driver {
    /// Closes the connection and tells everybody: at the end of [`Driver::run`] with the cause found
    /// there, or because the runtime was shut down or a handler panicked.
    fn drop(&mut self) {
        let endpoint = self.shared.endpoint().clone();
        self.shared.set_cause(StoppedSnafu { endpoint }.build());
        let cause = self.shared.cause_or_stopped();
        let (flows, calls) = lock(self.shared.demux()).close();
        self.shared.outbound().close();
        tracing::debug!(name: "connection.closed",
            endpoint = %self.shared.endpoint(),
            connection = self.shared.id(),
            %cause,
            "connection closed"
        );
        for handler in flows {
            handler.on_disconnect(&cause);
        }
        for waiter in calls {
            // A receiver that was dropped belongs to a call that was cancelled in this very moment.
            waiter.send(Err(cause.clone())).ok();
        }
    }
}
