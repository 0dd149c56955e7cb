//! Append and read sessions of a Pravega segment as state machines: no I/O, no clock.
//!
//! An [`AppendSession`] decides everything about writing to a segment, a [`ReadSession`] everything about
//! reading one: what to send and when, what a reply means, when to reconnect and what to send again, when to
//! give up and what then is certain. They hold no socket, start no task, take no lock and read no clock.
//! A *driver* moves bytes and time for them; the same machines run under an async runtime, in a simulation
//! that a seed repeats, and in a fuzzer.
//!
//! This crate does not connect, find segment stores, fetch tokens or encode frames: see the crates for
//! connections, the controller and the wire protocol.
//!
//! # The contract with a driver
//!
//! ```text
//!      caller                          driver                             network, controller
//!        │  commands                     │  handle_attached                        │
//!        │  submit, flush, resync        │  handle_attach_failed                   │
//!        │  seek, poll_chunk             │  handle_reply                           │
//!        │                               │  handle_disconnected                    │
//!        ▼                               ▼  handle_timeout                         │
//!   ┌──────────────────────────────────────────────┐                               │
//!   │                   session                    │                               │
//!   └──────────────────────────────────────────────┘                               │
//!        │ 1. poll_event    let go of a flow, attach, wake callers ───────────────►│
//!        │ 2. poll_transmit requests for the attached connection ─────────────────►│
//!        │ 3. poll_timeout  when handle_timeout is due                             │
//!        ▼
//! ```
//!
//! - Every command and every `handle_*` method returns at once. After each, or after several, the driver
//!   drains the three outputs in the order of the picture. Events come first because one of them may say
//!   that the present connection is no longer wanted.
//! - `now` never goes back. Only the driver reads a clock.
//! - A session asks for a connection when it has use for one, one attempt at a time, with
//!   `NeedsAttachment`. The driver locates the segment's store (anew if `relocate` says so), gets a token
//!   (a new one if `renew_token` says so), opens a flow on a connection and answers with `handle_attached`,
//!   or with `handle_attach_failed`. Pauses between attempts are the session's affair: they show in
//!   `poll_timeout`.
//! - Requests given out by `poll_transmit` go to the attached connection in that order. A driver that cannot
//!   send them reports the connection as lost.
//! - Replies with request ids of the attached flow go to `handle_reply`; others may, and are ignored. An
//!   `Err` from it means: drop the connection. The session has let go of it already.
//! - When a connection ends, `handle_disconnected` is called once, and nothing of that connection is
//!   delivered after it.
//! - After a terminal failure every input is harmless and does nothing.
//!
//! # A session driven by hand
//!
//! ```
//! use std::time::Instant;
//!
//! use pravega_client_shared::{DelegationToken, FlowId, WriterId};
//! use pravega_segment_session::{AppendEvent, AppendOptions, AppendSession, Fate};
//! use pravega_wire_protocol::{AppendSetup, DataAppended, NO_EVENT_NUMBER, Request};
//!
//! let now = Instant::now();
//! let writer_id = WriterId::new(0x5eed)?;
//! let segment = "camera/front/0.#epoch.0".into();
//! let mut session = AppendSession::new(writer_id, segment, AppendOptions::default());
//!
//! // A caller writes; the session wants a connection.
//! let receipt = session.submit(now, b"a frame")?;
//! assert!(matches!(session.poll_event(), Some(AppendEvent::NeedsAttachment { .. })));
//!
//! // The driver has one. The session introduces its writer.
//! let flow = FlowId::new(1).ok_or("too many flows")?;
//! session.handle_attached(now, flow, DelegationToken::default());
//! let Some(Request::SetupAppend(setup)) = session.poll_transmit() else {
//!     return Err("a setup comes first".into());
//! };
//! let answer = AppendSetup {
//!     request_id: setup.request_id,
//!     segment: setup.segment,
//!     writer_id,
//!     last_event_number: NO_EVENT_NUMBER,
//! };
//! session.handle_reply(now, answer.into())?;
//!
//! // The block goes out, on the condition that the segment is empty.
//! let Some(Request::ConditionalBlockEnd(block)) = session.poll_transmit() else {
//!     return Err("then the block".into());
//! };
//! assert_eq!((block.event_number, block.expected_offset, block.data.len()), (1, 0, 7));
//! assert!(matches!(session.fate(&receipt), Fate::Pending));
//!
//! // The server has stored it.
//! let ack = DataAppended {
//!     writer_id,
//!     event_number: 1,
//!     previous_event_number: NO_EVENT_NUMBER,
//!     request_id: block.request_id,
//!     current_segment_write_offset: 7,
//! };
//! session.handle_reply(now, ack.into())?;
//! assert!(matches!(session.fate(&receipt), Fate::Durable));
//! assert_eq!(session.durable_offset(), 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Exactly once
//!
//! A writer keeps one id for its life and numbers its blocks 1, 2, 3 and so on; the store keeps the last
//! number beside the data and changes both together. After a lost connection the answer to the next setup
//! names the last number stored: blocks up to it are acknowledged by it, the rest goes out again with the
//! same numbers, bytes and order. A number is never used for anything else.
//!
//! In [exclusive](WriteMode::Exclusive) mode a block also names the offset at which it belongs, and one
//! block is in flight at a time: more would let a block be stored whose predecessor was refused. Speed
//! comes from the size of blocks, since everything accepted while one is out becomes the next.
//!
//! # States
//!
//! An append session is attached or not, and apart from that open, in conflict or failed:
//!
//! ```text
//!                     handle_attached              AppendSetup
//!   Detached ─► Attaching ──────────► SettingUp ──────────────► Streaming
//!      ▲            │  ▲                  │                        │
//!      │            ▼  │ pause over       │ lost                   │ lost, or let go
//!      └───────── Waiting ◄───────────────┴────────────────────────┘
//!    nothing to send
//!
//!             failed condition
//!   Open ─────────────────────────► Conflict ──── resync(tail) ───► Open
//!     │  sealed, deleted, refused, data loss          │
//!     └────────────────────► Failed ◄─────────────────┘
//! ```
//!
//! | module | decides |
//! | --- | --- |
//! | `append` | blocks, acks, conflicts, what is sent again |
//! | `read` | which ranges to ask for, what the consumer gets |
//! | `recovery` | what each failure reply asks for: [`Recovery`] |
//! | `backoff` | pauses between attempts: [`BackoffPolicy`] |
//! | `attach` | what a driver tells about its connection: [`Disconnect`], [`AttachFailure`] |

mod append;
mod attach;
mod backoff;
mod error;
mod read;
mod recovery;

pub use append::{
    AppendEvent, AppendFailure, AppendFailureKind, AppendOptions, AppendSession, AppendStats,
    Certainty, Fate, MAX_BLOCK_BYTES, Reservation, ResyncError, Resynced, SubmitError, WriteMode,
};
pub use attach::{AttachFailure, AttachFailureKind, Disconnect};
pub use backoff::{Backoff, BackoffPolicy, Trouble};
pub use error::ProtocolViolation;
pub use read::{
    MAX_OFFSET, MAX_REPLY_BYTES, MIN_REQUEST_BYTES, OnTruncation, ReadEvent, ReadFailure,
    ReadOptions, ReadSession, ReadStats, ReadStep, Readiness, SeekError, SegmentFacts,
};
pub use recovery::{Recovery, Refusal, TokenFault};

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
