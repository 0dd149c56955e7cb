//! Writers, readers, connections and faults around a model store, driven by a seed, with the checks that must
//! hold after every step and at the end.

mod drive;
mod faults;
mod finish;
mod steps;

use std::{sync::Arc, time::Instant};

use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::Request;

pub(super) use self::faults::Cut;
use super::{
    append::Writer,
    client::{Client, EPOCH},
    read::{self, Reader},
    scene::Scene,
    store::{Link, Refusal, Store, Stored},
};
use crate::{
    Random, Trace,
    campaign::{Tally, Verdict, Violation},
    history::{History, Outcome, Pending},
};

/// A run.
pub(super) struct World<'a> {
    pub(super) scene: Scene,
    pub(super) random: Random,
    pub(super) store: Store,
    pub(super) writers: Vec<Writer>,
    pub(super) readers: Vec<Reader>,
    pub(super) history: History,
    /// Appends of others, each with its place in the log, while they are not durable.
    others: Vec<(Pending, usize)>,
    segment: Arc<str>,
    token: DelegationToken,
    now: Instant,
    trace: Trace,
    tally: &'a mut Tally,
    /// Bytes in front of this were flushed by some writer.
    flushed: u64,
}

impl<'a> World<'a> {
    pub(super) fn new(scene: Scene, mut random: Random, tally: &'a mut Tally) -> Self {
        let segment: Arc<str> = Arc::from(SEGMENT);
        let mut store = Store::new(scene.rules, Arc::clone(&segment));
        if scene.before > 0 {
            store.append_other(scene.before);
            store.sync(&mut random);
            store.show(&mut random);
        }
        let mut world = Self {
            scene,
            random,
            store,
            writers: Vec::with_capacity(scene.writers),
            readers: Vec::with_capacity(scene.readers + 1),
            history: History::new(),
            others: Vec::new(),
            segment,
            token: DelegationToken::new("token"),
            now: *EPOCH,
            trace: Trace::new(),
            tally,
            flushed: 0,
        };
        for index in 0..scene.writers {
            let options = scene.options(&mut world.random);
            let mut writer = Writer::new(index, &world.segment, options);
            // A new session has nothing unflushed, so it can be moved.
            writer.session.resync(world.store.tail()).ok();
            world.writers.push(writer);
        }
        for _ in 0..scene.readers {
            world.add_reader();
        }
        world
    }

    /// One more reader, from now on.
    pub(super) fn add_reader(&mut self) {
        let mut options = read::options(&mut self.random, self.scene.before);
        if self
            .scene
            .start
            .is_some_and(|start| start.reads_from_start())
        {
            options = options.with_offset(0).with_until(None);
        }
        let mut reader = Reader::new(&self.segment, options);
        reader.flushed = self.flushed;
        self.readers.push(reader);
    }

    /// What time it is.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Makes the run: to its start, through its steps, to its end. The hash of its trace.
    pub(super) fn run(mut self) -> Verdict<u64> {
        if let Some(start) = self.scene.start {
            start.set_up(&mut self)?;
            self.tally.count("start", start.name());
        }
        for _ in 0..self.scene.steps {
            self.step()?;
        }
        self.finish()?;
        self.check_end()?;
        Ok(self.trace.value())
    }

    pub(super) fn writer(&mut self, index: usize) -> Verdict<&mut Writer> {
        let writer = self.writers.get_mut(index);
        writer.ok_or_else(|| Violation::broken("no such writer"))
    }

    pub(super) fn reader(&mut self, index: usize) -> Verdict<&mut Reader> {
        let reader = self.readers.get_mut(index);
        reader.ok_or_else(|| Violation::broken("no such reader"))
    }

    pub(super) fn link(&mut self, id: usize) -> Verdict<&mut Link> {
        let link = self.store.links.get_mut(id);
        link.ok_or_else(|| Violation::broken("no such connection"))
    }

    /// What a client is about.
    pub(super) fn state(&self, client: Client) -> &'static str {
        match client {
            Client::Writer(index) => self.writers.get(index).map(Writer::state),
            Client::Reader(index) => {
                let reader = self.readers.get(index);
                reader.map(|reader| reader.state(&self.store))
            }
        }
        .unwrap_or("nobody")
    }

    /// A fault took effect on a client.
    pub(super) fn count(&mut self, fault: &'static str, client: Client) {
        let state = self.state(client);
        self.tally.count(fault, state);
    }

    /// All clients.
    pub(super) fn clients(&self) -> impl Iterator<Item = Client> + use<> {
        let writers = (0..self.writers.len()).map(Client::Writer);
        writers.chain((0..self.readers.len()).map(Client::Reader))
    }

    /// One of the clients.
    pub(super) fn any_client(&mut self) -> Client {
        let at = self.random.below(self.writers.len() + self.readers.len());
        match at.checked_sub(self.writers.len()) {
            None => Client::Writer(at),
            Some(reader) => Client::Reader(reader),
        }
    }

    /// One of the connections for which `is_fit` holds.
    pub(super) fn any_link(
        &mut self,
        is_fit: impl Fn(&Store, usize, &Link) -> bool,
    ) -> Option<usize> {
        let store = &self.store;
        let fit = |(id, link): (usize, &Link)| is_fit(store, id, link).then_some(id);
        let count = store.links.iter().enumerate().filter_map(fit).count();
        if count == 0 {
            return None;
        }
        let which = self.random.below(count);
        store.links.iter().enumerate().filter_map(fit).nth(which)
    }

    /// The store takes in the next request of a connection.
    pub(super) fn receive(&mut self, id: usize) -> Verdict {
        let link = self.link(id)?;
        let client = link.client;
        let is_copy = link.is_left
            && matches!(
                link.to_store.front(),
                Some(Request::ConditionalBlockEnd(_) | Request::AppendBlockEnd(_))
            );
        if is_copy {
            self.count("late copy arrives", client);
        }
        if let Some(refusal) = self.store.receive(id, &mut self.random) {
            self.count(refusal.name(), client);
            let way = self.way(client)?;
            way.troubles += 1;
            way.forbidden += usize::from(refusal == Refusal::Forbidden);
        }
        Ok(())
    }

    /// Everything that was applied becomes durable.
    pub(super) fn sync(&mut self) {
        self.store.sync(&mut self.random);
        let synced = self.store.synced();
        let history = &mut self.history;
        self.others.retain(|(called, at)| {
            let is_open = *at >= synced;
            if !is_open {
                history.finish(*called, Outcome::Stored { offset: None });
            }
            is_open
        });
    }

    /// Somebody else appends.
    pub(super) fn append_other(&mut self, len: usize) -> bool {
        let Some(entry) = self.store.append_other(len) else {
            return false;
        };
        let called = self
            .history
            .append(OTHERS, other_id(&entry), entry.len, None);
        self.others.push((called, self.store.log.len() - 1));
        true
    }
}

/// What bytes of others are called in the history.
pub(super) fn other_id(entry: &Stored) -> u64 {
    u64::try_from(entry.number).unwrap_or_default()
}

/// All others together are one client in the history.
const OTHERS: u32 = 1_000;
const SEGMENT: &str = "scope/stream/0.#epoch.0";
