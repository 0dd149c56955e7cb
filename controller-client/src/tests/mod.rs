//! The client against a scripted controller: over pipes in memory, where time stands still until everybody
//! waits, and over real sockets where the socket is what is tested.

mod calls;
mod deadlines;
mod discovery;
mod failover;
mod hostile;
mod kept;
mod listings;
mod peer;
mod secrets;
mod segments;
mod sockets;
mod tls;
mod tokens;
