//! The 64-bit id of a segment: its number and the epoch that created it.

use std::{fmt, str::FromStr};

use snafu::{OptionExt, ResultExt, Snafu};

/// The word between number and epoch in a segment's name.
const EPOCH_DELIMITER: &str = ".#epoch.";

/// Which segment of a stream: a number that counts up over the life of the stream's name, and the epoch
/// in which the segment was made.
///
/// **Shape**: both parts are 0 to 2^31 − 1; packed they are `epoch << 32 | number`. Printed as
/// `number.#epoch.epoch`, which is the last part of the segment's name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SegmentId {
    epoch: u32,
    number: u32,
}

/// Why a number or a text is no segment id.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum SegmentIdError {
    /// One of the two parts is above 2^31 − 1.
    #[snafu(display(
        "segment number and epoch are at most {}, got {number} and {epoch}",
        i32::MAX
    ))]
    OutOfRange {
        /// The number given.
        number: u32,
        /// The epoch given.
        epoch: u32,
    },
    /// A packed id below zero.
    #[snafu(display("a packed segment id is not negative, got {packed}"))]
    Negative {
        /// The packed id given.
        packed: i64,
    },
    /// The text is not `NUMBER` or `NUMBER.#epoch.EPOCH` in decimal.
    #[snafu(display("{text:?} is not a segment number such as 0 or 0.#epoch.0"))]
    NotANumber {
        /// The text given.
        text: String,
        /// What the number parser says.
        source: std::num::ParseIntError,
    },
}

impl SegmentId {
    /// The id of segment `number`, made in `epoch`.
    ///
    /// # Errors
    /// [`SegmentIdError::OutOfRange`] when a part is above 2^31 − 1.
    pub fn new(number: u32, epoch: u32) -> Result<Self, SegmentIdError> {
        let fits = |part: u32| i32::try_from(part).is_ok();
        (fits(number) && fits(epoch))
            .then_some(Self { epoch, number })
            .context(OutOfRangeSnafu { number, epoch })
    }

    /// Unpacks the controller's 64-bit form.
    ///
    /// # Errors
    /// [`SegmentIdError`] when `packed` is negative or its low half is above 2^31 − 1.
    pub fn from_packed(packed: i64) -> Result<Self, SegmentIdError> {
        let bits = u64::try_from(packed)
            .ok()
            .context(NegativeSnafu { packed })?;
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self::new(half(bits), half(bits >> 32))
    }

    /// The controller's 64-bit form.
    #[must_use]
    pub fn packed(self) -> i64 {
        (i64::from(self.epoch) << 32) | i64::from(self.number)
    }

    /// The number, unique over the life of the stream's name.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// The epoch in which the segment was made.
    #[must_use]
    pub fn epoch(self) -> u32 {
        self.epoch
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{EPOCH_DELIMITER}{}", self.number, self.epoch)
    }
}

impl FromStr for SegmentId {
    type Err = SegmentIdError;

    /// Reads `NUMBER.#epoch.EPOCH`, or `NUMBER` alone for epoch 0.
    fn from_str(text: &str) -> Result<Self, SegmentIdError> {
        let (number, epoch) = text.split_once(EPOCH_DELIMITER).unwrap_or((text, "0"));
        let parse = |part: &str| part.parse::<u32>().context(NotANumberSnafu { text });
        Self::new(parse(number)?, parse(epoch)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packs_the_epoch_into_the_high_half() {
        let id = SegmentId::new(7, 2).unwrap();
        assert_eq!(id.packed(), 8_589_934_599);
        assert_eq!(id.to_string(), "7.#epoch.2");
    }

    #[test]
    fn rejects_parts_that_a_server_cannot_have() {
        assert!(SegmentId::new(1 << 31, 0).is_err());
        assert!(SegmentId::from_packed(-1).is_err());
        assert!(SegmentId::from_packed(0x8000_0000).is_err());
        for text in [
            "",
            "x",
            "-1",
            "1.#epoch.",
            "1.#epoch.-1",
            "99999999999",
            "1.#epoch.0.#epoch.0",
        ] {
            assert!(text.parse::<SegmentId>().is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn survives_packing_and_printing(number in 0..=0x7fff_ffffu32, epoch in 0..=0x7fff_ffffu32) {
            let id = SegmentId::new(number, epoch).unwrap();
            prop_assert_eq!(SegmentId::from_packed(id.packed()).unwrap(), id);
            prop_assert_eq!(id.to_string().parse::<SegmentId>().unwrap(), id);
        }
    }
}
