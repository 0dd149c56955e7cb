//! What the fuzz targets share.

pub mod memory;
pub mod tape;
