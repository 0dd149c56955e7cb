//! The append session as a [`Machine`], with what the writer keeps beside it.

use std::{ops::Range, time::Instant};

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, FlowId, ScopedSegment};
use pravega_segment_session::{
    AppendEvent, AppendFailure, AppendFailureKind, AppendSession, AppendStats, AttachFailure,
    Certainty, Disconnect, Fate, ProtocolViolation, Reservation, ResyncError, SubmitError,
};
use pravega_wire_protocol::{Reply, Request};
use snafu::{IntoError as _, OptionExt as _};

use super::Resynced;
use crate::{
    driver::{Effect, Hints, Machine},
    error::{
        BrokenSnafu, ClosedSnafu, ConflictSnafu, FullSnafu, TooLargeSnafu, UnflushedSnafu,
        WriteError, WriteNoSuchSegmentSnafu, WriteSealedSnafu,
    },
    measure::{Meters, WriterMeter},
    segment::SegmentInfo,
};

/// Bytes to accept: copied from the caller, or shared with it.
pub(crate) enum Piece<'a> {
    Copied(&'a [u8]),
    Shared(Bytes),
}

/// An append session and the errors that its writer reports.
pub(crate) struct Appending {
    session: AppendSession,
    segment: ScopedSegment,
    /// Set when nothing will ever come any more.
    closed: Option<WriteError>,
    /// A conflict happened and the store is being asked where the segment ends, so that the error can
    /// say so. Until it answers, nobody is told.
    is_explaining: bool,
    meter: WriterMeter,
}

impl Appending {
    pub(crate) fn new(session: AppendSession, segment: ScopedSegment, meters: &Meters) -> Self {
        Self {
            session,
            segment,
            closed: None,
            is_explaining: false,
            meter: WriterMeter::new(meters),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.session.position()
    }

    pub(crate) fn durable_offset(&self) -> u64 {
        self.session.durable_offset()
    }

    pub(crate) fn unflushed(&self) -> u64 {
        self.session.unacked_bytes()
    }

    pub(crate) fn room(&self) -> usize {
        self.session.room()
    }

    pub(crate) fn stats(&self) -> AppendStats {
        self.session.stats()
    }

    /// Whether the bytes that are not acknowledged may be stored.
    pub(crate) fn certainty(&self) -> Certainty {
        match self.session.failure() {
            Some(failure) => failure.certainty(),
            None if self.session.sent() > self.session.durable() => Certainty::Indeterminate,
            None => Certainty::Definite,
        }
    }

    /// The failure that every call reports until it is mended.
    pub(crate) fn failure(&self) -> Option<WriteError> {
        if self.is_explaining {
            return None;
        }
        let failed = || {
            self.session
                .failure()
                .map(|failure| write_error(&self.segment, failure))
        };
        self.closed.clone().or_else(failed)
    }

    /// Accepts bytes that only make a block longer which waits for others; none when that is not all.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> Option<Range<u64>> {
        match &self.closed {
            Some(_) => None,
            None => self.session.extend(bytes),
        }
    }

    /// Accepts a piece if there is room; none when there is none now.
    pub(crate) fn submit(
        &mut self,
        now: Instant,
        piece: &Piece<'_>,
    ) -> Result<Option<Range<u64>>, WriteError> {
        if self.is_explaining {
            return Ok(None);
        }
        if let Some(closed) = &self.closed {
            return Err(closed.clone());
        }
        let (len, submitted) = match piece {
            Piece::Copied(bytes) => (bytes.len(), self.session.submit(now, bytes)),
            Piece::Shared(bytes) => (bytes.len(), self.session.submit_bytes(now, bytes.clone())),
        };
        self.unless_full(now, len, submitted)
    }

    /// Keeps room for `len` bytes if there is any; none when there is none now. The bytes will need a
    /// connection, so it is looked for at once.
    pub(crate) fn reserve(
        &mut self,
        now: Instant,
        len: usize,
    ) -> Result<Option<Reservation>, WriteError> {
        if self.is_explaining {
            return Ok(None);
        }
        if let Some(closed) = &self.closed {
            return Err(closed.clone());
        }
        let reserved = self.session.reserve(len);
        if reserved.is_ok() {
            self.session.attach(now);
        }
        self.unless_full(now, len, reserved)
    }

    /// Accepts bytes for which there is room. It does not wait, so a conflict may be told before it is
    /// known where the segment ends.
    pub(crate) fn submit_reserved(
        &mut self,
        now: Instant,
        reservation: Reservation,
        bytes: Bytes,
    ) -> Result<Range<u64>, WriteError> {
        if let Some(closed) = &self.closed {
            return Err(closed.clone());
        }
        let len = bytes.len();
        let submitted = self.session.submit_reserved(now, reservation, bytes);
        let accepted = self.unless_full(now, len, submitted)?;
        accepted.context(FullSnafu {
            segment: self.segment.clone(),
            room: self.session.room(),
        })
    }

    pub(crate) fn release(&mut self, reservation: Reservation) {
        self.session.release(reservation);
    }

    /// What a submission of `len` bytes gave; none when there is no room now.
    fn unless_full<T>(
        &mut self,
        now: Instant,
        len: usize,
        submitted: Result<T, SubmitError>,
    ) -> Result<Option<T>, WriteError> {
        match submitted {
            Ok(accepted) => Ok(Some(accepted)),
            Err(SubmitError::TooLarge { max }) => TooLargeSnafu { len, max }.fail(),
            Err(SubmitError::Failed { failure }) => Err(write_error(&self.segment, &failure)),
            Err(_) => {
                self.meter.follow(now, &self.session);
                Ok(None)
            }
        }
    }

    /// Sends what lingers. Returns the bytes that a flush has to wait for.
    pub(crate) fn flush(&mut self, now: Instant) -> Range<u64> {
        self.session.flush(now);
        self.meter.flush(now, &self.session);
        self.session.durable()..self.session.accepted()
    }

    /// The same if all was sent before, so that the session has nothing to send, to tell or to wait for; else none.
    pub(crate) fn flush_sent(&mut self, now: Instant) -> Option<Range<u64>> {
        let session = &self.session;
        let is_sent = session.is_attached() && session.sent() == session.accepted();
        is_sent.then(|| self.flush(now))
    }

    /// The durable offset once all of `range` is durable; the failure that keeps it from ever being.
    pub(crate) fn durable(&self, range: &Range<u64>) -> Option<Result<u64, WriteError>> {
        match self.session.fate(range) {
            Fate::Durable => Some(Ok(self.session.durable_offset())),
            Fate::Failed(_) if self.is_explaining => None,
            // Asked again at the session, which may know more of its conflict by now.
            Fate::Failed(failure) => Some(Err(write_error(&self.segment, &failure))),
            Fate::Pending => self.closed.clone().map(Err),
            _ => Some(Err(self.lost_track())),
        }
    }

    /// The durable offset once it is at or behind `offset`, or the failure that keeps it from being.
    pub(crate) fn durable_at(&self, offset: u64) -> Option<Result<u64, WriteError>> {
        let durable = self.session.durable_offset();
        if durable >= offset {
            Some(Ok(durable))
        } else {
            self.failure().map(Err)
        }
    }

    /// So many conflicts ago that it is not known any more which bytes were given up.
    fn lost_track(&self) -> WriteError {
        let segment = self.segment.clone();
        ClosedSnafu {
            segment,
            certainty: Certainty::Indeterminate,
        }
        .build()
    }

    /// An error if the writer cannot be moved now.
    pub(crate) fn check_movable(&self) -> Result<(), WriteError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        match self.session.unacked_bytes() {
            0 => Ok(()),
            bytes => UnflushedSnafu { bytes }.fail(),
        }
    }

    /// An error if `resync` cannot help, or is not needed and would give up bytes that may be on their
    /// way.
    pub(crate) fn check_resync(&self) -> Result<(), WriteError> {
        match self.failure() {
            Some(WriteError::Conflict { .. }) => Ok(()),
            _ => self.check_movable(),
        }
    }

    /// Goes on at `tail`, which the store has confirmed.
    pub(crate) fn resync(&mut self, tail: u64) -> Result<Resynced, WriteError> {
        match self.session.resync(tail) {
            Ok(resynced) => {
                let discarded = resynced.discarded;
                Ok(Resynced {
                    tail,
                    given_up: discarded.end.saturating_sub(discarded.start),
                })
            }
            Err(ResyncError::Unflushed { bytes }) => UnflushedSnafu { bytes }.fail(),
            Err(ResyncError::Terminal { failure }) => Err(write_error(&self.segment, &failure)),
            Err(error) => {
                let (segment, certainty) = (self.segment.clone(), Certainty::Definite);
                Err(BrokenSnafu { segment, certainty }.into_error(std::sync::Arc::new(error)))
            }
        }
    }

    pub(crate) fn note_sealed(&mut self, now: Instant) {
        self.session.note_sealed(now);
    }

    pub(crate) fn is_sealed(&self) -> bool {
        let sealed = |failure: &AppendFailure| matches!(failure.kind(), AppendFailureKind::Sealed);
        self.session.failure().is_some_and(sealed)
    }
}

impl Machine for Appending {
    fn handle_attached(&mut self, now: Instant, flow: FlowId, token: DelegationToken) {
        self.session.handle_attached(now, flow, token);
    }

    fn handle_attach_failed(&mut self, now: Instant, failure: &AttachFailure) {
        self.session.handle_attach_failed(now, failure);
        self.meter.follow(now, &self.session);
    }

    fn handle_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation> {
        let handled = self.session.handle_reply(now, reply);
        self.meter.follow(now, &self.session);
        handled
    }

    fn handle_disconnected(&mut self, now: Instant, disconnect: Disconnect) {
        self.session.handle_disconnected(now, disconnect);
        self.meter.follow(now, &self.session);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    fn handle_info(&mut self, info: Option<SegmentInfo>) {
        self.is_explaining = false;
        if let Some(info) = info {
            self.session.note_tail(info.tail);
        }
    }

    fn handle_closed(&mut self) {
        let (segment, certainty) = (self.segment.clone(), self.certainty());
        self.is_explaining = false;
        self.closed
            .get_or_insert(ClosedSnafu { segment, certainty }.build());
    }

    fn poll_transmit(&mut self) -> Option<Request> {
        self.session.poll_transmit()
    }

    fn poll_effect(&mut self) -> Option<Effect> {
        Some(match self.session.poll_event()? {
            AppendEvent::NeedsAttachment {
                relocate,
                renew_token,
            } => Effect::Attach(Hints {
                relocate,
                renew_token,
            }),
            AppendEvent::Detach { close } => Effect::Detach { close },
            AppendEvent::Failed(failure) => self.failed(&failure),
            AppendEvent::Foreign { offset, len } => {
                tracing::trace!(name: "writer.foreign_append", segment = %self.segment, offset, len, "another writer appended");
                Effect::Progress
            }
            _ => Effect::Progress,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }
}

impl Appending {
    fn failed(&mut self, failure: &AppendFailure) -> Effect {
        tracing::debug!(name: "writer.failed", segment = %self.segment, %failure, "the writer failed");
        if let AppendFailureKind::Conflict { actual: None, .. } = failure.kind() {
            self.is_explaining = true;
            return Effect::AskInfo;
        }
        Effect::Progress
    }
}

/// A failure of the session, in the words of the writer.
fn write_error(segment: &ScopedSegment, failure: &AppendFailure) -> WriteError {
    let (segment, certainty) = (segment.clone(), failure.certainty());
    match failure.kind() {
        AppendFailureKind::Conflict { expected, actual } => {
            let (expected, actual) = (*expected, *actual);
            ConflictSnafu {
                segment,
                expected,
                actual,
                certainty,
            }
            .build()
        }
        AppendFailureKind::Sealed => WriteSealedSnafu { segment, certainty }.build(),
        AppendFailureKind::NoSuchSegment => WriteNoSuchSegmentSnafu { segment, certainty }.build(),
        _ => BrokenSnafu { segment, certainty }.into_error(std::sync::Arc::new(failure.clone())),
    }
}
