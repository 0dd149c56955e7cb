//! A checksum in every value, over its key too.
//!
//! The library has checksums of its own, which it compares when a database is opened. It trusts them until
//! the database is closed, so what it reads later is compared here: a bit that flips under a running server
//! becomes an error and not an answer.

use crc32fast::Hasher;
use pravega_client_shared::planted::{self, Bug};

/// What a checksum adds to a value, bytes.
pub(super) const CHECKSUM: usize = 4;

/// The checksum of a value under a key that is given in parts.
pub(super) fn checksum(key: &[&[u8]], value: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    for part in key {
        hasher.update(part);
    }
    hasher.update(value);
    hasher.finalize()
}

/// True when a checksum is the one of key and value.
pub(super) fn matches(key: &[&[u8]], value: &[u8], found: u32) -> bool {
    // Planted: what is read is believed.
    checksum(key, value) == found || planted::is_on(Bug::NoRecordChecksum)
}

/// Puts the checksum behind a value.
pub(super) fn seal(key: &[&[u8]], mut value: Vec<u8>) -> Vec<u8> {
    let sum = checksum(key, &value);
    value.extend_from_slice(&sum.to_be_bytes());
    value
}

/// The value in front of a checksum that matches; none when it does not.
pub(super) fn unseal<'a>(key: &[&[u8]], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (value, sum) = sealed.split_last_chunk::<CHECKSUM>()?;
    matches(key, value, u32::from_be_bytes(*sum)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_of_key_or_value_matters() {
        let sealed = seal(&[b"k", b"ey"], b"value".to_vec());
        assert_eq!(unseal(&[b"k", b"ey"], &sealed), Some(&b"value"[..]));
        assert_eq!(unseal(&[b"k", b"ez"], &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut spoiled = sealed.clone();
            spoiled[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(&[b"key"], &spoiled), None);
        }
        for length in 0..sealed.len() {
            assert_eq!(unseal(&[b"key"], &sealed[..length]), None);
        }
    }
}
