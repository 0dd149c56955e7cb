//! What the tests of the append session are made of.
//!
//! | module | holds |
//! | --- | --- |
//! | [`script`] | a session driven by hand, for stories that a test tells reply by reply |
//! | [`store`] | a model of one segment in a real segment store, and of connections to it |
//! | [`world`] | writers, connections and faults around a model store, driven by a seed |
//! | [`writer`] | one writer of such a world, and the checks on it |
//! | [`replies`] | failure replies |
//! | [`random`] | the seeded numbers |

pub(crate) mod random;
pub(crate) mod replies;
pub(crate) mod script;
pub(crate) mod store;
pub(crate) mod world;
pub(crate) mod writer;
