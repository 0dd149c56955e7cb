//! The read session as a [`Machine`], with what the reader keeps beside it.

use std::{ops::Range, sync::Arc, time::Instant};

use bytes::{Buf as _, BufMut as _, Bytes};
use pravega_client_shared::{DelegationToken, FlowId, ScopedSegment};
use pravega_segment_session::{
    AttachFailure, Disconnect, ProtocolViolation, ReadEvent, ReadFailure, ReadOptions, ReadSession,
    ReadStep, Readiness, SegmentFacts,
};
use pravega_wire_protocol::{Reply, Request};
use snafu::IntoError as _;

use crate::{
    driver::{Effect, Hints, Machine},
    error::{
        BeyondEndSnafu, ReadBrokenSnafu, ReadClosedSnafu, ReadError, ReadNoSuchSegmentSnafu,
        TruncatedSnafu,
    },
    link::SegmentLink,
    measure::ReaderMeter,
    segment::SegmentInfo,
};

/// A read session and the errors that its reader reports.
pub(crate) struct Reading {
    session: ReadSession,
    segment: ScopedSegment,
    is_closed: bool,
    /// The reader wants the head and does not know where that is. It asks for offset 0 and moves on if
    /// the store says that this was truncated.
    seeks_head: bool,
    /// Truncated bytes that were skipped and that nobody has been told of.
    gap: Option<Range<u64>>,
    meter: ReaderMeter,
}

/// What a look at the session gave.
pub(crate) enum Step<T> {
    Took(T),
    End,
}

impl<T> Step<T> {
    /// What was taken; none at the end.
    pub(crate) fn taken(self) -> Option<T> {
        match self {
            Self::Took(taken) => Some(taken),
            Self::End => None,
        }
    }
}

/// None stands for "nothing yet".
pub(crate) type Look<T> = Result<Option<Step<T>>, ReadError>;

impl Reading {
    pub(crate) fn new(link: &SegmentLink, options: &ReadOptions, seeks_head: bool) -> Self {
        let session = ReadSession::new(link.wire_name(), options);
        Self {
            session,
            segment: link.segment().clone(),
            is_closed: false,
            seeks_head,
            gap: None,
            meter: ReaderMeter::new(&link.core().meters),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.session.position()
    }

    pub(crate) fn take_gap(&mut self) -> Option<Range<u64>> {
        self.gap.take()
    }

    pub(crate) fn available(&self) -> usize {
        usize::try_from(self.session.available()).unwrap_or(usize::MAX)
    }

    pub(crate) fn seek(&mut self, offset: u64) -> Result<(), ReadError> {
        self.seeks_head = false;
        self.session
            .seek(offset)
            .map_err(|_| ReadError::InvalidSeek)
    }

    pub(crate) fn note_info(&mut self, info: &SegmentInfo) {
        self.session.handle_info(SegmentFacts {
            head: info.head,
            tail: info.tail,
            sealed: info.is_sealed,
        });
    }

    /// Takes received bytes as they are, at most `max`, which is not 0.
    pub(crate) fn take_chunk(&mut self, max: usize) -> Look<Bytes> {
        loop {
            return match self.session.poll_chunk(max) {
                ReadStep::Chunk(chunk) => Ok(Some(Step::Took(self.gave(chunk)))),
                ReadStep::EndOfSegment | ReadStep::Limit => Ok(Some(Step::End)),
                ReadStep::Failed(failure) => match self.failed(&failure) {
                    Some(error) => Err(error),
                    None => continue,
                },
                _ => self.nothing_yet(),
            };
        }
    }

    /// Copies bytes into `buf`, if more of them lie together than it takes: then only the position moves.
    pub(crate) fn copy_within(&mut self, buf: &mut [u8]) -> Option<()> {
        let len = buf.len();
        let bytes = self.session.peek().filter(|bytes| bytes.len() > len)?;
        buf.copy_from_slice(bytes.get(..len)?);
        self.session.consume(len);
        self.gave(());
        Some(())
    }

    /// Takes `len` bytes as they are, if more lie together: then only the position moves.
    pub(crate) fn take_within(&mut self, len: usize) -> Option<Bytes> {
        self.session.peek().filter(|bytes| bytes.len() > len)?;
        match self.session.poll_chunk(len) {
            ReadStep::Chunk(chunk) => Some(self.gave(chunk)),
            _ => None,
        }
    }

    /// Copies received bytes into `buf`, which is not empty.
    pub(crate) fn copy_to(&mut self, buf: &mut [u8]) -> Look<usize> {
        match self.ready()? {
            Some(Step::Took(())) => {}
            Some(Step::End) => return Ok(Some(Step::End)),
            None => return Ok(None),
        }
        let mut copied = 0;
        while let Some(bytes) = self.session.peek()
            && let Some(room) = buf.get_mut(copied..)
            && !room.is_empty()
        {
            let len = room.len().min(bytes.len());
            let mut rest = room;
            rest.put(bytes.take(len));
            self.session.consume(len);
            copied += len;
        }
        Ok(Some(Step::Took(self.gave(copied))))
    }

    /// Whether there are bytes or the end, and nothing is taken.
    pub(crate) fn ready(&mut self) -> Look<()> {
        loop {
            return match self.session.poll_ready() {
                Readiness::Data(_) => Ok(Some(Step::Took(()))),
                Readiness::EndOfSegment | Readiness::Limit => Ok(Some(Step::End)),
                Readiness::Failed(failure) => match self.failed(&failure) {
                    Some(error) => Err(error),
                    None => continue,
                },
                _ => self.nothing_yet(),
            };
        }
    }

    /// Bytes were handed over: the head has been found.
    fn gave<T>(&mut self, taken: T) -> T {
        self.seeks_head = false;
        taken
    }

    fn nothing_yet<T>(&self) -> Look<T> {
        match self.is_closed {
            true => ReadClosedSnafu {
                segment: self.segment.clone(),
            }
            .fail(),
            false => Ok(None),
        }
    }

    /// A failure of the session, in the words of the reader; none when reading goes on elsewhere.
    fn failed(&mut self, failure: &ReadFailure) -> Option<ReadError> {
        let segment = self.segment.clone();
        Some(match *failure {
            ReadFailure::Truncated { head, .. }
                if self.seeks_head && self.session.seek(head).is_ok() =>
            {
                return None;
            }
            ReadFailure::Truncated { requested, head } => TruncatedSnafu {
                segment,
                requested,
                head,
            }
            .build(),
            ReadFailure::BeyondEnd { requested, length } => BeyondEndSnafu {
                segment,
                offset: requested,
                length,
            }
            .build(),
            ReadFailure::NoSuchSegment { .. } => ReadNoSuchSegmentSnafu { segment }.build(),
            _ => ReadBrokenSnafu { segment }.into_error(Arc::new(failure.clone())),
        })
    }
}

impl Machine for Reading {
    fn handle_attached(&mut self, now: Instant, flow: FlowId, token: DelegationToken) {
        self.session.handle_attached(now, flow, token);
        self.meter.follow(&self.session);
    }

    fn handle_attach_failed(&mut self, now: Instant, failure: &AttachFailure) {
        self.session.handle_attach_failed(now, failure);
    }

    fn handle_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation> {
        let handled = self.session.handle_reply(now, reply);
        self.meter.follow(&self.session);
        handled
    }

    fn handle_disconnected(&mut self, now: Instant, disconnect: Disconnect) {
        self.session.handle_disconnected(now, disconnect);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    fn handle_info(&mut self, info: Option<SegmentInfo>) {
        if let Some(info) = info {
            self.note_info(&info);
        }
    }

    fn handle_closed(&mut self) {
        self.is_closed = true;
    }

    fn poll_transmit(&mut self) -> Option<Request> {
        self.session.poll_transmit()
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        Some(match self.session.poll_event()? {
            ReadEvent::NeedsAttachment {
                relocate,
                renew_token,
            } => Effect::Attach(Hints {
                relocate,
                renew_token,
            }),
            ReadEvent::Detach => Effect::Detach { close: false },
            ReadEvent::Truncated { requested, head } => {
                tracing::info!(name: "reader.skipped", segment = %self.segment, requested, head, "truncated bytes are skipped");
                let start = self
                    .gap
                    .take()
                    .map_or(requested, |gap| gap.start.min(requested));
                self.gap = Some(start..head);
                Effect::Progress
            }
            _ => Effect::Progress,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }
}
