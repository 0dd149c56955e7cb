//! What a byte-stream client must do on any Pravega: on the embedded server, and on the real one that
//! `PRAVEGA_CONTROLLER_URI` names. Test names begin with the id of their scenario.

#![cfg(test)]

mod book;
mod scripted;
