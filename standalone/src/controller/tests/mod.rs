//! The controller, most of it over a real gRPC connection and on a segment store that fails on demand.

mod catalog;
mod crashes;
mod fake;
mod limits;
mod scopes;
mod segments;
mod streams;
mod support;
