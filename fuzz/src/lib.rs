//! What the fuzz targets are made of.

pub mod account;
pub mod disk;
pub mod memory;
pub mod reader;
pub mod store;
pub mod tape;
pub mod writer;
