//! An embedded single-process Pravega for byte streams: controller and segment store, memory or disk.
//!
//! It speaks the two protocols of a Pravega cluster, so any Pravega client can use it: ours, and the public
//! ones for Rust, Python and Java. It is a library first:
//!
//! ```
//! use pravega_standalone::Standalone;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Standalone::builder().memory().start().await?;
//! // Hand this to a client.
//! assert!(server.controller_uri().starts_with("tcp://127.0.0.1:"));
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! With [`data_dir`](StandaloneBuilder::data_dir) in the place of `memory`, what was acknowledged survives a
//! killed process and a power failure, and the next server on the directory goes on where this one ended.
//!
//! # What it is not
//!
//! No cluster: every segment is on this one store. No scaling, retention, transactions, reader groups or
//! key-value tables. It listens on the loopback interface unless told otherwise.
//!
//! # Passwords and TLS
//!
//! Off unless asked for. With [`tls`](StandaloneBuilder::tls) both ports speak TLS; with
//! [`accounts`](StandaloneBuilder::accounts) the controller asks for a password with every call, and the segment
//! store for a token of the controller with every request. Rights are those of Pravega, but that every change of
//! a segment needs the right to update; see [`Accounts`]. What was set up with a token ends with it.
//!
//! # How it is built
//!
//! ```text
//!   gRPC port                      segment store port
//!       │                                  │
//!   controller ──catalog, segments──►   listener ─► connection (one task each)
//!       │                                              │ handler/{append,read,segment}
//!       └─────────────────► store ◄────────────────────┘
//!                             │  state decides (pure)
//!                  memory ────┴──── disk: one storage thread, one transaction per group of appends
//! ```
//!
//! | promise | kept by |
//! | --- | --- |
//! | an append is whole or absent, its bytes and its writer's number together | one lock in memory, one transaction on disk |
//! | nothing is acknowledged, or shown to anybody, that could still be lost | answers and visible state follow the sync |
//! | a writer that connects again fences its old connection | a right per writer, checked where appends are applied |
//! | no client can take all memory, connections or time | [`Limits`], each with its reason |
//! | no bytes from the network reach a panic | decoding and decisions are total; tested with hostile frames |
//! | after a failure of the disk nothing is written any more, and everything durable can still be read | `store/disk/worker.rs` |
//!
//! # Differences from a real Pravega
//!
//! What a 0.13.0 server answers is answered here in the same words. Few differences are wanted: what was
//! acknowledged can be read at once (a real store may show it a moment later), and a new setup of a writer
//! takes away the right of older connections. With accounts, a change of a segment needs the right to update. Where a real store answers or closes by timing, as for appends
//! behind one that failed, this one always answers.

mod append_memory;
mod connection;
mod controller;
mod counters;
mod error;
mod handler;
mod incoming;
mod limits;
mod listener;
mod security;
mod server;
mod services;
mod store;

/// What a server stores in, and its store without the network: to bring storage of one's own, or to look at
/// what becomes of the data when storage fails.
pub mod storage {
    pub use crate::store::{
        AppendFailure, Appending, Extent, Folder, FolderLock, NewAppend, Pending, Read, Requests,
        SteppedOptions, SteppedStore, StoredFile, SystemFolder, Writer,
    };
}

pub use self::{
    controller::{OpenError, RecordError},
    counters::{ServerMeter, ServerStats},
    error::StartError,
    limits::Limits,
    security::{Accounts, AccountsError, PasswordError, ServerTls, TlsError, hash_password},
    server::{Standalone, StandaloneBuilder, StandaloneHandle},
    services::Services,
    store::{DirectoryError, DiskError, StoreError},
};

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
