//! Bugs that can be switched on, to see that the fault campaigns find them.
//!
//! Not for users: without the feature `planted`, which only the integration tests have, [`is_on`] is always
//! false and the compiler removes what depends on it. One bug at a time is on, in the whole process.

use std::sync::atomic::{AtomicU8, Ordering};

/// The bugs. Each is named in the place that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(
    missing_docs,
    clippy::exhaustive_enums,
    reason = "the names say it; only tests use it"
)]
pub enum Bug {
    OffsetBeforeNumber = 1,
    ConditionalPipeline = 2,
    NewIdOnReconnect = 3,
    AckBeforeSync = 4,
    NumberInAnotherRecord = 5,
    SetupAcksAll = 6,
    OnlyTheFailedBlockDropped = 7,
    ConditionalAndPlainMixed = 8,
    ConditionFailureTakenAsSuccess = 9,
    OldRepliesObeyed = 10,
    TailShownBeforeSync = 11,
    SecondSyncAfterAFailedOne = 12,
    NoDirectorySync = 13,
    NoRecordChecksum = 14,
    CutInMidLog = 15,
    ResentInAnotherOrder = 16,
    NumberReusedAfterTimeout = 17,
    ErrorLostWithCancelledFlush = 18,
    DirtyConnectionReused = 19,
    ReadReplyAtAnotherOffset = 20,
    KeepAliveWithoutEcho = 21,
    NoFrameDeadline = 22,
    ExpiryTakenAsFatal = 23,
    SealedToldEarly = 24,
    AllocationByAnnouncedLength = 25,
    ParentDirectoryAccepted = 26,
    WriterNumberForgotten = 27,
    QueueWithoutBound = 28,
    ReadRightSufficesForDelete = 29,
    TokenInDebug = 30,
    TailAfterFailureBelieved = 31,
}

/// The number of the bug that is on; 0 for none.
static ON: AtomicU8 = AtomicU8::new(0);

/// True when this bug is to be made.
#[must_use]
pub fn is_on(bug: Bug) -> bool {
    cfg!(feature = "planted") && ON.load(Ordering::Relaxed) == number(bug)
}

/// Switches one bug on and all others off.
pub fn switch(bug: Option<Bug>) {
    ON.store(bug.map_or(0, number), Ordering::Relaxed);
}

#[expect(
    clippy::as_conversions,
    reason = "the enum is represented by this number"
)]
fn number(bug: Bug) -> u8 {
    bug as u8
}
