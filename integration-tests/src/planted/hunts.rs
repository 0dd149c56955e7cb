//! Which campaigns must find which bug.

use pravega_client_shared::planted::Bug;

use super::{frames, names, rights, secrets, window};
use crate::{
    campaign::{Plan, Report},
    cancel, disk, model, network, proxy, simulation,
};

/// A campaign that must find a bug.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hunt {
    pub(super) bug: Bug,
    /// The bug, in words.
    pub(super) name: &'static str,
    /// The campaign, in words.
    pub(super) campaign: &'static str,
    pub(super) run: fn(&Plan) -> Report,
    /// It must be found in so many seeds.
    pub(super) most: u64,
    /// So many runs are made to see that it finds nothing when there is nothing.
    pub(super) clean: u64,
}

impl Hunt {
    pub(super) fn number(&self) -> u64 {
        hunted_number(self.bug)
    }
}

#[expect(
    clippy::as_conversions,
    reason = "the enum is represented by its number"
)]
fn hunted_number(bug: Bug) -> u64 {
    u64::from(bug as u8)
}

/// Every hunt, in the order of the bugs.
pub(super) fn all() -> impl Iterator<Item = &'static Hunt> {
    HUNTS.iter()
}

type Run = fn(&Plan) -> Report;

const fn hunt(
    bug: Bug,
    name: &'static str,
    (campaign, run, clean): (&'static str, Run, u64),
    most: u64,
) -> Hunt {
    Hunt {
        bug,
        name,
        campaign,
        run,
        most,
        clean,
    }
}

// Campaigns: their names, how they are run, and how many clean runs are a matter of seconds.
const MODEL: (&str, Run, u64) = ("the model", model::run_smallest, 1);
const SIM: (&str, Run, u64) = ("the simulation", simulation::run, 2_000);
const CONFLICTS: (&str, Run, u64) = (
    "the simulation of conflicts",
    simulation::hunt_conflicts,
    500,
);
const ABOVE_TAIL: (&str, Run, u64) = (
    "the simulation above the tail",
    simulation::hunt_above_tail,
    500,
);
const WRITING: (&str, Run, u64) = ("the simulation of writing", simulation::hunt_writing, 500);
const READING: (&str, Run, u64) = ("the simulation of reading", simulation::hunt_reading, 500);
const POWER: (&str, Run, u64) = ("power cuts", disk::hunt_power, 50);
const MAKING: (&str, Run, u64) = ("power cuts at the first start", disk::hunt_making, 20);
const FAILING_SYNC: (&str, Run, u64) = ("failing syncs", disk::hunt_failing_sync, 20);
const FLIPPED: (&str, Run, u64) = ("flipped bits", disk::hunt_flipped_block, 20);
const AT_REST: (&str, Run, u64) = ("flipped bits at rest", disk::hunt_flipped_at_rest, 20);
const CANCELLED: (&str, Run, u64) = ("cancelled flushes", cancel::hunt_cancelled_flush, 1);
const SILENCE: (&str, Run, u64) = ("silent peers", network::hunt_silence, 5);
const DRIPS: (&str, Run, u64) = ("dripping peers", network::hunt_drips, 5);
const EXPIRY: (&str, Run, u64) = ("expiring tokens", network::hunt_expiry, 5);
const LATE_REPLIES: (&str, Run, u64) = ("late replies", network::hunt_late_replies, 5);
const DIRTY: (&str, Run, u64) = ("the proxy", proxy::hunt_dirty_connection_reused, 1);
const LATE: (&str, Run, u64) = (
    "the proxy's late replies",
    proxy::hunt_old_replies_obeyed,
    1,
);
const FRAMES: (&str, Run, u64) = ("bad frames", frames::run, frames::SEEDS);
const NAMES: (&str, Run, u64) = ("bad names", names::run, 1);
const RIGHTS: (&str, Run, u64) = ("too small rights", rights::run, 1);
const SECRETS: (&str, Run, u64) = ("marked secrets", secrets::run, 1);
const WINDOW: (&str, Run, u64) = ("full windows", window::run, 100);

const HUNTS: &[Hunt] = &[
    hunt(
        Bug::OffsetBeforeNumber,
        "offset before number",
        SIM,
        100_000,
    ),
    hunt(
        Bug::OffsetBeforeNumber,
        "offset before number",
        POWER,
        10_000,
    ),
    hunt(
        Bug::ConditionalPipeline,
        "conditional pipeline of 4",
        MODEL,
        1,
    ),
    hunt(
        Bug::ConditionalPipeline,
        "conditional pipeline of 4",
        CONFLICTS,
        100_000,
    ),
    hunt(Bug::NewIdOnReconnect, "new id on reconnect", MODEL, 1),
    hunt(
        Bug::NewIdOnReconnect,
        "new id on reconnect",
        WRITING,
        10_000,
    ),
    hunt(Bug::AckBeforeSync, "ack before sync", POWER, 10_000),
    hunt(
        Bug::NumberInAnotherRecord,
        "number in another record",
        POWER,
        10_000,
    ),
    hunt(Bug::SetupAcksAll, "setup acks all", MODEL, 1),
    hunt(Bug::SetupAcksAll, "setup acks all", WRITING, 10_000),
    hunt(
        Bug::OnlyTheFailedBlockDropped,
        "only the failed block dropped",
        MODEL,
        1,
    ),
    hunt(
        Bug::OnlyTheFailedBlockDropped,
        "only the failed block dropped",
        CONFLICTS,
        100_000,
    ),
    hunt(
        Bug::ConditionalAndPlainMixed,
        "conditional and plain mixed",
        MODEL,
        1,
    ),
    hunt(
        Bug::ConditionalAndPlainMixed,
        "conditional and plain mixed",
        CONFLICTS,
        10_000,
    ),
    hunt(
        Bug::ConditionFailureTakenAsSuccess,
        "condition failure after reconnect taken as success",
        MODEL,
        1,
    ),
    hunt(
        Bug::ConditionFailureTakenAsSuccess,
        "condition failure after reconnect taken as success",
        CONFLICTS,
        100_000,
    ),
    hunt(Bug::OldRepliesObeyed, "old replies obeyed", MODEL, 1),
    hunt(Bug::OldRepliesObeyed, "old replies obeyed", LATE, 100),
    hunt(
        Bug::TailShownBeforeSync,
        "tail shown before sync",
        SIM,
        100_000,
    ),
    hunt(
        Bug::TailShownBeforeSync,
        "tail shown before sync",
        POWER,
        10_000,
    ),
    hunt(
        Bug::SecondSyncAfterAFailedOne,
        "second sync after a failed one",
        FAILING_SYNC,
        10_000,
    ),
    hunt(Bug::NoDirectorySync, "no directory sync", MAKING, 10_000),
    hunt(Bug::NoRecordChecksum, "no record checksum", FLIPPED, 10_000),
    hunt(Bug::CutInMidLog, "cut in mid-log", AT_REST, 10_000),
    hunt(
        Bug::ResentInAnotherOrder,
        "resend in another order",
        MODEL,
        1,
    ),
    hunt(
        Bug::ResentInAnotherOrder,
        "resend in another order",
        WRITING,
        10_000,
    ),
    hunt(
        Bug::NumberReusedAfterTimeout,
        "number reused after a timeout",
        MODEL,
        1,
    ),
    hunt(
        Bug::NumberReusedAfterTimeout,
        "number reused after a timeout",
        ABOVE_TAIL,
        100_000,
    ),
    hunt(
        Bug::ErrorLostWithCancelledFlush,
        "error lost with a cancelled flush",
        CANCELLED,
        10,
    ),
    hunt(
        Bug::DirtyConnectionReused,
        "dirty connection back in the pool",
        DIRTY,
        100,
    ),
    hunt(
        Bug::DirtyConnectionReused,
        "dirty connection back in the pool",
        LATE_REPLIES,
        10_000,
    ),
    hunt(
        Bug::ReadReplyAtAnotherOffset,
        "read reply at another offset taken",
        READING,
        10_000,
    ),
    hunt(
        Bug::KeepAliveWithoutEcho,
        "keepalive without echo",
        SILENCE,
        2_000,
    ),
    hunt(Bug::NoFrameDeadline, "no frame deadline", DRIPS, 2_000),
    hunt(
        Bug::ExpiryTakenAsFatal,
        "expiry taken as fatal, or renewed without end",
        EXPIRY,
        2_000,
    ),
    hunt(
        Bug::SealedToldEarly,
        "sealed told before the last byte",
        READING,
        10_000,
    ),
    hunt(
        Bug::AllocationByAnnouncedLength,
        "allocation by announced length",
        FRAMES,
        frames::SEEDS,
    ),
    hunt(Bug::ParentDirectoryAccepted, "`..` accepted", NAMES, 1),
    hunt(
        Bug::WriterNumberForgotten,
        "writer number forgotten",
        SIM,
        100_000,
    ),
    hunt(
        Bug::WriterNumberForgotten,
        "writer number forgotten",
        POWER,
        10_000,
    ),
    hunt(Bug::QueueWithoutBound, "queue without bound", WINDOW, 1_000),
    hunt(
        Bug::ReadRightSufficesForDelete,
        "read right suffices for delete",
        RIGHTS,
        1,
    ),
    hunt(Bug::TokenInDebug, "token in `Debug`", SECRETS, 1),
    hunt(
        Bug::TailAfterFailureBelieved,
        "S8 judged by the tail after the failure",
        MODEL,
        1,
    ),
    hunt(
        Bug::TailAfterFailureBelieved,
        "S8 judged by the tail after the failure",
        ABOVE_TAIL,
        1_000_000,
    ),
];
