//! The segment store's port, spoken to with raw frames, over both backends.

mod append;
mod durability;
mod hostile;
mod lifecycle;
mod metadata;
mod peer;
mod read;
mod server;
