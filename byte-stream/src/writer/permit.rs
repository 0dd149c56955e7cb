//! [`AppendPermit`]: room in a writer's buffer for an append that is still to come.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use pravega_segment_session::Reservation;

use super::{appending::Appending, durability::Receipt};
use crate::{driver::Driver, error::WriteError};

/// Room in a writer's buffer for one append, made by [`ByteWriter::reserve`](crate::ByteWriter::reserve).
///
/// It belongs to nobody's borrow: it can be sent to another task, and used while the writer writes on. It
/// outlives a conflict and serves behind the [`resync`](crate::ByteWriter::resync). When the writer is gone,
/// its append is [`WriteError::Closed`].
#[derive(Debug)]
#[must_use = "dropping the permit gives the room back"]
pub struct AppendPermit {
    driver: Arc<Driver<Appending>>,
    /// Empty once it has been used.
    reservation: Reservation,
    timeout: Duration,
}

impl AppendPermit {
    pub(crate) fn new(
        driver: Arc<Driver<Appending>>,
        reservation: Reservation,
        timeout: Duration,
    ) -> Self {
        Self {
            driver,
            reservation,
            timeout,
        }
    }

    /// The most bytes that can be appended with it.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.reservation.max_len()
    }

    /// Accepts `bytes` as one atomic append, as [`ByteWriter::append`](crate::ByteWriter::append) does, but
    /// without waiting. What fewer bytes do not need of the room is given back.
    ///
    /// # Errors
    /// [`WriteError::TooLarge`] for more bytes than were reserved, or the writer's failure; no byte was
    /// accepted then, and the room is given back. Never [`WriteError::Full`].
    pub fn append(mut self, bytes: Bytes) -> Result<Receipt, WriteError> {
        let reservation = mem::take(&mut self.reservation);
        let submit =
            |appending: &mut Appending, now| appending.submit_reserved(now, reservation, bytes);
        let range = self.driver.drive(submit)?;
        Ok(Receipt::new(Arc::clone(&self.driver), range, self.timeout))
    }
}

impl Drop for AppendPermit {
    fn drop(&mut self) {
        let reservation = mem::take(&mut self.reservation);
        if reservation.max_len() > 0 {
            let release = |appending: &mut Appending, _| appending.release(reservation);
            self.driver.drive(release);
        }
    }
}
