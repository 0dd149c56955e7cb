//! The end of a run: the faults stop, everything comes to rest, and every promise is held against what is
//! stored.

use super::{World, other_id};
use crate::{
    campaign::{Verdict, Violation},
    history::{Entry, Log, search, tiling},
    simulation::client::Client,
};

impl World<'_> {
    /// The faults stop. Everything still on its way arrives, and every client comes to rest.
    pub(super) fn finish(&mut self) -> Verdict {
        self.store.refusal = None;
        self.store.is_down = false;
        for link in &mut self.store.links {
            link.is_held = false;
        }
        self.come_to_rest()?;
        if !self.readers.is_empty() && self.random.one_in(2) {
            self.store.seal(&mut self.random);
            self.come_to_rest()?;
        }
        for writer in &mut self.writers {
            writer.tail = None;
            writer.is_explained = true;
            writer.settle(&mut self.history)?;
        }
        Ok(())
    }

    fn come_to_rest(&mut self) -> Verdict {
        for _ in 0..MAX_ROUNDS {
            for client in self.clients() {
                self.pass_time(client)?;
                if self.way(client)?.is_wanted {
                    self.attach(client, false)?;
                }
                self.use_up(client)?;
            }
            self.serve()?;
            if self.is_at_rest() {
                return Ok(());
            }
        }
        Err(Violation::broken("the clients do not come to rest"))
    }

    /// A client does what is left to do: a writer flushes, a reader takes all there is.
    fn use_up(&mut self, client: Client) -> Verdict {
        while self.has_news(client)? {
            self.deliver(client)?;
        }
        match client {
            Client::Writer(index) => {
                if self.writer(index)?.is_explaining() {
                    self.hear_tail(index)?;
                }
                let now = self.now;
                self.writer(index)?.session.flush(now);
            }
            Client::Reader(index) => {
                // Who was told to wait does so until it is woken.
                while !self.reader(index)?.is_patient() {
                    self.consume(index, usize::MAX, false)?;
                    self.drive(client)?;
                }
            }
        }
        self.drive(client)
    }

    fn has_news(&mut self, client: Client) -> Verdict<bool> {
        let link = self.way(client)?.link;
        let link = link.and_then(|id| self.store.links.get(id));
        Ok(link.is_some_and(|link| link.has_news()))
    }

    /// The store does all that it was asked to.
    fn serve(&mut self) -> Verdict {
        for id in 0..self.store.links.len() {
            while self.link(id)?.has_request() {
                self.receive(id)?;
            }
        }
        while self.store.has_queue() {
            self.store.apply(&mut self.random);
        }
        self.sync();
        self.store.show(&mut self.random);
        for id in 0..self.store.links.len() {
            while self.store.can_answer(id) {
                self.store.answer(id, false);
            }
        }
        Ok(())
    }

    fn is_at_rest(&self) -> bool {
        let store = &self.store;
        let is_settled = |writer: &super::Writer| {
            writer.session.failure().is_some() || writer.session.unacked_bytes() == 0
        };
        if !store.is_quiet() || !self.writers.iter().all(is_settled) {
            return false;
        }
        self.readers.iter().all(|reader| reader.is_at_rest(store))
    }

    pub(super) fn check_end(&mut self) -> Verdict {
        for writer in &self.writers {
            writer.check_end(&self.store)?;
            self.trace.add(writer.session.durable());
            self.trace.add(writer.session.durable_offset());
        }
        for reader in &self.readers {
            reader.check_end(&self.store)?;
            self.trace.add(reader.session.position());
        }
        self.trace.add_bytes(&self.store.content);
        self.check_history()
    }

    /// Both checkers of linearizability; the general one for histories that are short enough for it.
    fn check_history(&self) -> Verdict {
        if self.store.has_lost() {
            return Ok(());
        }
        let mut start = 0;
        let mut entries = Vec::with_capacity(self.store.log.len());
        for (at, stored) in self.store.log.iter().enumerate() {
            if at == 0 && self.scene.before > 0 {
                start = stored.len;
                continue;
            }
            let writer = stored.writer.and_then(|index| self.writers.get(index));
            entries.push(Entry {
                offset: stored.offset,
                id: writer.map_or(other_id(stored), |writer| writer.entry_id(stored.number)),
                len: stored.len,
            });
        }
        let log = Log { start, entries };
        let operations = self.history.operations();
        tiling::check(operations, &log)?;
        match operations.len() <= search::MAX_OPERATIONS {
            true => search::check(operations, &log),
            false => Ok(()),
        }
    }
}

/// So many rounds are far more than any run needs.
const MAX_ROUNDS: usize = 300;
