//! Blocks that have a number: sent or about to be, and not acknowledged.

use std::{collections::VecDeque, ops::Range};

use pravega_client_shared::planted::{self, Bug};
use pravega_wire_protocol::Payload;

use super::{batch::Draft, ledger::to_count};

/// A block with its number. Neither its bytes nor its number ever change, so that a copy of it that is
/// still on its way can do no harm.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) number: i64,
    /// Its first byte, in the writer's own count.
    pub(super) start: u64,
    pub(super) payload: Payload,
    pub(super) cost: usize,
    /// On how many connections it was given out.
    pub(super) copies: u32,
    /// When it was first given out, the store had confirmed a tail at or behind its offset. If its
    /// condition fails, the tail is past it for good, and no other copy can be stored later.
    pub(super) anchored: bool,
    /// The server has said that the one copy sent will not be stored.
    pub(super) refused: bool,
}

impl Block {
    /// The count behind its last byte.
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(to_count(self.payload.len()))
    }

    /// True when the block may be stored though the session no longer waits for it.
    fn is_doubtful(&self) -> bool {
        match self.copies {
            0 => false,
            1 => !self.refused,
            _ => true,
        }
    }
}

/// The blocks in flight, in order, and how far they have been given out on the present connection.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    blocks: VecDeque<Block>,
    given_out: usize,
}

/// What an ack took out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) cost: usize,
    pub(super) end: Option<u64>,
}

impl InFlight {
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn first(&self) -> Option<&Block> {
        self.blocks.front()
    }

    /// True when every block has been given out on the present connection.
    pub(super) fn is_given_out(&self) -> bool {
        self.given_out >= self.blocks.len()
    }

    pub(super) fn push(&mut self, number: i64, draft: Draft) {
        let Draft {
            start,
            payload,
            cost,
        } = draft;
        self.blocks.push_back(Block {
            number,
            start,
            payload,
            cost,
            copies: 0,
            anchored: false,
            refused: false,
        });
    }

    /// The next block to give out on the present connection.
    pub(super) fn give_out(&mut self) -> Option<&mut Block> {
        let mut at = self.given_out;
        if planted::is_on(Bug::ResentInAnotherOrder) && self.blocks.back()?.copies > 0 {
            at = self.blocks.len().checked_sub(at + 1)?;
        }
        let block = self.blocks.get_mut(at)?;
        self.given_out += 1;
        block.copies = block.copies.saturating_add(1);
        Some(block)
    }

    /// A new connection, or a new setup on the old one: everything goes out again.
    pub(super) fn rewind(&mut self) {
        self.given_out = 0;
    }

    /// The highest number given out on the present connection.
    pub(super) fn sent(&self) -> Option<i64> {
        let last = self.given_out.checked_sub(1)?;
        self.blocks.get(last).map(|block| block.number)
    }

    /// The count behind the block with this number, if it can be acknowledged now: it is in flight and was
    /// given out on the present connection.
    pub(super) fn end_of(&self, number: i64) -> Option<u64> {
        let first = self.blocks.front()?.number;
        let place = usize::try_from(number.checked_sub(first)?).ok()?;
        let block = self.blocks.get(place).filter(|_| place < self.given_out)?;
        debug_assert_eq!(block.number, number, "numbers in flight are consecutive");
        Some(block.end())
    }

    /// Takes out every block up to and with `number`.
    pub(super) fn acknowledge(&mut self, number: i64) -> Taken {
        let mut taken = Taken::default();
        while self.first().is_some_and(|block| block.number <= number) {
            let Some(block) = self.blocks.pop_front() else {
                break;
            };
            taken.cost = taken.cost.saturating_add(block.cost);
            taken.end = Some(block.end());
            self.given_out = self.given_out.saturating_sub(1);
        }
        taken
    }

    /// The server said that nothing sent on the present connection will be stored any more. Blocks that no
    /// other connection has seen are thereby settled.
    pub(super) fn refuse(&mut self) {
        for block in self.blocks.iter_mut().take(self.given_out) {
            block.refused = block.copies == 1;
        }
    }

    /// The bytes that may be stored though nobody waits for their ack any more.
    pub(super) fn doubtful(&self) -> Option<Range<u64>> {
        let mut doubtful = self.blocks.iter().filter(|block| block.is_doubtful());
        let first = doubtful.next()?;
        let last = doubtful.next_back().unwrap_or(first);
        Some(first.start..last.end())
    }

    pub(super) fn clear(&mut self) {
        self.blocks = VecDeque::new();
        self.given_out = 0;
    }

    /// Gives back what a burst of blocks left behind.
    pub(super) fn release(&mut self) {
        if self.blocks.is_empty() && self.blocks.capacity() > KEPT_BLOCKS {
            self.blocks = VecDeque::new();
        }
    }
}

/// Room for blocks that an idle session keeps, so that one write after another needs no allocation.
const KEPT_BLOCKS: usize = 4;
