//! An embedded single-process Pravega for byte streams: controller and segment store, memory or disk.

mod controller;
mod store;

pub use controller::{OpenError, RecordError};
pub use store::{DirectoryError, DiskError, StoreError};
