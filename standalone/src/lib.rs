//! An embedded single-process Pravega for byte streams: controller and segment store, memory or disk.

mod connection;
mod controller;
mod error;
mod handler;
mod limits;
mod listener;
mod server;
mod store;

pub use self::{
    controller::{OpenError, RecordError},
    error::StartError,
    limits::Limits,
    server::{Standalone, StandaloneBuilder, StandaloneHandle},
    store::{DirectoryError, DiskError, StoreError},
};
