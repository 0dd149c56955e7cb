//! What a program can see of the inside: spans, events and numbers, compared with docs/observability.md.

#![cfg(test)]

mod documented;
mod metrics;
mod sources;
mod tracing;
