//! How a new world is taken to each start.

use super::{Start, movements::WRITER};
use crate::{
    campaign::Verdict,
    simulation::world::{Cut, World},
};

impl Start {
    /// Takes a new world there.
    pub(crate) fn set_up(self, world: &mut World<'_>) -> Verdict {
        match self {
            Self::OffsetAboveTail => world.start_beside(4, 0),
            Self::OffsetBelowTail => world.start_beside(0, 4),
            Self::OffsetAboveTailCopyUnderway => {
                let above = world.len();
                world.start_beside(above, 0)?;
                world.sends()?;
                world.cut(WRITER, Cut::AllArrivesLate)
            }
            Self::CopyUnderway => {
                world.sends()?;
                world.cut(WRITER, Cut::AllArrivesLate)
            }
            Self::TwoCopiesUnderway => {
                world.sends()?;
                world.cut(WRITER, Cut::AllArrivesLate)?;
                world.comes_back()
            }
            Self::InQueueConnectionLost => {
                world.sends()?;
                world.arrives()?;
                world.cut(WRITER, Cut::NothingArrives)
            }
            Self::AppliedNotSynced => {
                world.is_applied()?;
                world.cut(WRITER, Cut::NothingArrives)
            }
            Self::StoredAckLost => {
                world.is_stored()?;
                world.cut(WRITER, Cut::NothingArrives)
            }
            Self::SetupUnderway | Self::SetupAnswered | Self::SetupAnsweredFromBefore => {
                self.set_up_setup(world)
            }
            Self::TokenRanOut => {
                world.sends()?;
                world.close_by_store(WRITER)
            }
            Self::SealedWithQueue | Self::SealedAckLost => self.set_up_sealed(world),
            Self::CrashedNotSynced
            | Self::StoreDown
            | Self::MovedInQueue
            | Self::MovedAwayAndBack => self.set_up_outage(world),
            Self::PipelineFirstAcked | Self::PipelineHalfStored => self.set_up_pipeline(world),
            Self::ParkedBlockUnderway
            | Self::ParkedNotSynced
            | Self::ParkedSealedNotSynced
            | Self::SeveralReadsOut
            | Self::TruncatedUnderReads
            | Self::BehindHead
            | Self::BeyondTail
            | Self::ParkedInSilence => self.set_up_reading(world),
            _ => self.set_up_conflict(world),
        }
    }

    fn set_up_setup(self, world: &mut World<'_>) -> Verdict {
        if self == Self::SetupAnsweredFromBefore {
            world.sends()?;
            world.arrives()?;
            world.cut(WRITER, Cut::AllArrivesLate)?;
            world.wants()?;
            world.attach(WRITER, false)?;
            world.arrives()?;
            world.store.apply(&mut world.random);
            world.sync();
            return Ok(());
        }
        world.submits()?;
        world.wants()?;
        world.attach(WRITER, false)?;
        match self {
            Self::SetupAnswered => world.arrives(),
            _ => Ok(()),
        }
    }

    fn set_up_conflict(self, world: &mut World<'_>) -> Verdict {
        let len = world.len();
        if self == Self::StaleTail {
            world.ask_tail(0)?;
            world.append_other(len);
            world.sync();
            return world.hear_tail(0);
        }
        if self == Self::StoredThenOthers {
            world.is_stored()?;
            world.append_other(len);
            world.sync();
            return world.cut(WRITER, Cut::NothingArrives);
        }
        world.sends()?;
        if self == Self::TwoAtOneOffset {
            return world.sends_as(1);
        }
        world.append_other(len);
        if self == Self::PlaceTaken {
            return Ok(());
        }
        world.submits()?;
        world.submits()?;
        world.drive(WRITER)?;
        if self == Self::PlaceTakenQueueBehind {
            return Ok(());
        }
        world.arrives()?;
        world.store.apply(&mut world.random);
        world.sync();
        world.is_answered()?;
        match self {
            Self::RefusalLost => world.cut(WRITER, Cut::NothingArrives),
            Self::ConflictWithQueue => world.deliver(WRITER),
            _ => Ok(()),
        }
    }

    fn set_up_sealed(self, world: &mut World<'_>) -> Verdict {
        world.sends()?;
        world.submits()?;
        world.submits()?;
        if self == Self::SealedAckLost {
            world.arrives()?;
            world.store.apply(&mut world.random);
        }
        world.store.seal(&mut world.random);
        world.sync();
        match self {
            Self::SealedAckLost => world.cut(WRITER, Cut::NothingArrives),
            _ => Ok(()),
        }
    }

    fn set_up_outage(self, world: &mut World<'_>) -> Verdict {
        match self {
            Self::CrashedNotSynced => {
                world.is_applied()?;
                world.crash(WRITER)
            }
            Self::StoreDown => {
                for client in world.clients() {
                    world.call(client)?;
                    world.drive(client)?;
                }
                world.crash(WRITER)
            }
            Self::MovedInQueue => {
                world.sends()?;
                world.arrives()?;
                world.relocate(WRITER)
            }
            _ => {
                world.sends()?;
                world.relocate(WRITER)?;
                world.cut(WRITER, Cut::AllArrivesLate)?;
                world.relocate(WRITER)
            }
        }
    }

    fn set_up_pipeline(self, world: &mut World<'_>) -> Verdict {
        world.sends()?;
        for _ in 0..2 {
            world.submits()?;
            world.drive(WRITER)?;
        }
        world.arrives()?;
        world.store.apply(&mut world.random);
        if self == Self::PipelineHalfStored {
            world.store.apply(&mut world.random);
            world.sync();
            return world.cut(WRITER, Cut::NothingArrives);
        }
        world.sync();
        world.is_answered()?;
        world.deliver(WRITER)
    }

    fn set_up_reading(self, world: &mut World<'_>) -> Verdict {
        match self {
            Self::SeveralReadsOut => return world.reads_ahead(),
            Self::TruncatedUnderReads => return world.is_truncated_under(),
            Self::BehindHead => {
                world.store.truncate(20);
                return world.parks();
            }
            Self::BeyondTail => {
                let beyond = world.store.tail() + 10;
                world.reader(0)?.seek(beyond)?;
                return world.parks();
            }
            _ => world.parks()?,
        }
        if self == Self::ParkedInSilence {
            if let Some(link) = world.reader(0)?.way.link {
                world.link(link)?.is_held = true;
            }
            return Ok(());
        }
        match self {
            Self::ParkedBlockUnderway => world.sends(),
            _ => world.is_applied(),
        }?;
        if self == Self::ParkedSealedNotSynced {
            world.store.seal(&mut world.random);
        }
        Ok(())
    }
}
