//! A disk that fails: syncs, writes and reads with errors, a disk without room, bits that flip, files that
//! are not what they were.

mod damage;
mod failing;
mod full;
mod refused;

use crate::{
    campaign::{Tally, Verdict, Violation},
    random::Random,
};

use super::place::set_clock;

/// One kind of error.
type Kind = fn(Random, &mut Tally) -> Verdict<u64>;

/// All kinds, one after the other from seed to seed.
const KINDS: [Kind; 13] = [
    failing::sync_fails,
    failing::write_fails,
    failing::read_fails,
    failing::fails_while_opening,
    failing::short_and_interrupted,
    full::disk_is_full,
    full::no_room_for_a_moment,
    damage::flipped_at_rest,
    damage::flipped_under_way,
    damage::flipped_block,
    damage::cut_or_longer,
    refused::other_formats,
    refused::no_rights_or_taken,
];

/// Each of these faults must have met its state.
pub(super) const PAIRS: [(&str, &str); 21] = [
    ("sync fails", "in a group"),
    ("sync fails", "opening"),
    ("write fails", "in a group"),
    ("write fails", "opening"),
    ("change of length fails", "in a group"),
    ("read fails", "in a group"),
    ("read fails", "reading"),
    ("read fails", "opening"),
    ("interrupted or short", "all the time"),
    ("disk full", "appending"),
    ("disk full", "opening"),
    ("no room for a moment", "in a group"),
    ("bit flipped", "at rest"),
    ("bit flipped", "under a server"),
    ("bit flipped", "in a block to be read"),
    ("file cut", "at rest"),
    ("file longer", "at rest"),
    ("other format", "at rest"),
    ("file missing", "at rest"),
    ("no rights", "opening"),
    ("second server", "running"),
];

/// The run of a seed.
pub(super) fn run(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    set_clock(0);
    let kinds = u64::try_from(KINDS.len()).unwrap_or(1);
    let kind = usize::try_from(seed % kinds).unwrap_or_default();
    let Some(kind) = KINDS.get(kind) else {
        return Err(Violation::broken("no such kind"));
    };
    kind(random(seed), tally)
}

fn random(seed: u64) -> Random {
    Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
}

/// Syncs fail.
pub(super) fn run_failing_sync(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    set_clock(0);
    failing::sync_fails(random(seed), tally)
}

/// Bits of stored blocks flip under a running server.
pub(super) fn run_flipped_block(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    set_clock(0);
    damage::flipped_block(random(seed), tally)
}

/// Bits flip while no server runs.
pub(super) fn run_flipped_at_rest(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    set_clock(0);
    damage::flipped_at_rest(random(seed), tally)
}
