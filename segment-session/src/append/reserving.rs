//! Room that is kept for bytes which do not exist yet.

use std::{ops::Range, time::Instant};

use bytes::Bytes;

use super::{AppendSession, SubmitError, batch::Batch, failure};

/// Room in an append session's window for one submission that is still to come, made by
/// [`AppendSession::reserve`].
///
/// It counts against the window like bytes that were accepted, until it goes back to the session that made it, by
/// [`submit_reserved`](AppendSession::submit_reserved) or [`release`](AppendSession::release). Failures and resyncs do
/// not touch it. The default is room for nothing.
#[derive(Debug, Default)]
#[must_use = "the room is kept until the reservation is submitted or released"]
pub struct Reservation {
    len: usize,
    /// What it takes of the window: never less than the submission will.
    cost: usize,
}

impl Reservation {
    /// The most bytes that the submission may have.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.len
    }
}

impl AppendSession {
    /// Keeps room for a submission of at most `len` bytes, which then cannot be refused for want of it.
    ///
    /// # Errors
    /// [`SubmitError`]: no room now, too long ever, or the session has failed.
    pub fn reserve(&mut self, len: usize) -> Result<Reservation, SubmitError> {
        self.check_submission(len)?;
        let cost = Batch::max_cost(len);
        if !self.window.admits(cost) {
            return failure::FullSnafu { room: self.room() }.fail();
        }
        self.window.reserve(cost);
        Ok(Reservation { len, cost })
    }

    /// Accepts bytes for which there is room, and gives back what they do not need of it. Otherwise like
    /// [`submit_bytes`](Self::submit_bytes).
    ///
    /// # Errors
    /// [`SubmitError::TooLarge`] for more bytes than were reserved, or the session has failed; the room is given back
    /// all the same. Never [`SubmitError::Full`].
    pub fn submit_reserved(
        &mut self,
        now: Instant,
        reservation: Reservation,
        data: Bytes,
    ) -> Result<Range<u64>, SubmitError> {
        let max = reservation.max_len();
        // What is admitted below costs no more than what is given back here.
        self.release(reservation);
        if data.len() > max {
            return failure::TooLargeSnafu { max }.fail();
        }
        self.submit_bytes(now, data)
    }

    /// Gives reserved room back.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a reservation that was given back is gone"
    )]
    pub fn release(&mut self, reservation: Reservation) {
        if reservation.cost > 0 {
            self.window.release(reservation.cost);
            self.events.released();
        }
    }
}
