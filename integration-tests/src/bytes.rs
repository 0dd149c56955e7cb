//! Bytes that explain themselves: any slice can be checked knowing only its offset.

/// An endless sequence of bytes, another one for each seed, in which every 8 bytes differ.
#[derive(Debug, Clone, Copy)]
pub struct Pattern(u64);

impl Pattern {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The bytes from `start` on.
    #[must_use]
    pub fn bytes(self, start: u64, len: usize) -> Vec<u8> {
        let skipped = usize::try_from(start % 8).unwrap_or_default();
        // Word by word: tests that are not optimised make hundreds of megabytes of this.
        let mut bytes = Vec::with_capacity(skipped + len + 8);
        let mut word = start / 8;
        while bytes.len() < skipped + len {
            bytes.extend_from_slice(&self.word(word).to_be_bytes());
            word += 1;
        }
        bytes.truncate(skipped + len);
        bytes.drain(..skipped);
        bytes
    }

    /// Where `bytes`, read at `start`, first differ from the sequence; none when they do not.
    #[must_use]
    pub fn differs(self, start: u64, bytes: &[u8]) -> Option<u64> {
        let expected = self.bytes(start, bytes.len());
        if expected == bytes {
            return None;
        }
        let at = expected
            .iter()
            .zip(bytes)
            .position(|(expected, got)| expected != got)?;
        Some(start + u64::try_from(at).unwrap_or_default())
    }

    /// Mixes the word's number and the seed (the finalizer of SplitMix64).
    fn word(self, number: u64) -> u64 {
        let mut word = number.wrapping_add(self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_slice_can_be_checked_by_its_offset() {
        let all = Pattern::new(7).bytes(0, 100);
        assert_eq!(Pattern::new(7).bytes(13, 20), all[13..33]);
        assert_eq!(Pattern::new(7).differs(13, &all[13..]), None);
        assert_eq!(Pattern::new(7).differs(12, &all[13..]), Some(12));
        assert_ne!(Pattern::new(8).bytes(0, 100), all);
    }
}
