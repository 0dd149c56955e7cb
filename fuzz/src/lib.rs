//! What the fuzz targets are made of.

pub mod account;
pub mod clock;
pub mod controller;
pub mod disk;
pub mod memory;
pub mod peers;
pub mod pool;
pub mod reader;
pub mod store;
pub mod tape;
pub mod writer;
