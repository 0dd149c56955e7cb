//! Benchmarks, run with `cargo bench -p pravega-benches`.
//!
//! | bench | measures |
//! | --- | --- |
//! | `codec` | encoding an append, decoding a read reply |
//! | `stream` | appending and reading through the embedded server, in one process |
//!
//! Numbers of one machine say little to another; compare two commits, or two sizes, in one run.
