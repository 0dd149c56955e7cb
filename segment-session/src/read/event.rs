//! What a read session tells its driver and its callers.

use super::ReadFailure;

/// Something that happened, given out by [`ReadSession::poll_event`](crate::ReadSession::poll_event).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadEvent {
    /// The driver lets go of the flow. With `close` it closes the whole connection, because the peer can no
    /// longer be trusted.
    Detach {
        /// Close the connection, not only the flow.
        close: bool,
    },
    /// The bytes from `requested` to `head` were truncated away, and the position has moved on to the head,
    /// or to the reader's limit when that comes first. Only with
    /// [`OnTruncation::SkipToHead`](crate::OnTruncation::SkipToHead); once for each gap.
    Truncated {
        /// The first byte that is missing.
        requested: u64,
        /// The first readable offset.
        head: u64,
    },
    /// The segment is sealed and ends here. Bytes before the end may still have to be read.
    EndOfSegment {
        /// The segment's length.
        length: u64,
    },
    /// The session failed for good. Bytes received before can still be taken.
    Failed(ReadFailure),
    /// A consumer that found nothing would find something now: bytes, the end, or a failure.
    Readable,
    /// The driver finds the segment's store, connects, and answers with `handle_attached` or
    /// `handle_attach_failed`. Given out once per attempt.
    NeedsAttachment {
        /// The store's cached address is out of date.
        relocate: bool,
        /// The cached token is refused.
        renew_token: bool,
    },
}

/// Events not yet given out. Each kind is there once at most, so the queue is bounded by its shape.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) detach: Option<bool>,
    pub(super) truncated: Option<(u64, u64)>,
    pub(super) end: Option<u64>,
    pub(super) failed: bool,
    pub(super) readable: bool,
}

impl Events {
    pub(super) fn detach(&mut self, close: bool) {
        self.detach = Some(close || self.detach.unwrap_or(false));
    }

    /// The next event in the order in which a driver acts on them: let go, learn, wake.
    pub(super) fn next(&mut self, failure: Option<&ReadFailure>) -> Option<ReadEvent> {
        if let Some(close) = self.detach.take() {
            return Some(ReadEvent::Detach { close });
        }
        if let Some((requested, head)) = self.truncated.take() {
            return Some(ReadEvent::Truncated { requested, head });
        }
        if let Some(length) = self.end.take() {
            return Some(ReadEvent::EndOfSegment { length });
        }
        if std::mem::take(&mut self.failed)
            && let Some(failure) = failure
        {
            return Some(ReadEvent::Failed(failure.clone()));
        }
        std::mem::take(&mut self.readable).then_some(ReadEvent::Readable)
    }
}
