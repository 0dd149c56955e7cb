//! Offsets are `u64` here and `i64` on the wire; the conversion happens in this one place.

/// The largest offset that the wire can carry.
pub(crate) const MAX_OFFSET: u64 = i64::MAX.unsigned_abs();

/// An offset as a store sent it. A negative one cannot be; it is read as 0.
pub(crate) fn from_wire(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

/// An offset for the wire, if it has one so large.
pub(crate) fn to_wire(offset: u64) -> Option<i64> {
    i64::try_from(offset).ok()
}
