//! What the clients were told, and whether the content agrees.

use std::collections::{BTreeMap, HashMap};

use super::{Block, blocks_in};
use crate::campaign::{Harm, Verdict, Violation};

/// What a client was told of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is stored for good.
    Durable,
    /// It is not stored and never will be.
    NotStored,
    /// It may be stored or not.
    Unknown,
}

/// Every append that was tried, in the order of each writer.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// By writer and epoch: the blocks in the order in which they were handed over.
    tried: BTreeMap<(u32, u32), Vec<(Block, Fate)>>,
}

/// How a content was made up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Blocks that were acknowledged, all of them found.
    pub durable: u64,
    /// Blocks found of which the client could not know.
    pub unknown_found: u64,
    /// Blocks not found of which the client could not know.
    pub unknown_missing: u64,
    /// Blocks that the client knew were not stored.
    pub not_stored: u64,
}

impl Ledger {
    /// An append was handed over; nothing is known of it yet.
    pub fn tried(&mut self, block: Block) {
        let life = self.tried.entry((block.writer, block.epoch)).or_default();
        life.push((block, Fate::Unknown));
    }

    /// What the client was told of an append.
    pub fn told(&mut self, block: Block, fate: Fate) {
        let life = self.tried.entry((block.writer, block.epoch)).or_default();
        if let Some(entry) = life.iter_mut().find(|(tried, _)| *tried == block) {
            entry.1 = fate;
        }
    }

    /// The client was told that all appends of this life up to this one are stored.
    pub fn durable_through(&mut self, block: Block) {
        let life = self.tried.entry((block.writer, block.epoch)).or_default();
        for entry in life
            .iter_mut()
            .filter(|(tried, _)| tried.number <= block.number)
        {
            entry.1 = Fate::Durable;
        }
    }

    /// Whether the content of a segment, from its first byte on, agrees with what was told.
    ///
    /// # Errors
    /// The first disagreement: a torn block, one that is there twice, out of its writer's order or behind a hole,
    /// an acknowledged one that is missing, or one that failed for certain and is there.
    pub fn judge(&self, content: &[u8]) -> Verdict<Account> {
        let found = blocks_in(content)?;
        let mut places: HashMap<Block, u64> = HashMap::new();
        let mut latest: HashMap<(u32, u32), u32> = HashMap::new();
        for &(at, block) in &found {
            let bytes = u64::from(block.len);
            let harmed = |harm, what| {
                Err(Violation::new(
                    harm,
                    bytes,
                    format!("{block:?} at {at}: {what}"),
                ))
            };
            if let Some(first) = places.insert(block, at) {
                return harmed(Harm::Doubled, format!("also at {first}"));
            }
            let life = latest.entry((block.writer, block.epoch)).or_default();
            if block.number <= *life {
                return harmed(Harm::Reordered, format!("number {life} came before"));
            }
            *life = block.number;
            if !self.knows(block) {
                return harmed(Harm::FalselyReported, "nobody wrote it".to_owned());
            }
        }
        let mut account = Account::default();
        for life in self.tried.values() {
            judge_life(life, &places, &mut account)?;
        }
        Ok(account)
    }

    fn knows(&self, block: Block) -> bool {
        let life = self.tried.get(&(block.writer, block.epoch));
        life.is_some_and(|life| life.iter().any(|(tried, _)| *tried == block))
    }
}

/// One life of one writer: what is there of it is what was told, and has no hole.
fn judge_life(
    life: &[(Block, Fate)],
    places: &HashMap<Block, u64>,
    account: &mut Account,
) -> Verdict {
    let mut hole: Option<Block> = None;
    for &(block, fate) in life {
        let bytes = u64::from(block.len);
        match (fate, places.contains_key(&block)) {
            (Fate::Durable, false) => {
                let what = format!("{block:?} was acknowledged and is missing");
                return Err(Violation::new(Harm::Lost, bytes, what));
            }
            (Fate::NotStored, true) => {
                let what = format!("{block:?} failed for certain and is there");
                return Err(Violation::new(Harm::FalselyReported, bytes, what));
            }
            (Fate::Durable | Fate::Unknown, true) => {
                if let Some(hole) = hole {
                    let what = format!("{block:?} is there and {hole:?} before it is not");
                    return Err(Violation::new(Harm::Lost, u64::from(hole.len), what));
                }
                match fate {
                    Fate::Durable => account.durable += 1,
                    _ => account.unknown_found += 1,
                }
            }
            (Fate::Unknown, false) => {
                hole = Some(block);
                account.unknown_missing += 1;
            }
            (Fate::NotStored, false) => account.not_stored += 1,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u32) -> Block {
        Block::new(1, 0, number, 30)
    }

    fn content(numbers: &[u32]) -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| block(*number).bytes())
            .collect()
    }

    fn ledger(fates: &[Fate]) -> Ledger {
        let mut ledger = Ledger::default();
        for (number, fate) in (1..).zip(fates) {
            ledger.tried(block(number));
            ledger.told(block(number), *fate);
        }
        ledger
    }

    #[test]
    fn what_was_told_is_compared_with_what_is_there() {
        use Fate::{Durable, NotStored, Unknown};
        let harm = |fates: &[Fate], numbers: &[u32]| {
            let verdict = ledger(fates).judge(&content(numbers));
            verdict.map(|_| ()).map_err(|violation| violation.harm)
        };
        assert_eq!(harm(&[Durable, Unknown, Unknown], &[1, 2]), Ok(()));
        assert_eq!(harm(&[Durable, NotStored, Durable], &[1, 3]), Ok(()));
        assert_eq!(harm(&[Durable, Durable], &[1]), Err(Harm::Lost));
        assert_eq!(harm(&[Durable, Unknown, Unknown], &[1, 3]), Err(Harm::Lost));
        assert_eq!(harm(&[Durable, Durable], &[1, 2, 1]), Err(Harm::Doubled));
        assert_eq!(harm(&[Durable, Durable], &[2, 1]), Err(Harm::Reordered));
        assert_eq!(harm(&[NotStored], &[1]), Err(Harm::FalselyReported));
        assert_eq!(harm(&[Durable], &[1, 2]), Err(Harm::FalselyReported));
    }

    #[test]
    fn durable_through_counts_for_all_before() {
        let mut ledger = ledger(&[Fate::Unknown; 3]);
        ledger.durable_through(block(2));
        let account = ledger.judge(&content(&[1, 2])).unwrap();
        assert_eq!((account.durable, account.unknown_missing), (2, 1));
        assert!(ledger.judge(&content(&[1])).is_err());
    }
}
