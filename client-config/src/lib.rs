//! Configuration of a Pravega client: addresses, limits, retries, TLS and credentials.
//!
//! A [`ClientConfigBuilder`] takes options one by one; [`build`](ClientConfigBuilder::build) checks them
//! all once and gives a [`ClientConfig`], which the layers that act share. The crate opens no connection,
//! needs no runtime, and reads only what it is told to: the certificate files of [`TlsOptions`], and the
//! environment on an explicit call of [`with_env`](ClientConfigBuilder::with_env).
//!
//! ```
//! use pravega_client_config::ClientConfigBuilder;
//!
//! let config = ClientConfigBuilder::default()
//!     .controller_uri("localhost:9090")
//!     .build()
//!     .expect("creating config");
//! assert!(!config.is_tls_enabled());
//! ```
//!
//! # Options
//!
//! | option | unit | default | allowed |
//! | --- | --- | --- | --- |
//! | `controller_uri` | address | required | see [`address`] |
//! | `is_tls_enabled` | – | by scheme | what the scheme says |
//! | `tls` | [`TlsOptions`] | system's authorities | needs an address with TLS |
//! | `credentials` | [`Credentials`] | none | fit into a header of 8 KiB |
//! | `retry` | [`RetryPolicy`] | 50 ms doubling to 10 s, 10 attempts | see [`RetryPolicy`] |
//! | `request_timeout` | time | 30 s | 1 ms to 1 h |
//! | `operation_timeout` | time | 60 s | 1 ms to 24 h |
//! | `connect_timeout` | time | 5 s | 1 ms to 1 h |
//! | `hello_timeout` | time | 10 s | 1 ms to 1 h |
//! | `keep_alive_interval` | time | 10 s | 10 ms to 1 h |
//! | `connection_idle_timeout` | time | 60 s | 1 ms to 24 h |
//! | `max_connections_per_endpoint` | connections | 64 | 1 to 1,024 |
//! | `max_unacked_bytes` | bytes | 16 MiB | 64 KiB to 1 GiB |
//! | `max_read_ahead_bytes` | bytes | 4 MiB | 64 KiB to 1 GiB |
//!
//! TLS follows the scheme of the address, for controllers and segment stores alike, and always verifies.
//!
//! # Secrets
//!
//! User names, passwords and tokens live in [`Credentials`], whose `Debug` shows the method only. No error
//! quotes them, not even the one for a password that was written into an address by mistake.
//!
//! | module | holds |
//! | --- | --- |
//! | [`address`] | [`ControllerAddress`]: the forms accepted and refused |
//! | [`mod@env`] | the table of environment variables |

pub mod address;
mod builder;
mod config;
mod credentials;
pub mod env;
mod error;
mod range;
mod retry;
mod tls;

pub use address::{AddressError, ControllerAddress, Scheme};
pub use builder::ClientConfigBuilder;
pub use config::ClientConfig;
pub use credentials::Credentials;
pub use error::ConfigError;
pub use retry::RetryPolicy;
pub use secrecy::{ExposeSecret, SecretString};
pub use tls::{TlsConfig, TlsOptions};

/// The examples of the README, so that they are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
