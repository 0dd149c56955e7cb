//! What a segment decides: a pure state machine, with no bytes, no clock and no I/O in it.
//!
//! A segment is its head, its tail, a seal and numbers kept under 128-bit ids. Every backend asks this
//! machine first and makes the answer durable afterwards, so that memory and disk cannot differ. The order
//! of the checks of an append is the real server's: sealed, then the writer's number, then the offset.

use pravega_client_shared::WriterId;
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
        // An id of the segment's own attributes can be set up, but no number is ever stored under it.
        if append.writer.is_reserved() || append.expected_number != stored {
            return Err(AppendRefusal::WrongNumber);
        }
        if u64::try_from(append.expected_offset).is_ok_and(|offset| offset != self.length) {
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
            1 => Some(self.event_count),
            2 => Some(self.policy.scale_type.into()),
            3 => Some(self.policy.target_rate.into()),
            4 => Some(self.policy.rollover_bytes),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn writer(id: u128) -> WriterId {
        WriterId::from_wire(id)
    }

    fn check(expected_number: i64, expected_offset: i64, bytes: u64) -> AppendCheck {
        AppendCheck {
            writer: writer(1),
            expected_number,
            expected_offset,
            bytes,
            events: 1,
        }
    }

    fn state(start: u64, length: u64, sealed: bool) -> SegmentState {
        SegmentState {
            start,
            length,
            sealed,
            ..SegmentState::new(Policy::default(), 0)
        }
    }

    #[test]
    fn the_first_failing_check_wins() {
        let bad = check(7, 99, 1);
        let mut sealed = state(0, 10, true);
        assert_eq!(sealed.append(3, &bad, 0), Err(AppendRefusal::Sealed));
        let mut open = state(0, 10, false);
        assert_eq!(open.append(3, &bad, 0), Err(AppendRefusal::WrongNumber));
        assert_eq!(open.append(7, &bad, 0), Err(AppendRefusal::WrongOffset));
        assert_eq!(open, state(0, 10, false));
        assert_eq!(open.append(7, &check(7, 10, 5), 0), Ok(()));
        assert_eq!(open.length, 15);
    }

    #[test]
    fn a_negative_expectation_is_none() {
        let mut segment = state(0, 10, false);
        assert_eq!(segment.append(NO_VALUE, &check(NO_VALUE, -1, 1), 0), Ok(()));
    }

    #[test]
    fn an_empty_append_at_another_offset_fails() {
        let mut segment = state(0, 10, false);
        let refused = segment.append(1, &check(1, 9, 0), 0);
        assert_eq!(refused, Err(AppendRefusal::WrongOffset));
        assert_eq!(segment.append(1, &check(1, 10, 0), 0), Ok(()));
        assert_eq!(segment.length, 10);
    }

    #[test]
    fn ids_of_attributes_never_write() {
        let mut segment = state(0, 0, false);
        let append = AppendCheck {
            writer: writer(CORE_ATTRIBUTES | 0x4d),
            ..check(NO_VALUE, -1, 1)
        };
        let refused = segment.append(NO_VALUE, &append, 0);
        assert_eq!(refused, Err(AppendRefusal::WrongNumber));
    }

    #[test]
    fn the_tail_stays_within_the_wire_s_integers() {
        let mut segment = state(0, MAX_OFFSET - 1, false);
        assert_eq!(
            segment.append(1, &check(1, -1, 2), 0),
            Err(AppendRefusal::TooLong)
        );
        assert_eq!(segment.append(1, &check(1, -1, 1), 0), Ok(()));
        let refused = segment.append(1, &check(1, -1, u64::MAX), 0);
        assert_eq!(refused, Err(AppendRefusal::TooLong));
    }

    #[test]
    fn truncation_stays_between_head_and_tail() {
        let mut segment = state(4, 10, true);
        for (offset, done) in [(3, false), (4, true), (10, true), (10, true), (11, false)] {
            assert_eq!(segment.truncate(offset, 0), done, "at {offset}");
        }
        assert_eq!(segment.start, 10);
    }

    #[test]
    fn reads_at_every_boundary() {
        let data = |bytes, at_tail, end_of_segment| ReadDecision::Data {
            bytes,
            at_tail,
            end_of_segment,
        };
        let open = state(4, 20, false);
        let sealed = state(4, 20, true);
        for (segment, offset, size, expected) in [
            (open, -1, 8, ReadDecision::Illegal),
            (open, 3, 8, ReadDecision::Truncated),
            (open, 4, 8, data(8, false, false)),
            (open, 12, 8, data(8, false, false)),
            (open, 13, 8, data(7, true, false)),
            (open, 20, 8, ReadDecision::Park),
            (open, 99, 8, ReadDecision::Park),
            (sealed, 12, 8, data(8, false, false)),
            (sealed, 13, 8, data(7, false, true)),
            (sealed, 20, 8, ReadDecision::End),
            (sealed, 21, 8, ReadDecision::Illegal),
        ] {
            assert_eq!(segment.read(offset, size), expected, "{offset} {segment:?}");
        }
        assert_eq!(state(0, 0, true).read(0, 8), ReadDecision::End);
    }

    #[test]
    fn read_sizes_are_bounded_both_ways() {
        for (suggested, size) in [
            (i32::MIN, 8),
            (-1, 8),
            (0, 8),
            (7, 8),
            (9, 9),
            (2_097_152, 2_097_152),
            (2_097_153, 2_097_152),
            (i32::MAX, 2_097_152),
        ] {
            assert_eq!(read_size(suggested), size);
        }
    }

    proptest! {
        /// A naive model: the bytes themselves, and the numbers in a map.
        #[test]
        fn agrees_with_a_model_of_bytes(steps in proptest::collection::vec(
            (0..4_u8, 0..3_i64, -1..40_i64, 0..5_u64), 0..60)
        ) {
            let mut segment = state(0, 0, false);
            let mut number = NO_VALUE;
            let (mut bytes, mut head, mut sealed) = (Vec::new(), 0_u64, false);
            for (index, (kind, expected, offset, size)) in steps.into_iter().enumerate() {
                let tail = u64::try_from(bytes.len()).unwrap();
                match kind {
                    0 | 1 => {
                        let expected = if expected == 0 { number } else { expected };
                        let result = segment.append(number, &check(expected, offset, size), 0);
                        let fits = offset < 0 || offset.cast_unsigned() == tail;
                        let wanted = match (sealed, expected == number, fits) {
                            (true, _, _) => Err(AppendRefusal::Sealed),
                            (_, false, _) => Err(AppendRefusal::WrongNumber),
                            (_, _, false) => Err(AppendRefusal::WrongOffset),
                            (false, true, true) => Ok(()),
                        };
                        prop_assert_eq!(result, wanted);
                        if result.is_ok() {
                            number = i64::try_from(index).unwrap() + 10;
                            bytes.extend((0..size).map(|_| 0_u8));
                        }
                    }
                    2 if expected == 2 && offset > 30 => {
                        prop_assert_eq!(segment.seal(0), !sealed);
                        sealed = true;
                    }
                    _ => {
                        let target = offset.max(0).cast_unsigned();
                        let inside = target >= head && target <= tail;
                        prop_assert_eq!(segment.truncate(target, 0), inside);
                        if inside {
                            head = target;
                        }
                    }
                }
                prop_assert_eq!(segment.start, head);
                prop_assert_eq!(segment.length, u64::try_from(bytes.len()).unwrap());
                prop_assert_eq!(segment.sealed, sealed);
            }
        }

        /// A read never promises more than there is, and its flags say what its length says.
        #[test]
        fn reads_promise_what_is_there(
            (start, length) in (0..50_u64, 0..50_u64),
            sealed: bool, offset in -2..60_i64, suggested in -3..40_i32
        ) {
            let segment = state(start.min(length), length, sealed);
            let size = read_size(suggested);
            if let ReadDecision::Data { bytes, at_tail, end_of_segment } = segment.read(offset, size) {
                let end = offset.cast_unsigned() + bytes;
                prop_assert!(bytes > 0 && bytes <= size && end <= length);
                prop_assert_eq!(at_tail || end_of_segment, bytes < size);
                prop_assert!(!(at_tail && sealed) && !(end_of_segment && !sealed));
                prop_assert!(bytes == size || end == length);
            }
        }
    }
}
