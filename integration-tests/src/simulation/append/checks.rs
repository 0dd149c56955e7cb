//! What must hold for a writer, whatever happened.

use std::ops::Range;

use pravega_segment_session::{AppendFailureKind, WriteMode};

use super::{Settled, Writer, broken, fate_of, harm};
use crate::{
    campaign::{Harm, Verdict},
    simulation::store::{Store, Stored, narrow},
};

impl Writer {
    /// The numbers agree with one another.
    pub(crate) fn check_counters(&self) -> Verdict {
        let session = &self.session;
        let (durable, sent, accepted) = (session.durable(), session.sent(), session.accepted());
        if durable > sent || sent > accepted || session.unacked_bytes() != accepted - durable {
            return broken(format!("{durable} durable of {sent} sent of {accepted}"));
        }
        if session.unacked_bytes() > self.max_unacked {
            return broken(format!(
                "{} bytes are unacknowledged",
                session.unacked_bytes()
            ));
        }
        Ok(())
    }

    /// Every promise that was given, held against what is stored: content, exactly once, order, atomicity, no
    /// hole, and the truth of every failure.
    pub(crate) fn check_end(&self, store: &Store) -> Verdict {
        let (log, content) = (&store.log, &store.content);
        let mut is_stored = vec![false; self.blocks.len()];
        let mut before = 0;
        for entry in log.iter().filter(|entry| entry.writer == Some(self.index)) {
            let place = usize::try_from(entry.number - 1).unwrap_or(usize::MAX);
            self.check_entry(place, entry, content)?;
            let before_it = is_stored.get_mut(place);
            if before_it.is_some_and(|is_stored| std::mem::replace(is_stored, true)) {
                let what = format!("block {} is there twice", entry.number);
                return harm(Harm::Doubled, &(0..entry.len), what);
            }
            if entry.number <= before {
                let what = format!("block {} is behind block {before}", entry.number);
                return harm(Harm::Reordered, &(0..entry.len), what);
            }
            before = entry.number;
        }
        self.check_holes(&is_stored)?;
        self.check_fates(&is_stored, store)?;
        self.check_failure(store)?;
        match &self.suspicion {
            Some(suspicion) => Err(suspicion.clone()),
            None => Ok(()),
        }
    }

    /// A stored block is whole, and lies where it belongs.
    fn check_entry(&self, place: usize, entry: &Stored, content: &[u8]) -> Verdict {
        let whole = 0..entry.len;
        let Some(block) = self.blocks.get(place) else {
            let what = format!("block {} was never sent", entry.number);
            return harm(Harm::FalselyReported, &whole, what);
        };
        let end = narrow(entry.offset + entry.len);
        let stored = content.get(narrow(entry.offset)..end).unwrap_or_default();
        if !stored.iter().copied().eq(self.bytes(block.range.clone())) {
            let what = format!("block {} was torn or changed", entry.number);
            return harm(Harm::Lost, &block.range, what);
        }
        if block
            .expected
            .is_some_and(|expected| expected != entry.offset)
        {
            let what = format!("block {} is elsewhere than expected", entry.number);
            return harm(Harm::Reordered, &whole, what);
        }
        Ok(())
    }

    /// Between two resyncs, what is stored is a prefix of what was sent.
    fn check_holes(&self, is_stored: &[bool]) -> Verdict {
        let mut missing: Option<(u32, Range<u64>)> = None;
        for (block, is_stored) in self.blocks.iter().zip(is_stored) {
            match &missing {
                Some((life, hole)) if *life == block.life && *is_stored => {
                    let what = format!("{:?} is there and {hole:?} before it is not", block.range);
                    return harm(Harm::Lost, hole, what);
                }
                Some((life, _)) if *life == block.life => {}
                _ if !is_stored => missing = Some((block.life, block.range.clone())),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_fates(&self, is_stored: &[bool], store: &Store) -> Verdict {
        for submission in &self.submissions {
            let range = &submission.range;
            let holds = |block: &super::Block| {
                block.range.start <= range.start && range.end <= block.range.end
            };
            let copies = self.blocks.iter().zip(is_stored);
            let copies = copies
                .filter(|(block, is_stored)| **is_stored && holds(block))
                .count();
            if submission.fate != fate_of(&self.session, range) {
                return broken(format!("{range:?} was settled otherwise before"));
            }
            match submission.fate {
                Some(Settled::Durable) if copies == 0 && store.has_lost() => {
                    if self.session.is_attached() {
                        let what = format!("nobody noticed that {range:?} is gone");
                        return harm(Harm::FalselyReported, range, what);
                    }
                }
                Some(Settled::Durable) if copies == 0 => {
                    let what = format!("{range:?} was acknowledged and is missing");
                    return harm(Harm::Lost, range, what);
                }
                Some(Settled::NotStored) if copies > 0 => {
                    let what = format!("{range:?} failed for certain and is there");
                    return harm(Harm::FalselyReported, range, what);
                }
                _ if copies > 1 => {
                    return harm(Harm::Doubled, range, format!("{range:?} is there twice"));
                }
                Some(_) => {}
                None => return broken(format!("{range:?} was never settled")),
            }
        }
        Ok(())
    }

    /// A failure is told only for what is so. Of conflicts the history tells.
    fn check_failure(&self, store: &Store) -> Verdict {
        let Some(failure) = self.session.failure() else {
            return Ok(());
        };
        let troubles = u32::try_from(self.way.troubles).unwrap_or(u32::MAX);
        let is_impatient = troubles >= self.session.options().max_setup_failures;
        let is_true = match failure.kind() {
            AppendFailureKind::Conflict { .. } => self.mode == WriteMode::Exclusive,
            AppendFailureKind::Sealed => store.is_sealed(),
            AppendFailureKind::NoSuchSegment => store.is_deleted(),
            // A token is renewed once before a refusal is final; whether it ran out is another matter.
            AppendFailureKind::Unauthorized => is_impatient || self.way.forbidden > 1,
            AppendFailureKind::Refused { .. } | AppendFailureKind::Protocol { .. } => is_impatient,
            AppendFailureKind::DataLoss { .. } => store.has_lost(),
            _ => false,
        };
        match is_true {
            true => Ok(()),
            false => harm(
                Harm::FalselyReported,
                &failure.unacked(),
                failure.to_string(),
            ),
        }
    }
}
