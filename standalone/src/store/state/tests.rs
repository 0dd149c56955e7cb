//! Every decision, by example and against naive models.

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
            prop_assert!(!at_tail || !sealed);
            prop_assert!(!end_of_segment || sealed);
            prop_assert!(bytes == size || end == length);
        }
    }
}
