//! What a segment holds, in these tests.

use std::{ops::Range, sync::LazyLock};

use bytes::Bytes;

use crate::random::Random;

/// What every segment has at these offsets: noise, so that bytes from another place are noticed.
pub(crate) fn content(range: Range<u64>) -> Bytes {
    let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap());
    let mut at = range.start;
    while at < range.end {
        let from = usize::try_from(at % NOISE_LEN).unwrap();
        let left = usize::try_from(range.end - at).unwrap();
        let piece = &NOISE[from..NOISE.len().min(from + left)];
        bytes.extend_from_slice(piece);
        at += u64::try_from(piece.len()).unwrap();
    }
    bytes.into()
}

/// After so many bytes the noise repeats. A prime, so that no round distance is a multiple of it.
const NOISE_LEN: u64 = 1_048_573;

static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::new(0);
    let bytes = (0..NOISE_LEN).map(|_| random.next().to_le_bytes()[0]);
    bytes.collect()
});
