//! The deadlines of one connection, behind one timer.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{handler::CloseReason, limits::Limits};

/// What a connection is waiting for, since when.
#[derive(Debug)]
pub(super) struct Deadlines {
    timer: Pin<Box<Sleep>>,
    /// Until the first message.
    hello_since: Option<Instant>,
    /// While the front of the inbox is the beginning of a message, or an append block is open.
    frame_since: Option<Instant>,
    /// While the peer takes no bytes.
    write_since: Option<Instant>,
    /// Since the connection was told to close.
    close_since: Option<Instant>,
    /// When the first token ends that a writer was set up with.
    token_ends: Option<Instant>,
    received_at: Instant,
}

impl Deadlines {
    /// For a connection that was made just now.
    pub(super) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            timer: Box::pin(sleep_until(now + limits.hello_timeout)),
            hello_since: Some(now),
            frame_since: None,
            write_since: None,
            close_since: None,
            token_ends: None,
            received_at: now,
        }
    }

    /// Bytes came.
    pub(super) fn received(&mut self) {
        self.received_at = Instant::now();
    }

    /// The first message is complete.
    pub(super) fn greeted(&mut self) {
        self.hello_since = None;
    }

    /// Whether there is an incomplete message whose rest we are ready to receive.
    pub(super) fn in_frame(&mut self, incomplete: bool) {
        set(&mut self.frame_since, incomplete);
    }

    /// A message was completed: the next one has all its time.
    pub(super) fn frame_done(&mut self) {
        self.frame_since = None;
    }

    /// Whether replies wait for the peer.
    pub(super) fn writing(&mut self, blocked: bool) {
        set(&mut self.write_since, blocked);
    }

    /// The peer took bytes.
    pub(super) fn wrote(&mut self) {
        self.write_since = None;
    }

    /// A writer was set up with a token that ends then. Another token for the same writer changes nothing about
    /// it, as with a real store.
    pub(super) fn token_ends(&mut self, at: Instant) {
        self.token_ends = Some(self.token_ends.map_or(at, |before| before.min(at)));
    }

    /// The connection is about to close.
    pub(super) fn closing(&mut self) {
        set(&mut self.close_since, true);
    }

    /// Ready when a deadline has passed. Otherwise the task is woken at the next one.
    pub(super) fn poll(&mut self, limits: &Limits, cx: &mut Context<'_>) -> Poll<CloseReason> {
        loop {
            let (next, reason) = self.next(limits);
            // Set forward only: most deadlines move away before they come, and a timer that fires early
            // costs less than one that is set for every message.
            if next < self.timer.deadline() {
                self.timer.as_mut().reset(next);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= next {
                return Poll::Ready(reason);
            }
            self.timer.as_mut().reset(next);
        }
    }

    fn next(&self, limits: &Limits) -> (Instant, CloseReason) {
        let idle = (self.received_at + limits.idle_timeout, CloseReason::Idle);
        // A connection that closes has a deadline for that.
        let token_ends = self.token_ends.filter(|_| self.close_since.is_none());
        [
            (self.hello_since, limits.hello_timeout, CloseReason::NoHello),
            (
                self.frame_since,
                limits.frame_timeout,
                CloseReason::SlowFrame,
            ),
            (
                self.write_since,
                limits.write_timeout,
                CloseReason::NotReading,
            ),
            (
                self.close_since,
                limits.close_timeout,
                CloseReason::Shutdown,
            ),
        ]
        .into_iter()
        .filter_map(|(since, timeout, reason)| Some((since? + timeout, reason)))
        .chain(token_ends.map(|at| (at, CloseReason::TokenExpired)))
        .chain([idle])
        .min_by_key(|(at, _)| *at)
        .unwrap_or(idle)
    }
}

/// Starts a wait, or ends it; a wait that goes on keeps its beginning.
fn set(since: &mut Option<Instant>, waiting: bool) {
    *since = match waiting {
        true => since.or_else(|| Some(Instant::now())),
        false => None,
    };
}
