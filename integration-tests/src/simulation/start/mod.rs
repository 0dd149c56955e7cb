//! Directed starts: states that a random run reaches seldom, and from which it goes wrong soonest.

mod movements;
mod set_up;

use super::scene::{Lengths, Modes, Scene};

/// Where a run starts. `writer` is the first writer; its block is in flight unless something else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    OffsetAboveTail,
    OffsetAboveTailCopyUnderway,
    OffsetBelowTail,
    CopyUnderway,
    TwoCopiesUnderway,
    InQueueConnectionLost,
    AppliedNotSynced,
    StoredAckLost,
    SetupUnderway,
    SetupAnswered,
    SetupAnsweredFromBefore,
    PlaceTaken,
    PlaceTakenQueueBehind,
    RefusalUnderway,
    RefusalLost,
    ConflictWithQueue,
    StoredThenOthers,
    TwoAtOneOffset,
    StaleTail,
    SealedWithQueue,
    SealedAckLost,
    TokenRanOut,
    CrashedNotSynced,
    StoreDown,
    MovedInQueue,
    MovedAwayAndBack,
    PipelineFirstAcked,
    PipelineHalfStored,
    ParkedBlockUnderway,
    ParkedNotSynced,
    ParkedSealedNotSynced,
    SeveralReadsOut,
    TruncatedUnderReads,
    BehindHead,
    BeyondTail,
    ParkedInSilence,
}

impl Start {
    pub(crate) const ALL: [Self; 36] = [
        Self::OffsetAboveTail,
        Self::OffsetAboveTailCopyUnderway,
        Self::OffsetBelowTail,
        Self::CopyUnderway,
        Self::TwoCopiesUnderway,
        Self::InQueueConnectionLost,
        Self::AppliedNotSynced,
        Self::StoredAckLost,
        Self::SetupUnderway,
        Self::SetupAnswered,
        Self::SetupAnsweredFromBefore,
        Self::PlaceTaken,
        Self::PlaceTakenQueueBehind,
        Self::RefusalUnderway,
        Self::RefusalLost,
        Self::ConflictWithQueue,
        Self::StoredThenOthers,
        Self::TwoAtOneOffset,
        Self::StaleTail,
        Self::SealedWithQueue,
        Self::SealedAckLost,
        Self::TokenRanOut,
        Self::CrashedNotSynced,
        Self::StoreDown,
        Self::MovedInQueue,
        Self::MovedAwayAndBack,
        Self::PipelineFirstAcked,
        Self::PipelineHalfStored,
        Self::ParkedBlockUnderway,
        Self::ParkedNotSynced,
        Self::ParkedSealedNotSynced,
        Self::SeveralReadsOut,
        Self::TruncatedUnderReads,
        Self::BehindHead,
        Self::BeyondTail,
        Self::ParkedInSilence,
    ];

    /// Those at which exclusive writers are in one another's way.
    pub(crate) const CONFLICTS: [Self; 9] = [
        Self::OffsetAboveTailCopyUnderway,
        Self::TwoCopiesUnderway,
        Self::PlaceTaken,
        Self::PlaceTakenQueueBehind,
        Self::RefusalUnderway,
        Self::RefusalLost,
        Self::ConflictWithQueue,
        Self::StoredThenOthers,
        Self::TwoAtOneOffset,
    ];

    /// Those of readers alone.
    pub(crate) const READING: [Self; 5] = [
        Self::SeveralReadsOut,
        Self::TruncatedUnderReads,
        Self::BehindHead,
        Self::BeyondTail,
        Self::ParkedInSilence,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OffsetAboveTail => "offset above the tail",
            Self::OffsetAboveTailCopyUnderway => "the same, a copy underway",
            Self::OffsetBelowTail => "offset below the tail",
            Self::CopyUnderway => "copy on an old connection",
            Self::TwoCopiesUnderway => "two copies underway",
            Self::InQueueConnectionLost => "in queue, connection lost",
            Self::AppliedNotSynced => "applied, not synced, cut",
            Self::StoredAckLost => "stored, ack lost",
            Self::SetupUnderway => "setup underway",
            Self::SetupAnswered => "setup answer underway",
            Self::SetupAnsweredFromBefore => "setup answered from before",
            Self::PlaceTaken => "place taken, same length",
            Self::PlaceTakenQueueBehind => "place taken, queue behind",
            Self::RefusalUnderway => "refusal underway",
            Self::RefusalLost => "refusal lost",
            Self::ConflictWithQueue => "conflict with queue",
            Self::StoredThenOthers => "stored, others behind",
            Self::TwoAtOneOffset => "two at one offset",
            Self::StaleTail => "resynced to an old tail",
            Self::SealedWithQueue => "sealed with queue",
            Self::SealedAckLost => "sealed behind it, ack lost",
            Self::TokenRanOut => "token ran out",
            Self::CrashedNotSynced => "crashed, not synced",
            Self::StoreDown => "all detached, store down",
            Self::MovedInQueue => "moved, block in old queue",
            Self::MovedAwayAndBack => "moved away and back",
            Self::PipelineFirstAcked => "pipeline, first acked",
            Self::PipelineHalfStored => "pipeline, half stored",
            Self::ParkedBlockUnderway => "parked, block underway",
            Self::ParkedNotSynced => "parked, bytes not synced",
            Self::ParkedSealedNotSynced => "parked, seal not synced",
            Self::SeveralReadsOut => "several reads out",
            Self::TruncatedUnderReads => "truncated under reads, cut",
            Self::BehindHead => "position behind the head",
            Self::BeyondTail => "position beyond the tail",
            Self::ParkedInSilence => "parked, link silent",
        }
    }

    /// Makes a scene fit to start so.
    pub(crate) fn shape(self, scene: &mut Scene) {
        scene.start = Some(self);
        match self {
            Self::SeveralReadsOut | Self::TruncatedUnderReads | Self::BehindHead => {
                scene.readers = scene.readers.max(1);
                scene.before = scene.before.max(60);
            }
            Self::BeyondTail | Self::ParkedInSilence => scene.readers = scene.readers.max(1),
            Self::ParkedBlockUnderway | Self::ParkedNotSynced | Self::ParkedSealedNotSynced => {
                scene.readers = scene.readers.max(1);
                scene.writers = scene.writers.max(1);
            }
            Self::PipelineFirstAcked | Self::PipelineHalfStored => {
                scene.modes = Modes::Shared;
                scene.writers = scene.writers.max(1);
            }
            Self::OffsetBelowTail => {
                scene.before = scene.before.max(12);
                scene.modes = Modes::Exclusive;
                scene.writers = scene.writers.max(1);
            }
            _ => {
                scene.writers = scene.writers.max(1);
                let needs_two = matches!(self, Self::TwoAtOneOffset | Self::StoreDown);
                let conflicts = Self::CONFLICTS.contains(&self)
                    || matches!(self, Self::OffsetAboveTail | Self::StaleTail);
                if needs_two {
                    scene.writers = scene.writers.max(2);
                }
                if conflicts {
                    scene.modes = Modes::Exclusive;
                    scene.lengths = match scene.lengths {
                        Lengths::Equal(len) => Lengths::Equal(len),
                        _ => Lengths::Equal(LEN),
                    };
                }
            }
        }
    }

    /// The readers begin at the first byte and have no limit.
    pub(crate) fn reads_from_start(self) -> bool {
        matches!(
            self,
            Self::SeveralReadsOut
                | Self::TruncatedUnderReads
                | Self::BehindHead
                | Self::BeyondTail
                | Self::ParkedInSilence
                | Self::ParkedBlockUnderway
                | Self::ParkedNotSynced
                | Self::ParkedSealedNotSynced
        )
    }
}

/// How long a block is where lengths vary.
const LEN: usize = 4;
