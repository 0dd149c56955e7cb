//! How long to wait before the next attempt to attach.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How the pauses between attempts to attach grow.
///
/// The first attempt after a loss comes almost at once, after a random part of `min`. The next pauses are
/// `min`, `min * factor` and so on, each lengthened by a random part of itself and none longer than `max`.
/// Randomness comes from `seed` and from the session's own salt, so sessions that lost the same store do
/// not come back in step, and a simulation repeats exactly.
///
/// A store that is gone, or says that the segment is not there, will most likely soon be replaced by another
/// one, which should not wait for us. So from the first attempt on that met no store, or the wrong one, the
/// pauses grow only to half a second, and beyond that to a 64th of the time that was waited so far: little is
/// added to an outage, however long it lasts, and a segment that stays away is in the end asked for as seldom
/// as any other.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BackoffPolicy {
    /// The first pause behind the immediate attempt. Default 50 ms.
    pub min: Duration,
    /// The longest pause, after whatever trouble. Default 10 s.
    pub max: Duration,
    /// What each pause is multiplied with to get the next. Default 2; values below 1 count as 1.
    pub factor: f32,
    /// Where the randomness starts.
    pub seed: u64,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self {
            min: MIN_PAUSE,
            max: MAX_PAUSE,
            factor: FACTOR,
            seed: 0,
        }
    }
}

impl BackoffPolicy {
    /// The same policy with another shortest and longest pause.
    #[must_use]
    pub fn with_pauses(self, min: Duration, max: Duration) -> Self {
        Self { min, max, ..self }
    }

    /// The same policy with another growth.
    #[must_use]
    pub fn with_factor(self, factor: f32) -> Self {
        Self { factor, ..self }
    }

    /// The same policy with another start of the randomness.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// What an attempt to attach has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No store, or one that says that the segment is elsewhere. The segment may be on its way, and stores that
    /// close connections afterwards may be those that it comes from or goes to.
    Away,
    /// A store that accepts and does not serve.
    Failing,
}

/// The pauses of one session. Holds nothing until the first loss, and nothing again after a [`reset`].
///
/// [`reset`]: Backoff::reset
#[derive(Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    salt: u64,
    outages: u64,
    outage: Option<Box<Outage>>,
}

/// The pauses since the last success.
#[derive(Debug)]
struct Outage {
    away: ExponentialBackoff,
    failing: ExponentialBackoff,
    /// Whether the segment was away in any of them.
    is_away: bool,
    waited: Duration,
}

impl Backoff {
    /// No attempt has failed yet. Give each session a `salt` of its own.
    #[must_use]
    pub fn new(policy: BackoffPolicy, salt: u64) -> Self {
        Self {
            policy,
            salt,
            outages: 0,
            outage: None,
        }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self, trouble: Trouble) -> Duration {
        let BackoffPolicy { min, max, .. } = self.policy;
        let Some(outage) = &mut self.outage else {
            let min = min.min(max);
            let spread = self.start(max).next().unwrap_or(min).saturating_sub(min);
            // The series begin behind it; the attempt just planned does not count as a pause.
            self.outage = Some(Box::new(Outage {
                away: self.start(max.min(AWAY_PAUSE)),
                failing: self.start(max),
                is_away: trouble == Trouble::Away,
                waited: Duration::ZERO,
            }));
            return (spread / FIRST_PART).min(max);
        };
        outage.is_away |= trouble == Trouble::Away;
        let pause = if outage.is_away {
            let stretch = outage.waited.as_secs_f32() / AWAY_WAIT.as_secs_f32();
            // More than a thousand years of waiting would be needed for more than this.
            let stretch = stretch.clamp(1.0, 1e9);
            outage.away.next().map(|pause| pause.mul_f32(stretch))
        } else {
            outage.failing.next()
        };
        let pause = pause.unwrap_or(max).min(max);
        outage.waited = outage.waited.saturating_add(pause);
        pause
    }

    /// Begins again with an immediate attempt. Called after an ack, never after a mere connect: a peer that
    /// accepts and dies again and again must not be called without a pause.
    pub fn reset(&mut self) {
        if self.outage.take().is_some() {
            self.outages = self.outages.wrapping_add(1);
        }
    }

    /// Pauses that grow to `longest`.
    fn start(&self, longest: Duration) -> ExponentialBackoff {
        let factor = if self.policy.factor >= 1.0 {
            self.policy.factor
        } else {
            1.0
        };
        // Jitter adds up to the pause itself, so the plain pause stops at half of the longest.
        let plain = longest / 2;
        let seed = self.policy.seed ^ self.salt.wrapping_add(self.outages);
        ExponentialBuilder::new()
            .with_min_delay(self.policy.min.min(plain))
            .with_max_delay(plain)
            .with_factor(factor)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
    }
}

/// Short against what a person notices, long against a round trip.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// A store that comes back is found again within this time.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// Reaches the longest pause after eight attempts.
const FACTOR: f32 = 2.0;
/// The first attempt waits for at most this part of the shortest pause: 12.5 ms by default, which spreads
/// the sessions of a lost store and still has a writer going again within 20 ms.
const FIRST_PART: u32 = 4;
/// The longest pause while a segment is away, as long as it has not been so for [`AWAY_WAIT`]. Clusters take from
/// ten seconds to a minute to move a segment; who asks twice in a second adds little to that.
const AWAY_PAUSE: Duration = Duration::from_millis(500);
/// From then on the longest pause grows with the time waited: 64 times [`AWAY_PAUSE`].
const AWAY_WAIT: Duration = Duration::from_secs(32);

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(backoff: &mut Backoff, count: usize) -> Vec<Duration> {
        (0..count)
            .map(|_| backoff.next_pause(Trouble::Failing))
            .collect()
    }

    #[test]
    fn n09_starts_at_once_and_grows_to_the_cap() {
        for salt in 0..200 {
            let mut backoff = Backoff::new(BackoffPolicy::default(), salt);
            let seen = pauses(&mut backoff, 40);
            assert!(seen[0] <= Duration::from_micros(12_500), "{seen:?}");
            for (attempt, pause) in seen.iter().enumerate().skip(1) {
                let doublings = u32::try_from(attempt - 1).unwrap().min(20);
                let plain = (MIN_PAUSE * 2u32.pow(doublings)).min(MAX_PAUSE / 2);
                assert!(
                    *pause >= plain && *pause <= plain * 2,
                    "{attempt}: {pause:?}"
                );
            }
            assert!(seen.iter().all(|pause| *pause <= MAX_PAUSE));
        }
    }

    #[test]
    fn t34_a_segment_that_is_away_is_asked_for_twice_in_a_second() {
        for salt in 0..200 {
            let mut backoff = Backoff::new(BackoffPolicy::default(), salt);
            let (mut waited, mut attempts) = (Duration::ZERO, 0_u32);
            while waited < Duration::from_secs(3_600) {
                let pause = backoff.next_pause(Trouble::Away);
                let longest = AWAY_PAUSE.max(waited / 64 + Duration::from_millis(1));
                assert!(
                    pause <= longest.min(MAX_PAUSE),
                    "{pause:?} after {waited:?}"
                );
                waited += pause;
                attempts += 1;
                if attempts > 400 {
                    assert!(pause >= MAX_PAUSE / 2, "{pause:?} after {waited:?}");
                }
            }
            assert!(attempts < 1_000, "{attempts} attempts in an hour");
        }
    }

    #[test]
    fn a_store_that_fails_is_part_of_a_move_when_the_segment_was_away() {
        let mut backoff = Backoff::new(BackoffPolicy::default(), 5);
        backoff.next_pause(Trouble::Failing);
        backoff.next_pause(Trouble::Away);
        let moving = pauses(&mut backoff, 40);
        assert!(
            moving.iter().all(|pause| *pause <= AWAY_PAUSE),
            "{moving:?}"
        );
        backoff.reset();
        let failing = pauses(&mut backoff, 12);
        assert!(failing[11] >= MAX_PAUSE / 2, "{failing:?}");
    }

    #[test]
    fn a_reset_begins_again_and_salts_differ() {
        let mut one = Backoff::new(BackoffPolicy::default(), 1);
        let mut two = Backoff::new(BackoffPolicy::default(), 2);
        let mut same = Backoff::new(BackoffPolicy::default(), 1);
        let first = pauses(&mut one, 10);
        assert_ne!(first, pauses(&mut two, 10));
        assert_eq!(first, pauses(&mut same, 10));
        one.reset();
        assert!(one.next_pause(Trouble::Failing) <= Duration::from_micros(12_500));
    }

    #[test]
    fn odd_policies_do_no_harm() {
        for factor in [f32::NAN, f32::INFINITY, -1.0, 0.0, 1e30] {
            let policy = BackoffPolicy::default()
                .with_pauses(Duration::from_secs(20), Duration::from_secs(1))
                .with_factor(factor);
            let seen = pauses(&mut Backoff::new(policy, 7), 50);
            assert!(seen.iter().all(|pause| *pause <= Duration::from_secs(1)));
        }
        let never = BackoffPolicy::default().with_pauses(Duration::ZERO, Duration::ZERO);
        assert_eq!(pauses(&mut Backoff::new(never, 7), 3), [Duration::ZERO; 3]);
    }
}
