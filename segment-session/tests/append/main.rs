//! The append session, from outside: scripts of known stories and random runs against a model server.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod conflicts;
mod hostile;
mod model;
mod reconnect;
mod sealing;
mod sending;
mod tokens;
