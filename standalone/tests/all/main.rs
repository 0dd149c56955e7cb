//! The segment store's port, spoken to with raw frames, over both backends.

// Each module is marked as a test, so that the lints know its helpers for what they are.
#[cfg(test)]
mod append;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod condition;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod read;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stats;
