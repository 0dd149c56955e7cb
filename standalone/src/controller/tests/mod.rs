//! The controller over a real gRPC connection, on a segment store that fails on demand.

mod crashes;
mod fake;
mod limits;
mod scopes;
mod segments;
mod streams;
mod support;
