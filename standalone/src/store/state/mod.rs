//! What a segment decides: a pure state machine, with no bytes, no clock and no I/O in it.
//!
//! A segment is its head, its tail, a seal and numbers kept under 128-bit ids. Every backend asks this
//! machine first and makes the answer durable afterwards, so that memory and disk cannot differ. The order
//! of the checks of an append is the real server's: sealed, then the writer's number, then the offset.

#[cfg(test)]
mod tests;

use pravega_client_shared::{
    WriterId,
    planted::{self, Bug},
};
use pravega_wire_protocol::NO_EVENT_NUMBER;

use super::error::StoreError;

/// "No value" of an attribute, which is also the last event number of a writer never seen.
pub(crate) const NO_VALUE: i64 = NO_EVENT_NUMBER;

/// The largest offset that fits the signed 64-bit integers of the wire.
const MAX_OFFSET: u64 = i64::MAX.cast_unsigned();

/// The smallest and the largest size of a read, in bytes: what the real server makes of any request.
const MIN_READ: u64 = 8;
const MAX_READ: u64 = 2 * 1024 * 1024;

/// Head, tail, seal, and the attributes that a segment keeps about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentState {
    /// The first readable offset.
    pub(crate) start: u64,
    /// The offset of the next byte, counted from the first byte ever.
    pub(crate) length: u64,
    /// No more appends.
    pub(crate) sealed: bool,
    /// Wall clock of the last change, milliseconds since 1970.
    pub(crate) last_modified_ms: i64,
    /// Wall clock of the creation, milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// The sum of the event counts that writers gave with their appends.
    pub(crate) event_count: i64,
    /// Scaling policy and rollover size: kept for whoever asks, without any effect here.
    pub(crate) policy: Policy,
}

/// What a segment is created with; one server on one machine neither scales nor rolls over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Policy {
    /// 0 none, 1 kilobytes a second, 2 events a second.
    pub(crate) scale_type: i8,
    /// The rate that scaling aims at.
    pub(crate) target_rate: i32,
    /// The size of a storage object, bytes.
    pub(crate) rollover_bytes: i64,
}

/// One append, as far as the decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AppendCheck {
    /// Whose append.
    pub(crate) writer: WriterId,
    /// The number that must be stored under the writer's id.
    pub(crate) expected_number: i64,
    /// The tail that the append asks for; negative for none.
    pub(crate) expected_offset: i64,
    /// How many bytes it brings.
    pub(crate) bytes: u64,
    /// How many events the writer counts in it.
    pub(crate) events: i32,
}

/// Why an append is not stored. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendRefusal {
    /// The segment takes no more appends.
    Sealed,
    /// Another number than the expected one is stored under the writer's id.
    WrongNumber,
    /// The tail is not where the append wants it.
    WrongOffset,
    /// The tail would no longer fit a signed 64-bit integer.
    TooLong,
}

/// The answer to a read, decided from numbers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadDecision {
    /// A negative offset, or one behind the end of a sealed segment.
    Illegal,
    /// The offset lies below the head.
    Truncated,
    /// The offset is the end of a sealed segment.
    End,
    /// Nothing is there yet: wait.
    Park,
    /// Bytes from the offset on.
    Data {
        /// How many.
        bytes: u64,
        /// The open segment ended before the request was filled.
        at_tail: bool,
        /// The sealed segment ended before the request was filled.
        end_of_segment: bool,
    },
}

impl SegmentState {
    /// A new, empty segment.
    pub(crate) fn new(policy: Policy, now_ms: i64) -> Self {
        Self {
            start: 0,
            length: 0,
            sealed: false,
            last_modified_ms: now_ms,
            created_ms: now_ms,
            event_count: 0,
            policy,
        }
    }

    /// Decides about an append, `stored` being the number under the writer's id, and moves the tail.
    /// The caller then stores the bytes, and the append's own number in the place of `stored`.
    pub(crate) fn append(
        &mut self,
        stored: i64,
        append: &AppendCheck,
        now_ms: i64,
    ) -> Result<(), AppendRefusal> {
        if self.sealed {
            return Err(AppendRefusal::Sealed);
        }
        let is_elsewhere =
            u64::try_from(append.expected_offset).is_ok_and(|offset| offset != self.length);
        // Planted: the offset first.
        if is_elsewhere && planted::is_on(Bug::OffsetBeforeNumber) {
            return Err(AppendRefusal::WrongOffset);
        }
        // An id of the segment's own attributes can be set up, but no number is ever stored under it.
        if append.writer.is_reserved() || append.expected_number != stored {
            return Err(AppendRefusal::WrongNumber);
        }
        if is_elsewhere {
            return Err(AppendRefusal::WrongOffset);
        }
        let length = self.length.checked_add(append.bytes);
        let length = length.filter(|&length| length <= MAX_OFFSET);
        self.length = length.ok_or(AppendRefusal::TooLong)?;
        self.event_count = self.event_count.saturating_add(append.events.into());
        self.last_modified_ms = now_ms;
        Ok(())
    }

    /// Seals; false when it was sealed already.
    pub(crate) fn seal(&mut self, now_ms: i64) -> bool {
        let first = !self.sealed;
        if first {
            self.sealed = true;
            self.last_modified_ms = now_ms;
        }
        first
    }

    /// Moves the head; false, and nothing done, when `offset` is not between head and tail.
    pub(crate) fn truncate(&mut self, offset: u64, now_ms: i64) -> bool {
        let inside = (self.start..=self.length).contains(&offset);
        if inside && offset != self.start {
            self.start = offset;
            self.last_modified_ms = now_ms;
        }
        inside
    }

    /// As [`Self::truncate`], with an error in the place of false.
    pub(crate) fn truncate_or_refuse(
        &mut self,
        offset: u64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let start = self.start;
        match self.truncate(offset, now_ms) {
            true => Ok(()),
            false => Err(StoreError::OutOfRange { start, offset }),
        }
    }

    /// Replaces the policy of an open segment.
    pub(crate) fn set_policy(&mut self, policy: Policy) -> Result<(), StoreError> {
        if self.sealed {
            return Err(StoreError::Sealed);
        }
        // The rollover size is given once, at creation.
        let rollover_bytes = self.policy.rollover_bytes;
        self.policy = Policy {
            rollover_bytes,
            ..policy
        };
        Ok(())
    }

    /// What a read at `offset` of at most `size` bytes gets now.
    pub(crate) fn read(&self, offset: i64, size: u64) -> ReadDecision {
        let Ok(offset) = u64::try_from(offset) else {
            return ReadDecision::Illegal;
        };
        if offset < self.start {
            return ReadDecision::Truncated;
        }
        match self.length.checked_sub(offset) {
            None | Some(0) if !self.sealed => ReadDecision::Park,
            None => ReadDecision::Illegal,
            Some(0) => ReadDecision::End,
            Some(available) => {
                let short = available < size;
                ReadDecision::Data {
                    bytes: available.min(size),
                    at_tail: short && !self.sealed,
                    end_of_segment: short && self.sealed,
                }
            }
        }
    }

    /// The segment's own attribute of this id, if the id is one of those.
    pub(crate) fn core_attribute(&self, id: u128) -> Option<i64> {
        match id.checked_sub(CORE_ATTRIBUTES)? {
            0 => Some(self.created_ms),
            // An append has one event at least; the real server knows of no count before the first.
            1 if self.event_count == 0 => Some(NO_VALUE),
            1 => Some(self.event_count),
            2 => Some(self.policy.scale_type.into()),
            3 => Some(self.policy.target_rate.into()),
            4 => Some(self.policy.rollover_bytes),
            // What the real server has there for every segment of a stream.
            9 => Some(0),
            _ => None,
        }
    }
}

/// A compare-and-set of one attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttributeUpdate {
    /// Its id.
    pub(crate) id: u128,
    /// What must be there; [`NO_VALUE`] for nothing.
    pub(crate) expected: i64,
    /// What will be there; [`NO_VALUE`] to clear it.
    pub(crate) value: i64,
}

/// Decides about an attribute, `stored` being its value: true when it is to be replaced. The attributes that
/// a segment keeps about itself never are.
pub(crate) fn compare_and_set(
    state: &mut SegmentState,
    stored: i64,
    update: AttributeUpdate,
    now_ms: i64,
) -> Result<bool, StoreError> {
    if state.sealed {
        return Err(StoreError::Sealed);
    }
    let replace = stored == update.expected && state.core_attribute(update.id).is_none();
    if replace {
        state.last_modified_ms = now_ms;
    }
    Ok(replace)
}

/// The id of the first of a segment's own attributes; the others follow.
const CORE_ATTRIBUTES: u128 = 0x8000_0000_0000_0000 << 64;

/// The number of bytes that a read of `suggested` bytes may return at most.
pub(crate) fn read_size(suggested: i32) -> u64 {
    u64::try_from(suggested)
        .unwrap_or(0)
        .clamp(MIN_READ, MAX_READ)
}
