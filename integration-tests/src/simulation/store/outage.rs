//! The store goes away: its process dies, or the segment goes to the other host.

use pravega_client_shared::planted::{self, Bug};
use pravega_wire_protocol::NO_EVENT_NUMBER;

use super::{Store, Stored, append::Outcome, narrow, writer_id};
use crate::Random;

impl Store {
    /// The process dies: connections, queue and what is not durable are gone, but for what had reached the
    /// disk without anybody's knowing.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        self.is_down = true;
        self.queue.clear();
        for link in &mut self.links {
            if !link.is_closed {
                link.close();
                let read = random.below(link.to_client.len() + 1);
                link.to_client.truncate(read);
            }
        }
        if self.rules.loses_acked && !self.sealed {
            self.lose_acked(random);
        }
        self.recover(random);
    }

    /// The segment goes to the other host. The old one lives on and says so; what it had not finished is lost
    /// or not, and nobody is told.
    pub(crate) fn relocate(&mut self, random: &mut Random) {
        self.unload();
        for append in self.queue.drain(..) {
            if let Some(link) = self.links.get_mut(append.link)
                && !link.is_closed
            {
                link.outcomes.push_back((append, Outcome::WrongHost));
            }
        }
        let mut links = std::mem::take(&mut self.links);
        for (_, outcome) in links.iter_mut().flat_map(|link| &mut link.outcomes) {
            if !self.is_due(*outcome) {
                *outcome = Outcome::WrongHost;
            }
        }
        self.links = links;
        self.recover(random);
        self.host = 1 - self.host;
    }

    /// The disk has forgotten entries that were durable, though none that a truncation has counted on.
    fn lose_acked(&mut self, random: &mut Random) {
        let kept = random.below(self.synced + 1);
        let head = self.head;
        let needed = self.log.partition_point(|entry| entry.offset < head);
        let kept = kept.max(needed);
        if kept >= self.synced {
            return;
        }
        self.has_lost = true;
        self.synced = kept;
        if let Some(first) = self.log.get(kept) {
            self.content.truncate(narrow(first.offset));
        }
        self.log.truncate(kept);
        self.shown = self.shown.min(self.tail());
        let log = &self.log;
        for numbers in &mut self.numbers {
            let is_its = |entry: &&Stored| {
                entry
                    .writer
                    .is_some_and(|index| writer_id(index) == numbers.writer)
            };
            let last = log.iter().rev().find(is_its);
            numbers.synced = last.map_or(NO_EVENT_NUMBER, |entry| entry.number);
        }
    }

    /// Goes on from what is on disk.
    fn recover(&mut self, random: &mut Random) {
        let unsynced = self.log.len() - self.synced;
        let kept = random.below(unsynced + 1);
        let is_seal_kept = self.seal_synced || (kept == unsynced && random.one_in(2));
        self.sealed = self.sealed && is_seal_kept;
        let mut lost = self.log.drain(self.synced + kept..);
        if let Some(first) = lost.next() {
            self.content.truncate(narrow(first.offset));
        }
        drop(lost);
        for numbers in &mut self.numbers {
            numbers.applied = numbers.synced;
        }
        for at in self.synced..self.log.len() {
            if let Some(&entry) = self.log.get(at)
                && let Some(writer) = entry.writer
            {
                self.set_applied(writer_id(writer), entry.number);
            }
        }
        if planted::is_on(Bug::WriterNumberForgotten) {
            self.numbers.clear();
        }
        self.sync(random);
    }
}
