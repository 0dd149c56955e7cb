//! What the fuzz targets are made of.

pub mod account;
pub mod memory;
pub mod reader;
pub mod tape;
pub mod writer;
