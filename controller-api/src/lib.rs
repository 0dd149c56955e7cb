//! The controller's gRPC interface: messages, client and service, generated from the schema in `proto/`.
//!
//! A Pravega controller keeps scopes and streams, and tells clients which segment store serves a segment.
//! This crate is its interface and nothing more: plain messages with public fields, as the wire has them.
//! It decides nothing, checks nothing and retries nothing. Programs want the typed calls of
//! `pravega-controller-client`; this layer is for those who write such a client, or a controller.
//!
//! ```text
//!   pravega-controller-client       a controller (feature `server`)
//!              │                               │
//!   controller_service_client       controller_service_server
//!              └───────── messages ────────────┘
//!                      HTTP/2, gRPC
//! ```
//!
//! | file in `proto/` | holds |
//! | --- | --- |
//! | `controller.proto` | the service with its 47 methods, all unary; discovery of controllers |
//! | `scope.proto` | [`ScopeInfo`], [`ContinuationToken`], listings of scopes |
//! | `stream.proto` | [`StreamInfo`], [`StreamConfig`], [`StreamCut`], [`DelegationToken`], outcomes |
//! | `segment.proto` | [`SegmentId`], [`NodeUri`], [`SegmentRanges`], successors |
//! | `scale.proto` | [`ScaleRequest`] and its progress |
//! | `transaction.proto`, `reader_group.proto`, `table.proto` | what byte streams do not use, so that a server can refuse it by name |
//!
//! The schema has no `protoc` in its build: a compiler that is itself a crate reads it.
//!
//! # What a reader of replies has to know
//!
//! - **A status of 0 is `SUCCESS`** in nearly every reply, so an empty body means success; and the generated
//!   getters, such as [`CreateScopeStatus::status`], read a number that the schema does not know as 0. Decide
//!   with `try_from` instead, which fails:
//!
//!   ```
//!   use pravega_controller_api::{CreateScopeStatus, create_scope_status::Status};
//!
//!   let reply = CreateScopeStatus { status: 77 };
//!   assert_eq!(reply.status(), Status::Success); // what must not be believed
//!   assert!(Status::try_from(reply.status).is_err());
//!   ```
//! - A listing ends with an **empty page**; what its [`ContinuationToken`] says does not matter.
//! - The six messages that carry a delegation token print `redacted` for it in `Debug`.
//! - Maps are ordered, so a message encodes to the same bytes each time.
//!
//! # Features
//!
//! - `server` (off): `controller_service_server` with the trait `ControllerService`. Every method has a
//!   default that answers `UNIMPLEMENTED`, so a server writes only those that it has.
//!
//! **Source** of every number: Pravega's `Controller.proto`, of the state after release 0.13.0; the golden
//! frames of the tests are from a Java client and a Pravega 0.12.0.

mod generated {
    #![allow(
        missing_docs,
        unused_qualifications,
        clippy::all,
        clippy::as_conversions,
        clippy::clone_on_ref_ptr,
        clippy::missing_errors_doc,
        clippy::too_many_lines,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code; some of these only with the server"
    )]
    tonic::include_proto!("io.pravega.controller.stream.api.grpc.v1");
}
#[cfg(test)]
mod golden;
mod redacted;

pub use generated::*;

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
