//! What a read session tells its driver and its callers.

use bytes::Bytes;

use super::ReadFailure;

/// Something that happened, given out by [`ReadSession::poll_event`](crate::ReadSession::poll_event).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadEvent {
    /// The driver lets go of the flow. The connection stays open for others.
    Detach,
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

/// What a consumer gets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadStep {
    /// The next bytes: at least one, unless none were wanted.
    Chunk(Bytes),
    /// The segment is sealed and all of it has been read.
    EndOfSegment,
    /// The position is at the limit [`ReadOptions::until`](crate::ReadOptions::until), or behind it.
    Limit,
    /// Nothing yet. [`ReadEvent::Readable`] tells when to ask again.
    Pending,
    /// There is no next byte.
    Failed(ReadFailure),
}

/// What a consumer would get.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Readiness {
    /// So many bytes, at least one.
    Data(u64),
    /// The segment is sealed and all of it has been read.
    EndOfSegment,
    /// The position is at the limit [`ReadOptions::until`](crate::ReadOptions::until), or behind it.
    Limit,
    /// Nothing yet. [`ReadEvent::Readable`] tells when to ask again.
    Pending,
    /// There is no next byte.
    Failed(ReadFailure),
}

/// Events not yet given out. Each kind is there once at most, so the queue is bounded by its shape.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) detach: bool,
    pub(super) truncated: Option<(u64, u64)>,
    pub(super) end: Option<u64>,
    pub(super) failed: bool,
    pub(super) readable: bool,
}

impl Events {
    /// The next event in the order in which a driver acts on them: let go, learn, wake.
    pub(super) fn next(&mut self, failure: Option<&ReadFailure>) -> Option<ReadEvent> {
        if std::mem::take(&mut self.detach) {
            return Some(ReadEvent::Detach);
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
