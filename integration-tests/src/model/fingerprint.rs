//! 128 bits instead of a state.

use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Two independent 64-bit hashes. Among 10^9 states the chance that any two share both is below 10^-20.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fingerprint {
    one: u64,
    two: u64,
}

impl Fingerprint {
    /// The fingerprint of a value.
    pub(super) fn of(value: &impl Hash) -> u128 {
        let mut hasher = Self::default();
        value.hash(&mut hasher);
        hasher.print()
    }

    /// The fingerprint of what was hashed.
    pub(super) fn print(self) -> u128 {
        (u128::from(self.one) << 64) | u128::from(self.two)
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            one: 0x243f_6a88_85a3_08d3,
            two: 0x1319_8a2e_0370_7344,
        }
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.one
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let word = part
                .iter()
                .fold(0, |word, byte| (word << 8) | u64::from(*byte));
            self.write_u64(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.one = mixed(self.one ^ word, 0xa076_1d64_78bd_642f);
        self.two = mixed(self.two.rotate_left(29) ^ word, 0xe703_7ed1_a0b4_28db);
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(u64::try_from(word).unwrap_or(u64::MAX));
    }
}

/// Multiplies and folds the product, so that every bit of the input reaches every bit of the result.
fn mixed(word: u64, factor: u64) -> u64 {
    let product = u128::from(word ^ 0x9e37_79b9_7f4a_7c15) * u128::from(factor);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or_default();
    let high = u64::try_from(product >> 64).unwrap_or_default();
    (low ^ high).wrapping_add(word.rotate_left(32))
}

/// For tables of fingerprints, which need no hashing.
pub(super) type AsItIs = BuildHasherDefault<Half>;

/// The lower half of a fingerprint.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Half(u64);

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u128(&mut self, print: u128) {
        self.0 = u64::try_from(print & u128::from(u64::MAX)).unwrap_or_default();
    }
}
