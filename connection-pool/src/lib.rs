//! Multiplexed connections to Pravega segment stores: dial, hello, route replies, keep alive.
#![doc = include_str!("../README.md")]

mod attempt;
mod connection;
mod demux;
mod dial;
mod driver;
mod error;
mod flow;
mod hello;
mod inbound;
mod keep_alive;
mod landing;
mod limits;
mod outbound;
mod pool;
mod router;
mod shared;
mod slots;
mod spares;
mod tcp;
mod tls;

pub use connection::{Connection, ConnectionStats};
pub use dial::{BoxedReader, BoxedWriter, Dial, Dialed};
pub use error::{Cause, ConnectError, ConnectStep, ConnectionError, ProtocolError, TlsFailure};
pub use flow::{Flow, FlowHandler};
pub use pool::{ConnectionPool, PoolStats};
pub use tcp::TcpDialer;
