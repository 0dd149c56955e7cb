//! What may happen next.

use pravega_segment_session::{AttachFailureKind, WriteMode};

use super::World;
use crate::{
    campaign::Verdict,
    simulation::{
        client::Client,
        read::Got,
        store::{Link, Store, wide},
    },
};

impl World<'_> {
    pub(super) fn step(&mut self) -> Verdict {
        let what = if self.random.one_in(self.scene.fault_every) {
            self.fault()?;
            FAULT
        } else {
            self.ordinary()?
        };
        self.trace.add(what);
        let store = &self.store;
        self.trace
            .add(store.tail() << 32 | wide(store.synced()) << 16 | wide(store.links.len()));
        Ok(())
    }

    fn ordinary(&mut self) -> Verdict<u64> {
        let kind = self.random.below(24);
        match kind {
            0..=9 => {
                let client = self.any_client();
                self.advance(client)?;
            }
            10..=12 => {
                let client = self.any_client();
                self.call(client)?;
                self.drive(client)?;
            }
            13 => {
                let client = self.any_client();
                self.pass_time(client)?;
            }
            14 => {
                let client = self.any_client();
                self.connect(client)?;
            }
            15 | 16 => {
                if let Some(id) = self.any_link(|_, _, link| link.has_request()) {
                    self.receive(id)?;
                }
            }
            17 => self.store.apply(&mut self.random),
            18 => self.sync(),
            19 => self.store.show(&mut self.random),
            20 => self.answer_one(),
            21 | 22 => {
                let client = self.any_client();
                self.deliver(client)?;
            }
            _ if self.random.one_in(8) => self.open_late(),
            _ => self.serve_all()?,
        }
        Ok(wide(kind))
    }

    /// A reader is made when something has been flushed, which it has to see.
    fn open_late(&mut self) {
        if self.flushed > 0
            && self.readers.len() < MAX_READERS
            && !self.scene.rules.tells_tail_early
        {
            self.add_reader();
        }
    }

    /// The next thing happens that a client waits for.
    fn advance(&mut self, client: Client) -> Verdict {
        let Some(id) = self.way(client)?.link else {
            let has_use = self.way(client)?.is_wanted;
            self.connect(client)?;
            if !has_use {
                self.call(client)?;
                self.drive(client)?;
            }
            return Ok(());
        };
        let Some(link) = self.store.links.get(id) else {
            return Ok(());
        };
        let (has_news, has_request) = (link.has_news(), link.has_request());
        if has_news {
            self.deliver(client)
        } else if has_request {
            self.receive(id)
        } else if self.store.can_answer(id) {
            self.store.answer(id, false);
            self.deliver(client)
        } else if link_waits(&self.store, id) {
            self.store.apply(&mut self.random);
            self.sync();
            Ok(())
        } else {
            self.call(client)?;
            self.drive(client)
        }
    }

    /// A user does something.
    pub(in crate::simulation) fn call(&mut self, client: Client) -> Verdict {
        match client {
            Client::Writer(index) => self.call_writer(index),
            Client::Reader(index) => self.call_reader(index),
        }
    }

    fn call_writer(&mut self, index: usize) -> Verdict {
        let (kind, now) = (self.random.below(8), self.now);
        if kind == 7 {
            self.writer(index)?.session.flush(now);
            return Ok(());
        }
        let Some(writer) = self.writers.get(index) else {
            return Ok(());
        };
        if writer.tail.is_some() && (kind < 3 || writer.is_explaining()) {
            return self.hear_tail(index);
        }
        let is_stuck = writer.session.failure().is_some();
        if (is_stuck || kind == 6) && writer.tail.is_none() {
            return self.ask_tail(index);
        }
        let longest = writer.session.options().max_block_bytes;
        let len = self.scene.length(&mut self.random, longest);
        let flushes = self.random.one_in(3);
        let writer = self.writer(index)?;
        writer.submit(now, len)?;
        if flushes {
            writer.session.flush(now);
        }
        Ok(())
    }

    /// The answer to the question for the tail arrives; a conflict is explained by it, and may be ended.
    pub(in crate::simulation) fn hear_tail(&mut self, index: usize) -> Verdict {
        let ends = self.random.one_in(2);
        let Some(writer) = self.writers.get_mut(index) else {
            return Ok(());
        };
        let Some((called, tail)) = writer.tail.take() else {
            return Ok(());
        };
        if !self.scene.rules.tells_tail_early {
            self.history.tail(called, tail);
        }
        writer.session.note_tail(tail);
        writer.is_explained = true;
        writer.settle(&mut self.history)?;
        let in_conflict = writer.session.failure().is_some_and(|it| it.is_conflict());
        let moves = writer.session.failure().is_none() && writer.session.unacked_bytes() == 0;
        if ends && (in_conflict || (moves && writer.mode == WriteMode::Exclusive)) {
            writer.resync(tail, &mut self.history)?;
        }
        Ok(())
    }

    fn call_reader(&mut self, index: usize) -> Verdict {
        // Who was told to wait does so, unless a read is given up and made again.
        if self.reader(index)?.is_patient() && !self.random.one_in(6) {
            return Ok(());
        }
        if self.random.one_in(12) {
            return self.seek(index);
        }
        let max = match self.random.below(3) {
            0 => 1 + self.random.below(4),
            1 => 1 + self.random.below(40),
            _ => usize::MAX,
        };
        let peeks = self.random.one_in(4);
        self.consume(index, max, peeks)?;
        Ok(())
    }

    /// A reader asks for bytes.
    pub(in crate::simulation) fn consume(
        &mut self,
        index: usize,
        max: usize,
        peeks: bool,
    ) -> Verdict<Got> {
        let Some(reader) = self.readers.get_mut(index) else {
            return Ok(Got::Over);
        };
        let got = reader.consume(max, peeks, &self.store)?;
        if let Got::Bytes(end) = got {
            let client = u32::try_from(index).unwrap_or_default() + READERS;
            let called = self.history.ask(client);
            self.history.read(called, end);
            self.trace.add(end);
        }
        Ok(got)
    }

    fn seek(&mut self, index: usize) -> Verdict {
        let tail = usize::try_from(self.store.tail()).unwrap_or_default();
        let place = usize::try_from(self.reader(index)?.session.position()).unwrap_or_default();
        let target = match self.random.below(4) {
            0 => self.random.below(tail + 30),
            1 => usize::try_from(self.store.head()).unwrap_or_default(),
            _ => place.saturating_sub(12) + self.random.below(24),
        };
        self.reader(index)?.seek(wide(target))
    }

    /// Time goes on to the client's deadline.
    pub(in crate::simulation) fn pass_time(&mut self, client: Client) -> Verdict {
        let until = match client {
            Client::Writer(index) => self.writer(index)?.session.poll_timeout(),
            Client::Reader(index) => self.reader(index)?.session.poll_timeout(),
        };
        self.now = self.now.max(until.unwrap_or(self.now));
        let now = self.now;
        match client {
            Client::Writer(index) => self.writer(index)?.session.handle_timeout(now),
            Client::Reader(index) => self.reader(index)?.session.handle_timeout(now),
        }
        self.drive(client)
    }

    /// A client that has no connection comes one step nearer to one: its pause passes, its attempt succeeds or
    /// fails, or the store comes up again.
    fn connect(&mut self, client: Client) -> Verdict {
        let way = self.way(client)?;
        if way.link.is_some() {
            return Ok(());
        }
        if !way.is_wanted {
            return self.pass_time(client);
        }
        if self.store.is_down {
            self.count("unreachable, store is down", client);
            self.store.is_down = self.random.one_in(2);
            return self.fail_attach(client, AttachFailureKind::Unreachable);
        }
        let reuses = self.random.one_in(2);
        self.attach(client, reuses)
    }

    fn answer_one(&mut self) {
        let skips = self.random.one_in(4);
        if let Some(id) = self.any_link(|store, id, _| store.can_answer(id)) {
            self.store.answer(id, skips);
        }
    }

    /// The store does all that it can with what it has.
    fn serve_all(&mut self) -> Verdict {
        while self.store.has_queue() {
            self.store.apply(&mut self.random);
        }
        self.sync();
        for id in 0..self.store.links.len() {
            while self.store.can_answer(id) {
                self.store.answer(id, false);
            }
        }
        Ok(())
    }
}

/// Something that came on the connection is inside the store.
fn link_waits(store: &Store, id: usize) -> bool {
    store.has_queue() || store.links.get(id).is_some_and(Link::has_outcome)
}

/// So many readers are enough.
const MAX_READERS: usize = 3;
/// What a fault is in the trace.
const FAULT: u64 = 100;
/// The first of the readers in the history.
const READERS: u32 = 2_000;
