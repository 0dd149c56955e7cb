//! The one check that all bounded options share.

use std::{fmt, ops::RangeInclusive, time::Duration};

use snafu::ensure;

use crate::{ConfigError, error::OutOfRangeSnafu};

/// Refuses a number outside `allowed`; a float that is no number is outside every range.
pub(crate) fn number<T: PartialOrd + fmt::Display + Copy>(
    option: &'static str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<(), ConfigError> {
    ensure!(
        allowed.contains(&value),
        OutOfRangeSnafu {
            option,
            value: value.to_string(),
            allowed: format!("{} to {}", allowed.start(), allowed.end()),
        }
    );
    Ok(())
}

/// Refuses a duration outside `allowed`.
pub(crate) fn duration(
    option: &'static str,
    value: Duration,
    allowed: RangeInclusive<Duration>,
) -> Result<(), ConfigError> {
    ensure!(
        allowed.contains(&value),
        OutOfRangeSnafu {
            option,
            value: format!("{value:?}"),
            allowed: format!("{:?} to {:?}", allowed.start(), allowed.end()),
        }
    );
    Ok(())
}
