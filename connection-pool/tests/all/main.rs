//! The pool against scripted segment stores: real frames over pipes in memory, on a clock that the tests
//! move; TLS over loopback.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail the test they are called from"
)]

mod cancel;
mod doubt;
mod hello;
mod hostile;
mod keep_alive;
mod pool;
mod routing;
mod support;
mod threads;
mod tls;
mod writing;
