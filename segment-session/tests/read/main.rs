//! The read session, from outside: scripts of known stories, and replies that no server sends. Random runs
//! against a model of the store are the simulation in `integration-tests`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`reader`] | a session driven by hand, for stories that a test tells reply by reply |
//! | [`content`] | what every segment has at its offsets |
//! | the others | the stories |

#![cfg(test)]

#[path = "../support/random.rs"]
mod random;

mod content;
mod reader;

mod catch_up;
mod chaos;
mod ending;
mod hostile;
mod recovery;
mod seeking;
mod tail;
mod truncation;
