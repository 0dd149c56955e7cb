//! Ids that pair a writer with its numbers, and a reply with its request.

use std::fmt;

use snafu::{Snafu, ensure};

/// The identity of one writer on the wire, kept for its whole life: 128 bits, chosen at random.
///
/// The segment store keeps the last event number of a writer under this id, beside the data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId(u128);

/// Ids whose upper half is this value name a segment's own attributes, never a writer.
const RESERVED_UPPER_HALF: u128 = 0x8000_0000_0000_0000;

/// The id is one that segment stores keep for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Snafu)]
#[snafu(display("a writer id must not begin with 8000000000000000: {id}"))]
pub struct ReservedWriterIdError {
    /// The refused id.
    id: WriterId,
}

impl WriterId {
    /// Checks that `id` may name a writer. The caller supplies the randomness.
    ///
    /// # Errors
    /// [`ReservedWriterIdError`] when the upper half is `0x8000000000000000`, which names a segment's
    /// own attributes.
    pub fn new(id: u128) -> Result<Self, ReservedWriterIdError> {
        ensure!(
            !Self(id).is_reserved(),
            ReservedWriterIdSnafu { id: Self(id) }
        );
        Ok(Self(id))
    }

    /// Takes an id as it came off the wire, where any 128 bits may stand.
    #[must_use]
    pub fn from_wire(id: u128) -> Self {
        Self(id)
    }

    /// True for ids that name a segment's own attributes.
    #[must_use]
    pub fn is_reserved(self) -> bool {
        self.0 >> 64 == RESERVED_UPPER_HALF
    }

    /// The 128 bits: on the wire they are sent big-endian.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriterId({self})")
    }
}

/// One user of a shared connection: a writer, a reader, or the connection's own one-shot calls.
///
/// **Shape**: 0 to [`FlowId::MAX`]. A connection counts its flows up from 0 and never uses one twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(u64);

impl FlowId {
    /// The largest flow id: 35 bits.
    pub const MAX: u64 = (1 << FLOW_BITS) - 1;

    /// The flow with this number, if it is at most [`FlowId::MAX`].
    #[must_use]
    pub fn new(id: u64) -> Option<Self> {
        (id <= Self::MAX).then_some(Self(id))
    }

    /// The number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The request id `sequence` of this flow. Only the low 28 bits of `sequence` are kept.
    #[must_use]
    pub fn request(self, sequence: u32) -> RequestId {
        RequestId(TOP_BIT | (self.0 << SEQUENCE_BITS) | u64::from(sequence & MAX_SEQUENCE))
    }
}

/// Pairs a reply with its request: a flow and a sequence number in it.
///
/// **Shape** on the wire, as one signed 64-bit integer: bit 63 set, 35 bits of flow, 28 bits of sequence.
/// The top bit keeps our ids out of the range of offsets, because a segment store that refuses the token
/// of a read answers with the read's *offset* in the place of the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

const TOP_BIT: u64 = 1 << 63;
const SEQUENCE_BITS: u32 = 28;
const FLOW_BITS: u32 = 35;
const MAX_SEQUENCE: u32 = (1 << SEQUENCE_BITS) - 1;

impl RequestId {
    /// Reads an id off the wire; none when it is not one of ours.
    #[must_use]
    pub fn from_wire(id: i64) -> Option<Self> {
        let bits = id.cast_unsigned();
        (bits & TOP_BIT != 0).then_some(Self(bits))
    }

    /// The form on the wire: always negative.
    #[must_use]
    pub fn to_wire(self) -> i64 {
        self.0.cast_signed()
    }

    /// The flow it belongs to.
    #[must_use]
    pub fn flow(self) -> FlowId {
        FlowId((self.0 & !TOP_BIT) >> SEQUENCE_BITS)
    }

    /// The sequence number in its flow: 28 bits.
    #[must_use]
    pub fn sequence(self) -> u32 {
        u32::try_from(self.0 & u64::from(MAX_SEQUENCE)).unwrap_or(MAX_SEQUENCE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_the_ids_of_attributes() {
        assert!(WriterId::new(0x8000_0000_0000_0000 << 64 | 1).is_err());
        assert!(WriterId::new(0).is_ok());
    }

    #[test]
    fn offsets_are_no_request_ids() {
        assert_eq!(RequestId::from_wire(0), None);
        assert_eq!(RequestId::from_wire(i64::MAX), None);
        assert_eq!(
            RequestId::from_wire(-1).unwrap().flow().as_u64(),
            FlowId::MAX
        );
    }

    proptest! {
        #[test]
        fn request_ids_keep_flow_and_sequence(flow in 0..=FlowId::MAX, sequence in 0..=MAX_SEQUENCE) {
            let id = FlowId::new(flow).unwrap().request(sequence);
            prop_assert!(id.to_wire() < 0);
            let read = RequestId::from_wire(id.to_wire()).unwrap();
            prop_assert_eq!((read.flow().as_u64(), read.sequence()), (flow, sequence));
        }
    }
}
