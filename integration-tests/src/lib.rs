//! The harness of the integration tests: a Pravega to run against, streams with names of their own, and the
//! fault campaigns.
//!
//! Without further ado every test starts an embedded server of its own. With `PRAVEGA_CONTROLLER_URI` set,
//! the same tests run on the Pravega at that address.
//!
//! | modules | what |
//! | --- | --- |
//! | [`Backend`], [`relay`], [`ScriptedPravega`] | what a test runs against: as it is, through a relay that understands frames, or a store that says what the test wants |
//! | [`simulation`], [`model`] | the sessions alone, in virtual time: random runs, and all runs of a small world |
//! | [`network`] | everything in one process on a simulated network |
//! | [`proxy`], [`cancel`] | everything on real sockets: faults at frames, and futures dropped at every await |
//! | [`disk`], [`kill`], [`cluster`] | the embedded server on a simulated disk and killed for real; a real cluster that loses a store |
//! | [`planted`] | whether all of these find the bugs that were put in on purpose |
//! | [`campaign`], [`evidence`], [`history`] | seeds, accounts, and what shows whether bytes were lost, doubled or reordered |

mod backend;
mod bytes;
pub mod campaign;
pub mod cancel;
pub mod cluster;
pub mod disk;
pub mod evidence;
pub mod history;
pub mod kill;
pub mod model;
pub mod network;
pub mod planted;
pub mod proxy;
mod random;
pub mod relay;
mod scripted;
pub mod simulation;

pub use backend::Backend;
pub use bytes::Pattern;
pub use random::{Random, Trace};
pub use scripted::{Honest, Record, ScriptedPravega, Wire};

/// The Rust blocks of `docs/`, compiled and run as doc tests.
#[cfg(doctest)]
mod docs {
    #[doc = include_str!("../../docs/getting-started.md")]
    struct GettingStarted;
    #[doc = include_str!("../../docs/recipes.md")]
    struct Recipes;
    #[doc = include_str!("../../docs/embedded-server.md")]
    struct EmbeddedServer;
    #[doc = include_str!("../../docs/layers.md")]
    struct Layers;
    #[doc = include_str!("../../docs/real-cluster.md")]
    struct RealCluster;
}
