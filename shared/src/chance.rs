//! [`Chance`]: where a client's random numbers come from.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Where a client's random numbers come from: the operating system, or, in a simulation that must repeat
/// exactly, a seed.
///
/// Cloning shares it: the numbers of a seed are handed out once each.
///
/// ```
/// use pravega_client_shared::Chance;
///
/// let (one, same) = (Chance::of_seed(7), Chance::of_seed(7));
/// assert_eq!(one.seeded(), same.seeded());
/// assert_ne!(one.seeded(), one.seeded());
/// assert_eq!(Chance::of_system().seeded(), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Chance(Option<Arc<AtomicU64>>);

impl Chance {
    /// Nobody can foresee the numbers. This is the default.
    #[must_use]
    pub fn of_system() -> Self {
        Self(None)
    }

    /// The same numbers for the same seed. Two clients with one seed would take the same writer ids, so this
    /// is for simulations only, where each has a seed of its own.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seed))))
    }

    /// The next number of the seed; none when there is no seed and the system's numbers are to be taken.
    #[must_use]
    pub fn seeded(&self) -> Option<u64> {
        let state = self.0.as_ref()?;
        // SplitMix64: the state is a counter, so that clones in several threads never get the same number.
        let next = state.fetch_add(GOLDEN_GAMMA, Ordering::Relaxed);
        let mut mixed = next.wrapping_add(GOLDEN_GAMMA);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }
}

/// The step of SplitMix64 (Steele, Lea, Flood 2014): 2^64 divided by the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
