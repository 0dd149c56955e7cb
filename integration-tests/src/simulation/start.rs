//! Directed starts: states that a random run reaches seldom, and from which it goes wrong soonest.

use super::{
    client::Client,
    scene::{Lengths, Modes, Scene},
    world::{Cut, World},
};
use crate::campaign::Verdict;

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

/// The movements of which starts are made, of the first writer and the first reader.
impl World<'_> {
    /// A length that every writer takes.
    fn len(&self) -> usize {
        match self.scene.lengths {
            Lengths::Equal(len) => len,
            Lengths::Mixed(_) | Lengths::Limits => LEN,
        }
    }

    /// The writer believes that the segment ends somewhere else than it does.
    fn start_beside(&mut self, above: usize, below: usize) -> Verdict {
        let tail = self.store.tail() + super::store::wide(above);
        let offset = tail.saturating_sub(super::store::wide(below));
        // A new session can always be told where to start.
        self.writer(0)?.session.start_at(offset).ok();
        Ok(())
    }

    fn submits(&mut self) -> Verdict {
        let len = self.len();
        self.submits_as(0, len)
    }

    fn submits_as(&mut self, index: usize, len: usize) -> Verdict {
        let now = self.now();
        let writer = self.writer(index)?;
        writer.submit(now, len)?;
        writer.session.flush(now);
        self.drive(Client::Writer(index))
    }

    /// The client's pause is over, and it wants a connection.
    fn wants(&mut self) -> Verdict {
        self.pass_time(WRITER)
    }

    /// The writer submits, is set up, and its block is on its way.
    fn sends(&mut self) -> Verdict {
        self.sends_as(0)
    }

    fn sends_as(&mut self, index: usize) -> Verdict {
        let len = self.len();
        let client = Client::Writer(index);
        self.submits_as(index, len)?;
        if self.way(client)?.is_wanted {
            self.attach(client, false)?;
            self.arrives_from(client)?;
            self.deliver(client)?;
        }
        Ok(())
    }

    /// The writer attaches again and is set up, so that its block is underway once more.
    fn comes_back(&mut self) -> Verdict {
        self.wants()?;
        self.attach(WRITER, false)?;
        self.arrives()?;
        self.deliver(WRITER)
    }

    fn arrives(&mut self) -> Verdict {
        self.arrives_from(WRITER)
    }

    fn arrives_from(&mut self, client: Client) -> Verdict {
        if let Some(link) = self.way(client)?.link {
            while self.link(link)?.has_request() {
                self.receive(link)?;
            }
        }
        Ok(())
    }

    fn is_applied(&mut self) -> Verdict {
        self.sends()?;
        self.arrives()?;
        while self.store.has_queue() {
            self.store.apply(&mut self.random);
        }
        Ok(())
    }

    fn is_stored(&mut self) -> Verdict {
        self.is_applied()?;
        self.sync();
        Ok(())
    }

    fn is_answered(&mut self) -> Verdict {
        if let Some(link) = self.writer(0)?.way.link {
            self.store.answer(link, false);
        }
        Ok(())
    }

    /// The reader reads all there is, and waits at the tail.
    fn parks(&mut self) -> Verdict {
        for _ in 0..ROUNDS_TO_TAIL {
            self.consume(0, usize::MAX, false)?;
            self.drive(READER)?;
            if self.way(READER)?.is_wanted {
                self.attach(READER, false)?;
            }
            self.arrives_from(READER)?;
            self.deliver(READER)?;
        }
        Ok(())
    }

    /// The reader has taken what its first request brought, and has several more out.
    fn reads_ahead(&mut self) -> Verdict {
        for _ in 0..3 {
            self.consume(0, usize::MAX, false)?;
            self.drive(READER)?;
            if self.way(READER)?.is_wanted {
                self.attach(READER, false)?;
            }
            self.arrives_from(READER)?;
            self.deliver(READER)?;
        }
        self.consume(0, usize::MAX, false)?;
        self.drive(READER)
    }
}

impl World<'_> {
    /// Of several reads that are out, the first is answered, and the answer lost; the others are told that what
    /// they want, and what the first wants, was truncated away.
    fn is_truncated_under(&mut self) -> Verdict {
        self.reads_ahead()?;
        let Some(id) = self.reader(0)?.way.link else {
            return Ok(());
        };
        self.receive(id)?;
        self.store.truncate(40);
        self.arrives_from(READER)?;
        self.consume(0, usize::MAX, false)?;
        self.drive(READER)?;
        self.link(id)?.to_client.pop_front();
        self.deliver(READER)?;
        self.cut(READER, Cut::NothingArrives)
    }
}

const WRITER: Client = Client::Writer(0);
const READER: Client = Client::Reader(0);
/// How long a block is where lengths vary.
const LEN: usize = 4;
/// So many replies bring a reader to the tail, or near to it.
const ROUNDS_TO_TAIL: usize = 8;
