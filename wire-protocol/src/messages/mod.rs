//! Every message that byte streams use, as plain structs with the protocol's own names.
//!
//! | module | messages |
//! | --- | --- |
//! | [`hello`] | version exchange, keep-alive |
//! | [`append`] | setup, blocks, conditional appends, acks |
//! | [`read`] | reading a segment |
//! | [`segment`] | info, create, seal, truncate, delete, scaling policy, locate offset |
//! | [`attribute`] | attributes of a segment |
//! | [`failure`] | every failure reply |
//!
//! Fields stand in wire order and keep their wire integers. Behind each struct, `layout!` states the order
//! once for both directions; a field marked `or` is one that older peers leave out at the end, and gets
//! the value behind it.

pub mod append;
pub mod attribute;
pub mod failure;
pub mod hello;
pub mod read;
pub mod segment;
