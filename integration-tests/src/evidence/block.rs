//! Blocks that explain themselves.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::{
    Pattern,
    campaign::{Harm, Verdict, Violation},
};

/// The shortest block: its label.
///
/// ```text
///    0        4        8        12       16       20              len
///    ├────────┼────────┼────────┼────────┼────────┼────────────────┤
///     writer   epoch    number   len      sum      noise of the four
/// ```
pub const MIN_BLOCK_BYTES: usize = 20;

/// The label of a block. Who knows it knows all its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// Who wrote it.
    pub writer: u32,
    /// The how-manieth life of that writer.
    pub epoch: u32,
    /// Its number in that life.
    pub number: u32,
    /// Its length in bytes, at least [`MIN_BLOCK_BYTES`].
    pub len: u32,
}

impl Block {
    /// A block of `len` bytes; shorter than a label is as long as a label.
    #[must_use]
    pub fn new(writer: u32, epoch: u32, number: u32, len: usize) -> Self {
        let len = u32::try_from(len.max(MIN_BLOCK_BYTES)).unwrap_or(u32::MAX);
        Self {
            writer,
            epoch,
            number,
            len,
        }
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(self) -> Bytes {
        let noise = self.noise();
        let mut bytes = BytesMut::with_capacity(MIN_BLOCK_BYTES + noise.len());
        for field in [self.writer, self.epoch, self.number, self.len, self.sum()] {
            bytes.put_u32(field);
        }
        bytes.extend_from_slice(&noise);
        bytes.freeze()
    }

    fn noise(self) -> Vec<u8> {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        Pattern::new(u64::from(self.sum())).bytes(0, len.saturating_sub(MIN_BLOCK_BYTES))
    }

    fn sum(self) -> u32 {
        let fields = [self.writer, self.epoch, self.number, self.len];
        fields.into_iter().fold(0x811c_9dc5, |sum: u32, field| {
            field.to_be_bytes().into_iter().fold(sum, |sum, byte| {
                (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            })
        })
    }

    /// The label at the start of `content`, when all of the block is there.
    fn first_of(mut content: &[u8]) -> Option<Self> {
        let whole = content;
        let block = Self {
            writer: content.try_get_u32().ok()?,
            epoch: content.try_get_u32().ok()?,
            number: content.try_get_u32().ok()?,
            len: content.try_get_u32().ok()?,
        };
        let sum = content.try_get_u32().ok()?;
        let len = usize::try_from(block.len).ok()?;
        let noise = whole.get(MIN_BLOCK_BYTES..len)?;
        (sum == block.sum() && noise == block.noise()).then_some(block)
    }
}

/// The blocks that `content` consists of, each with its offset.
///
/// # Errors
/// [`Harm::Lost`] when something in it is no whole block: a block was torn, or bytes of it are missing.
pub fn blocks_in(content: &[u8]) -> Verdict<Vec<(u64, Block)>> {
    let mut blocks = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let at = content.len() - rest.len();
        let torn = || {
            let what = format!("no whole block at {at} of {} bytes", content.len());
            Violation::new(Harm::Lost, u64::try_from(rest.len()).unwrap_or(1), what)
        };
        let block = Block::first_of(rest).ok_or_else(torn)?;
        blocks.push((u64::try_from(at).unwrap_or(u64::MAX), block));
        let len = usize::try_from(block.len).unwrap_or(usize::MAX);
        rest = rest.get(len..).ok_or_else(torn)?;
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_again_and_torn_ones_are_noticed() {
        let all = [
            Block::new(1, 0, 1, 0),
            Block::new(2, 7, 1, 100),
            Block::new(1, 0, 2, 21),
        ];
        let content: Vec<u8> = all.iter().flat_map(|block| block.bytes()).collect();
        let found = blocks_in(&content).unwrap();
        assert_eq!(
            found.iter().map(|(_, block)| *block).collect::<Vec<_>>(),
            all
        );
        assert_eq!(found[2].0, 120);
        for at in 0..content.len() {
            let mut spoiled = content.clone();
            spoiled[at] ^= 0x10;
            assert!(blocks_in(&spoiled).is_err(), "byte {at}");
            if ![20, 120].contains(&at) {
                let is_whole = at == 0;
                assert_eq!(blocks_in(&content[..at]).is_ok(), is_whole, "{at} bytes");
            }
        }
    }
}
