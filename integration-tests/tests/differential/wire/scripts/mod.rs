//! The scripts, by what they are about. The names of their files are those of their records.

mod append;
mod attribute;
mod block;
mod conditional;
mod fencing;
mod garbage;
mod hello;
mod limits;
mod parked;
mod read;
mod segment;
mod short;

/// Writers.
const A: u128 = 0x00112233_44556677_8899aabb_ccddeeff;
const B: u128 = 0xb;

/// The upper half of the ids of a segment's own attributes. The lower half is 0 for the time of creation,
/// 1 for the number of events, 2 and 3 for the kind and the rate of scaling, 4 for the size to roll over at.
const OWN_ATTRIBUTE: u128 = 0x8000_0000_0000_0000 << 64;
