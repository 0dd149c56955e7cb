//! Numbers for the `metrics` crate, with the feature of that name; without it, nothing at no cost.
//!
//! Nothing is counted where bytes are accepted or handed out. The sessions count anyway; what they have
//! counted is passed on when the store has said something, or when something went wrong.

#[cfg(feature = "metrics")]
mod names;
#[cfg(not(feature = "metrics"))]
mod off;
#[cfg(feature = "metrics")]
mod on;

#[cfg(not(feature = "metrics"))]
pub(crate) use self::off::{Meters, ReaderMeter, WriterMeter};
#[cfg(feature = "metrics")]
pub(crate) use self::on::{Meters, ReaderMeter, WriterMeter};
