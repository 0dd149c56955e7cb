//! Reading: from memory, from the disk, or when there is something to read.

use pravega_wire_protocol::Payload;
use tokio::sync::Semaphore;
use tracing::error;

use super::{Backend, ReadOutcome, Segment, Segments, StoreError, segment::ReadStep, waiting};

/// How often a read from the disk is tried again because a truncation was faster.
const COLD_READ_ATTEMPTS: u32 = 3;

impl Segments {
    /// Reads at most `size` bytes at `offset`; waits while there is nothing to read in an open segment, if
    /// `parking` has a place.
    pub(crate) async fn read(
        &self,
        name: &str,
        offset: i64,
        size: u64,
        parking: &Semaphore,
    ) -> ReadOutcome {
        let Ok(segment) = self.find(name) else {
            return ReadOutcome::NoSuchSegment;
        };
        let mut woken = false;
        let mut attempts = 0;
        loop {
            match segment.read(offset, size, woken) {
                ReadStep::Done(outcome) => return outcome,
                ReadStep::Parked(wake) => {
                    let Ok(_place) = parking.try_acquire() else {
                        return ReadOutcome::TooManyParked;
                    };
                    match wake.await {
                        Ok(waiting::Wake::Data) => woken = true,
                        Ok(waiting::Wake::Sealed) => return ReadOutcome::Sealed,
                        Ok(waiting::Wake::Deleted) | Err(_) => return ReadOutcome::Deleted,
                    }
                }
                ReadStep::OnDisk(bytes) => {
                    attempts += 1;
                    let data = self.read_cold(&segment, offset, bytes).await;
                    match data {
                        Ok(data) if !data.is_empty() => {
                            return ReadOutcome::Data {
                                data,
                                at_tail: woken,
                                end_of_segment: false,
                            };
                        }
                        Ok(_) if attempts < COLD_READ_ATTEMPTS => {}
                        Ok(_) => {
                            error!(name: "store.bytes_missing", %name, offset, "bytes of a segment are missing");
                            return ReadOutcome::Failed;
                        }
                        Err(failure) => {
                            error!(name: "store.read_failed", %name, offset, %failure, "bytes cannot be read");
                            return ReadOutcome::Failed;
                        }
                    }
                }
            }
        }
    }

    /// Reads bytes that are no longer in memory, on the calling thread.
    pub(super) fn read_here(
        &self,
        segment: &Segment,
        offset: u64,
        bytes: u64,
    ) -> Result<Payload, StoreError> {
        match &self.store.backend {
            Backend::Memory { .. } => Ok(Payload::new()),
            Backend::Disk(disk) => disk.read_here(segment, offset, bytes),
        }
    }

    async fn read_cold(
        &self,
        segment: &Segment,
        offset: i64,
        bytes: u64,
    ) -> Result<Payload, StoreError> {
        match &self.store.backend {
            // Nothing of a segment in memory is ever anywhere else.
            Backend::Memory { .. } => Ok(Payload::new()),
            Backend::Disk(disk) => {
                disk.read(segment, offset.max(0).cast_unsigned(), bytes)
                    .await
            }
        }
    }
}
