//! What a byte-stream client must do on any Pravega: on the embedded server, and on the real one that
//! `PRAVEGA_CONTROLLER_URI` names. Test names begin with the id of their scenario.

#![cfg(test)]

mod adapters;
mod bad_input;
mod blocked;
mod blocking;
mod book;
mod conflicts;
mod durability;
mod faults;
mod hostile;
mod indexing;
mod lifetimes;
mod office;
mod opening;
mod reading;
mod requests;
mod reserving;
mod scripted;
mod seeking;
mod segments;
mod sharing;
mod support;
mod tail;
mod tokens;
mod truncation;
mod writer_adapters;
mod writing;
