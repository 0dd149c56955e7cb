//! The read session, from outside: scripts of known stories and random runs against a model server.
//!
//! | module | holds |
//! | --- | --- |
//! | [`reader`] | a session driven by hand, for stories that a test tells reply by reply |
//! | [`model_server`] | a naive model of the reading side of a segment store |
//! | [`world`] | a session, a model server, a consumer and faults, driven by a seed |
//! | the others | the stories |

#![cfg(test)]

#[path = "../support/random.rs"]
mod random;

mod model_server;
mod reader;
mod world;

mod catch_up;
mod chaos;
mod ending;
mod hostile;
mod property;
mod recovery;
mod seeking;
mod tail;
mod truncation;
