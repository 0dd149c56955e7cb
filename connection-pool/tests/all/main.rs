//! The pool against scripted segment stores: real frames over pipes in memory, on a clock that the tests
//! move; TLS over loopback.

mod cancel;
mod hello;
mod hostile;
mod keep_alive;
mod pool;
mod routing;
mod support;
mod threads;
mod tls;
mod writing;
