//! One client: frames in, frames out, in one task.
//!
//! Each turn of the task does as much of this as it can, and sleeps when none of it gets further:
//!
//! ```text
//!  outcomes of appends ─┐
//!  answers of calls ────┼──► replies (bounded) ──► one vectored write
//!  requests ────────────┘
//!      ▲ taken only while replies, appends in flight and calls are within their bounds
//!      └── one read
//! ```
//!
//! So a peer that does not read its replies, or sends faster than the disk writes, is no longer read from;
//! and the replies to everything that came in one read leave in one write.

mod deadlines;
mod inbox;
mod outbox;
mod requests;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{Arc, atomic::AtomicU64},
    task::{Context, Poll, ready},
};

use futures::{StreamExt, stream::FuturesUnordered};
use pravega_wire_protocol::{FrameQueue, Reply, append_block::Assembler};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{io::poll_write_buf, sync::CancellationToken};

use self::{deadlines::Deadlines, inbox::Inbox, outbox::Outbox};
use crate::{
    append_memory::AppendMemory,
    counters::{Counters, ServerStats, wide},
    handler::{Answer, Call, CloseReason, Held, Verdict, Writers},
    limits::{Limits, MAX_CALLS},
    security::Guard,
    store::{Appended, Segments},
};

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The store.
    pub(crate) segments: Segments,
    /// The bounds.
    pub(crate) limits: Limits,
    /// Who looks at tokens; nobody where everybody may do everything.
    pub(crate) guard: Option<Arc<Guard>>,
    /// Memory for the appends that are in the server at the same time.
    pub(crate) append_memory: AppendMemory,
    /// The number of the next connection. The right to append for a writer goes by it, so it is one for all
    /// places where the segments are served.
    pub(crate) next_connection: AtomicU64,
    /// What was done so far.
    pub(crate) counters: Arc<Counters>,
}

impl Shared {
    pub(crate) fn stats(&self) -> ServerStats {
        ServerStats {
            segments: wide(self.segments.count()),
            append_memory_bytes: wide(self.append_memory.held()),
            ..self.counters.stats()
        }
    }
}

/// One accepted connection.
pub(crate) struct Connection<S> {
    socket: S,
    shared: Arc<Shared>,
    inbox: Inbox,
    assembler: Assembler,
    writers: Writers,
    outbox: Arc<Outbox>,
    calls: FuturesUnordered<Call>,
    /// A permit for each read that may wait at a tail.
    parking: Arc<Semaphore>,
    /// A request that waits for an earlier one of the same writer.
    held: Option<Held>,
    /// An append that waits for memory or for room in the queue of the storage thread.
    stalled: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    replies: FrameQueue,
    /// The socket may hold bytes back, as one with TLS does, until it is flushed.
    unflushed: bool,
    deadlines: Deadlines,
    closing: Option<CloseReason>,
    /// The first message has come.
    greeted: bool,
    /// The place among the connections that have not sent anything yet.
    silent: Option<OwnedSemaphorePermit>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection numbered `id`, unique in this server. `silent` is given back after the first message.
    pub(crate) fn new(
        socket: S,
        id: u64,
        shared: Arc<Shared>,
        silent: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            socket,
            inbox: Inbox::new(shared.append_memory.clone()),
            assembler: Assembler::new(),
            writers: Writers::new(id, shared.limits.max_writers),
            outbox: Arc::default(),
            calls: FuturesUnordered::new(),
            parking: Arc::new(Semaphore::new(shared.limits.max_parked_reads)),
            held: None,
            stalled: None,
            replies: FrameQueue::new(),
            unflushed: false,
            deadlines: Deadlines::new(&shared.limits),
            closing: None,
            greeted: false,
            silent: Some(silent),
            shared,
        }
    }

    /// Serves the client until either side has enough.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> CloseReason {
        let mut shutdown = pin!(shutdown.cancelled());
        poll_fn(|cx| {
            if self.closing.is_none() && shutdown.as_mut().poll(cx).is_ready() {
                self.close(CloseReason::Shutdown);
            }
            self.poll_serve(cx)
        })
        .await
    }

    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        loop {
            let mut progress = self.poll_outcomes(cx);
            progress |= self.poll_stalled(cx);
            progress |= self.poll_calls(cx);
            progress |= self.take_requests(cx);
            match self.poll_write(cx) {
                Ok(wrote) => progress |= wrote,
                Err(_) => return Poll::Ready(CloseReason::Socket),
            }
            match self.closing {
                None => progress |= self.poll_read(cx),
                Some(reason) if self.is_settled() => {
                    if self.poll_goodbye(cx).is_ready() {
                        return Poll::Ready(reason);
                    }
                }
                Some(_) => {}
            }
            if !progress {
                break;
            }
        }
        let receiving = self.may_take() && self.held.is_none();
        if !receiving {
            // The silence is ours.
            self.deadlines.received();
        }
        // An open block holds memory until its end comes: the two are one message here.
        let is_begun = self.inbox.is_in_frame() || self.assembler.held_bytes() > 0;
        self.deadlines.in_frame(receiving && is_begun);
        self.deadlines
            .writing(self.unflushed || !self.replies.is_empty());
        self.deadlines.poll(&self.shared.limits, cx)
    }

    /// True while another request fits all bounds.
    fn may_take(&self) -> bool {
        let limits = &self.shared.limits;
        // Half of it: the other half is for the message that is taken next.
        let max_in_flight = limits.max_connection_bytes / 2;
        self.closing.is_none()
            && self.stalled.is_none()
            && self.replies.len() < limits.max_reply_bytes
            && self.calls.len() < MAX_CALLS.saturating_add(limits.max_parked_reads)
            && !self.writers.are_busy(max_in_flight)
    }

    fn poll_outcomes(&mut self, cx: &mut Context<'_>) -> bool {
        self.outbox.register(cx.waker());
        let outcomes = self.outbox.take();
        let progress = !outcomes.is_empty();
        for appended in outcomes {
            self.finish(appended);
        }
        progress
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> bool {
        let stalled = self.stalled.as_mut();
        let over = stalled.is_some_and(|stalled| stalled.as_mut().poll(cx).is_ready());
        if over {
            self.stalled = None;
        }
        over
    }

    fn poll_calls(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while self.closing.is_none()
            && self.replies.len() < self.shared.limits.max_reply_bytes
            && let Poll::Ready(Some(answer)) = self.calls.poll_next_unpin(cx)
        {
            self.answer(answer);
            progress = true;
        }
        progress
    }

    /// Begins a request that may take a while, and answers it at once if it does not.
    fn call(&mut self, mut call: Call, cx: &mut Context<'_>) {
        match call.as_mut().poll(cx) {
            Poll::Ready(answer) => self.answer(answer),
            Poll::Pending => self.calls.push(call),
        }
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Reply(reply) => self.reply(&reply),
            Answer::Close(reason) => self.close(reason),
            Answer::SetUp(set_up) => {
                let answer = self.writers.finish_setup(set_up);
                if let Answer::Reply(reply) = &answer {
                    self.reply(reply);
                } else {
                    self.close(CloseReason::Store);
                }
            }
        }
    }

    /// Takes in how an append went.
    fn finish(&mut self, appended: Appended) {
        self.shared.counters.append(&appended);
        let verdict = self.writers.finish(appended);
        self.follow(verdict);
    }

    fn follow(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Reply(Some(reply)) => self.reply(&reply),
            Verdict::Reply(None) => {}
            // The first wrong number ends the connection; it is the last thing said about appends.
            Verdict::ReplyAndClose(reply, reason) => {
                if self.closing.is_none() {
                    self.reply(&reply);
                }
                self.close(reason);
            }
            Verdict::Close(reason) => self.close(reason),
        }
    }

    fn reply(&mut self, reply: &Reply) {
        self.shared.counters.reply(reply);
        // Only a text of ours could be too long, and none is.
        if self.replies.push(reply).is_err() {
            self.close(CloseReason::Store);
        }
    }

    /// Stops taking requests. Acks of what is in flight, and replies that wait, still go out.
    fn close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
        self.calls.clear();
        self.held = None;
        self.stalled = None;
        self.deadlines.closing();
    }

    fn is_settled(&self) -> bool {
        self.replies.is_empty() && !self.unflushed && self.writers.in_flight() == 0
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut progress = false;
        while !self.replies.is_empty() {
            match poll_write_buf(Pin::new(&mut self.socket), cx, &mut self.replies) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(_)) => progress = true,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        if progress {
            self.deadlines.wrote();
            self.unflushed = true;
        }
        if self.unflushed && Pin::new(&mut self.socket).poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(progress)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.may_take() || self.held.is_some() {
            return false;
        }
        match self.inbox.poll_read(&mut self.socket, cx) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.close(CloseReason::PeerClosed),
            Poll::Ready(Ok(_)) => self.deadlines.received(),
            Poll::Ready(Err(_)) => self.close(CloseReason::Socket),
        }
        true
    }

    /// Says that nothing more will come, and waits for the peer to say so too: closing a socket with unread
    /// bytes would reset it, and a reset may overtake the last replies.
    fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(Pin::new(&mut self.socket).poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        self.inbox.poll_discard(&mut self.socket, cx)
    }
}
