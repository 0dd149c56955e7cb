//! The append session, from outside: scripts of known stories, and replies that no server sends.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod acks;
mod conflicts;
mod hostile;
mod reconnect;
mod reserving;
mod sealing;
mod sending;
mod tokens;
