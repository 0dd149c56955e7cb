//! The differential: the same scripts are played to the embedded server and to a real Pravega 0.13.0, and
//! what the two answer must be equal, but for ids, times and stack traces.
//!
//! ```text
//!   script ──► play ──► embedded server, in memory and on disk ──► transcripts ─┐
//!     │                                                                        equal?
//!     └──────► play ──► real Pravega ─────► transcript ──► wanted differences ──┘
//!                                              │
//!                                         recorded/ (played back where there is no real Pravega)
//! ```
//!
//! | run | compares |
//! | --- | --- |
//! | plain | the embedded server with the recorded answers of a real one |
//! | `PRAVEGA_CONTROLLER_URI` set | the embedded server with the real one, and the real one with the record |
//! | and `PRAVEGA_DIFFERENTIAL_RECORD=1` | the same, after writing the record anew |
//!
//! A difference is a bug of the embedded server, except for those that `wanted.txt` names, each with its
//! reason; of these, both sides are asserted. Scripts hold nothing that depends on the real server's timing.

#![cfg(test)]

mod compare;
mod controller;
mod target;
mod transcript;
mod wanted;
mod wire;
