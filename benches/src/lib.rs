//! Benchmarks of the parts, and comparisons of the whole with other clients and with a bare socket.
//!
//! `cargo bench -p pravega-benches` runs the criterion groups:
//!
//! | bench | measures |
//! | --- | --- |
//! | `codec` | encoding an append, decoding a read reply |
//! | `stream` | appending and reading through the embedded server, in one process |
//!
//! `benches/run.sh` runs the comparisons of the program `compare`, which this library is the inside of. Every contender
//! is a process that does one [`job`] against a server process: ours and the peers against the
//! [null server](null_server), the bare socket against [another one](raw_server). The contenders take turns, and
//! ratios are those of one round.
//!
//! Numbers of one machine say little to another; compare two commits, or two contenders, in one run.

pub mod chart;
mod crowd;
pub mod job;
pub mod machine;
pub mod meter;
pub mod null_server;
pub mod ours;
pub mod plan;
pub mod programs;
pub mod raw;
pub mod raw_server;
pub mod report;
pub mod results;
pub mod rounds;
pub mod serve;
