//! The drivers' part: what the sessions give out is carried out.

use pravega_segment_session::{
    AppendEvent, AttachFailure, AttachFailureKind, Disconnect, ReadEvent,
};

use super::World;
use crate::{
    campaign::{Verdict, Violation},
    simulation::{
        client::{Client, Way},
        store::Link,
    },
};

impl World<'_> {
    /// Drains a session, in the documented order, and checks what must always hold.
    pub(in crate::simulation) fn drive(&mut self, client: Client) -> Verdict {
        match client {
            Client::Writer(index) => self.drive_writer(index),
            Client::Reader(index) => self.drive_reader(index),
        }
    }

    fn drive_writer(&mut self, index: usize) -> Verdict {
        while let Some(event) = self.writer(index)?.session.poll_event() {
            self.on_append_event(index, &event)?;
        }
        let Some(writer) = self.writers.get_mut(index) else {
            return Ok(());
        };
        while let Some(request) = writer.session.poll_transmit() {
            writer.note_sent(&request, &mut self.history)?;
            let link = writer.way.link.and_then(|id| self.store.links.get_mut(id));
            send(link, request)?;
        }
        writer.settle(&mut self.history)?;
        writer.check_counters()
    }

    fn drive_reader(&mut self, index: usize) -> Verdict {
        while let Some(event) = self.reader(index)?.session.poll_event() {
            self.on_read_event(index, &event)?;
        }
        let Some(reader) = self.readers.get_mut(index) else {
            return Ok(());
        };
        while let Some(request) = reader.session.poll_transmit() {
            reader.note_sent(&request)?;
            let link = reader.way.link.and_then(|id| self.store.links.get_mut(id));
            send(link, request)?;
        }
        reader.check(&self.store)
    }

    fn on_append_event(&mut self, index: usize, event: &AppendEvent) -> Verdict {
        match event {
            AppendEvent::NeedsAttachment { relocate, .. } => {
                want(&mut self.writer(index)?.way, *relocate)
            }
            AppendEvent::Detach { close } => {
                let writer = self.writer(index)?;
                writer.forget_link();
                let link = writer.way.link.take();
                writer.way.let_go = link.filter(|_| !close);
                self.leave(link);
                Ok(())
            }
            AppendEvent::Failed(failure) => {
                if failure.is_conflict() {
                    // The driver asks where the segment ends before it tells anybody.
                    self.ask_tail(index)?;
                }
                Ok(())
            }
            AppendEvent::Acked { .. } => {
                let flushed = self.writer(index)?.session.durable_offset();
                self.flushed = self.flushed.max(flushed);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_read_event(&mut self, index: usize, event: &ReadEvent) -> Verdict {
        match event {
            ReadEvent::NeedsAttachment { relocate, .. } => {
                want(&mut self.reader(index)?.way, *relocate)
            }
            ReadEvent::Detach => {
                let way = &mut self.reader(index)?.way;
                way.let_go = way.link.take();
                let link = way.let_go;
                self.leave(link);
                Ok(())
            }
            event => {
                let Some(reader) = self.readers.get_mut(index) else {
                    return Ok(());
                };
                reader.event(event, &self.store)
            }
        }
    }

    /// The client has let go of a connection. What it sent on it still arrives.
    pub(in crate::simulation) fn leave(&mut self, link: Option<usize>) {
        if let Some(link) = link.and_then(|id| self.store.links.get_mut(id)) {
            link.is_left = true;
        }
    }

    pub(in crate::simulation) fn way(&mut self, client: Client) -> Verdict<&mut Way> {
        Ok(match client {
            Client::Writer(index) => &mut self.writer(index)?.way,
            Client::Reader(index) => &mut self.reader(index)?.way,
        })
    }

    /// A client that wants a connection gets one: a new one, or the one it has just let go of.
    pub(in crate::simulation) fn attach(&mut self, client: Client, reuses: bool) -> Verdict {
        let owner = self.store.host;
        let way = self.way(client)?;
        if std::mem::take(&mut way.relocate) {
            way.host = owner;
            way.let_go = None;
        }
        let host = way.host;
        let again = way.let_go.take().filter(|_| reuses);
        let again = again.filter(|id| {
            let link = self.store.links.get(*id);
            link.is_some_and(|link| !link.is_closed && !link.is_held && link.host == host)
        });
        let link = match again {
            Some(link) => link,
            None => self.store.connect(client, host),
        };
        self.link(link)?.is_left = false;
        let (now, token) = (self.now, self.token.clone());
        match client {
            Client::Writer(index) => self.writer(index)?.attach(now, link, token),
            Client::Reader(index) => self.reader(index)?.attach(now, link, token),
        }
        self.drive(client)
    }

    /// The attempt to attach comes to nothing.
    pub(in crate::simulation) fn fail_attach(
        &mut self,
        client: Client,
        kind: AttachFailureKind,
    ) -> Verdict {
        self.way(client)?.is_wanted = false;
        let (now, failure) = (self.now, AttachFailure::new(kind));
        match client {
            Client::Writer(index) => self
                .writer(index)?
                .session
                .handle_attach_failed(now, &failure),
            Client::Reader(index) => self
                .reader(index)?
                .session
                .handle_attach_failed(now, &failure),
        }
        self.drive(client)
    }

    /// The client reads one reply on its connection, or learns that the store has closed it.
    pub(in crate::simulation) fn deliver(&mut self, client: Client) -> Verdict {
        let Some(id) = self.way(client)?.link else {
            return Ok(());
        };
        let Some(link) = self.store.links.get_mut(id).filter(|link| link.has_news()) else {
            return Ok(());
        };
        let reply = match client {
            Client::Writer(_) => link.to_client.pop_front(),
            // Replies to reads come in any order.
            Client::Reader(_) => {
                let at = self.random.below(link.to_client.len());
                link.to_client.swap_remove_back(at)
            }
        };
        match (client, reply) {
            (_, None) => self.lose(client, Disconnect::Lost)?,
            (Client::Writer(index), Some(reply)) => {
                if let Some(writer) = self.writers.get_mut(index) {
                    writer.reply(self.now, reply, &mut self.history)?;
                    if writer.way.link.is_none() {
                        self.leave(Some(id));
                    }
                }
            }
            (Client::Reader(index), Some(reply)) => {
                let now = self.now;
                if !self.reader(index)?.reply(now, reply)? {
                    self.leave(Some(id));
                }
            }
        }
        self.drive(client)
    }

    /// A reply comes late, on a connection that its client has let go of.
    pub(in crate::simulation) fn deliver_late(&mut self, id: usize) -> Verdict {
        let link = self.link(id)?;
        let client = link.client;
        let Some(reply) = link.to_client.pop_front() else {
            return Ok(());
        };
        self.count("late reply", client);
        let now = self.now;
        match client {
            Client::Writer(index) => {
                if let Some(writer) = self.writers.get_mut(index) {
                    writer.late_reply(now, reply, &mut self.history)?;
                }
            }
            Client::Reader(index) => {
                self.reader(index)?.reply(now, reply)?;
            }
        }
        self.drive(client)
    }

    /// The client learns that its connection is gone.
    pub(in crate::simulation) fn lose(&mut self, client: Client, why: Disconnect) -> Verdict {
        let link = self.way(client)?.link;
        self.leave(link);
        match client {
            Client::Writer(index) => match self.writers.get_mut(index) {
                Some(writer) => writer.lose(self.now, why, &mut self.history),
                None => Ok(()),
            },
            Client::Reader(index) => {
                let now = self.now;
                self.reader(index)?.lose(now, why);
                Ok(())
            }
        }
    }

    /// A writer's driver asks the store for its tail; the answer is on its way.
    pub(in crate::simulation) fn ask_tail(&mut self, index: usize) -> Verdict {
        let client = u32::try_from(index).unwrap_or(u32::MAX);
        let called = self.history.ask(client);
        let tail = self.store.told_tail();
        self.writer(index)?.tail = Some((called, tail));
        Ok(())
    }
}

/// Puts a request on its way.
fn send(link: Option<&mut Link>, request: pravega_wire_protocol::Request) -> Verdict {
    let Some(link) = link else {
        return Err(Violation::broken("a request goes out without a connection"));
    };
    if !link.is_closed {
        link.to_store.push_back(request);
    }
    Ok(())
}

/// The session wants a connection: one attempt at a time, and only when it has none.
fn want(way: &mut Way, relocate: bool) -> Verdict {
    if way.is_wanted || way.link.is_some() {
        return Err(Violation::broken("a second connection is asked for"));
    }
    way.is_wanted = true;
    way.relocate |= relocate;
    Ok(())
}
