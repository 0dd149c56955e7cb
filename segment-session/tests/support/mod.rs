//! What the tests of the append session are made of. Random runs against a model of the store are the
//! simulation in `integration-tests`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`script`] | a session driven by hand, for stories that a test tells reply by reply |
//! | [`random`] | seeded numbers, for replies in any order |

pub(crate) mod random;
pub(crate) mod script;
