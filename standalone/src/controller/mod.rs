//! The embedded controller: which scopes and streams exist, and where their segments are.
//!
//! It answers what a real Pravega 0.13.0 was seen to answer, status by status, with these wanted
//! differences: the names `.` and `..` are refused; a stream that cannot be created leaves nothing behind;
//! a truncation beyond the tail is refused; whether a cut is valid is always answered; it names itself when
//! asked for the list of controllers.
//! It does not scale streams, enforce retention, or keep transactions, reader groups and tables.
//!
//! ```text
//!   gRPC ─► serve ─► service ─► scopes, streams, segments ─► changes ─► storage (the segment store)
//!           limits   one line    statuses of the real one      │  │
//!                    per call                                  │  └─ persist: lines as bytes
//!                                                              └─ catalog, stream: what exists (pure)
//! ```
//!
//! **Crashes.** Segments and catalog are written one after the other, in an order that lets a repetition
//! of the call complete what a crash interrupted:
//!
//! | call | first | then | after a crash in between |
//! | --- | --- | --- | --- |
//! | create stream | segments | line of the stream | empty segments that the repetition takes over |
//! | seal stream | segments | line of the stream | sealed segments of an active stream |
//! | truncate stream | segments | line of the stream | as if truncated at the segment store alone |
//! | delete stream | line: deleting | segments, then no line | finished at the next start, or by the repetition |

mod access;
mod catalog;
mod changes;
mod convert;
mod persist;
mod scopes;
mod segments;
mod serve;
mod service;
mod storage;
mod stream;
mod streams;
#[cfg(test)]
mod tests;

pub use self::{changes::OpenError, persist::RecordError};
pub(crate) use self::{serve::serve, service::ControllerService};
