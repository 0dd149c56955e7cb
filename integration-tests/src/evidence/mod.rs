//! What shows, from the content of a segment alone, which appends are in it: whole or torn, once or twice, in
//! which order; and the judgement whether that agrees with what the clients were told.

mod block;
mod ledger;

pub use self::{
    block::{Block, MIN_BLOCK_BYTES, blocks_in},
    ledger::{Account, Fate, Ledger},
};
