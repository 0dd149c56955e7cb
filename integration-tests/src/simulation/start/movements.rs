//! The movements of which starts are made.

use super::LEN;
use crate::{
    campaign::Verdict,
    simulation::{
        client::Client,
        scene::Lengths,
        store::wide,
        world::{Cut, World},
    },
};

/// The movements of which starts are made, of the first writer and the first reader.
impl World<'_> {
    /// A length that every writer takes.
    pub(super) fn len(&self) -> usize {
        match self.scene.lengths {
            Lengths::Equal(len) => len,
            Lengths::Mixed(_) | Lengths::Limits => LEN,
        }
    }

    /// The writer believes that the segment ends somewhere else than it does.
    pub(super) fn start_beside(&mut self, above: usize, below: usize) -> Verdict {
        let tail = self.store.tail() + wide(above);
        let offset = tail.saturating_sub(wide(below));
        // A new session can always be told where to start.
        self.writer(0)?.session.start_at(offset).ok();
        Ok(())
    }

    pub(super) fn submits(&mut self) -> Verdict {
        let len = self.len();
        self.submits_as(0, len)
    }

    pub(super) fn submits_as(&mut self, index: usize, len: usize) -> Verdict {
        let now = self.now();
        let writer = self.writer(index)?;
        writer.submit(now, len)?;
        writer.session.flush(now);
        self.drive(Client::Writer(index))
    }

    /// The client's pause is over, and it wants a connection.
    pub(super) fn wants(&mut self) -> Verdict {
        self.pass_time(WRITER)
    }

    /// The writer submits, is set up, and its block is on its way.
    pub(super) fn sends(&mut self) -> Verdict {
        self.sends_as(0)
    }

    pub(super) fn sends_as(&mut self, index: usize) -> Verdict {
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
    pub(super) fn comes_back(&mut self) -> Verdict {
        self.wants()?;
        self.attach(WRITER, false)?;
        self.arrives()?;
        self.deliver(WRITER)
    }

    pub(super) fn arrives(&mut self) -> Verdict {
        self.arrives_from(WRITER)
    }

    pub(super) fn arrives_from(&mut self, client: Client) -> Verdict {
        if let Some(link) = self.way(client)?.link {
            while self.link(link)?.has_request() {
                self.receive(link)?;
            }
        }
        Ok(())
    }

    pub(super) fn is_applied(&mut self) -> Verdict {
        self.sends()?;
        self.arrives()?;
        while self.store.has_queue() {
            self.store.apply(&mut self.random);
        }
        Ok(())
    }

    pub(super) fn is_stored(&mut self) -> Verdict {
        self.is_applied()?;
        self.sync();
        Ok(())
    }

    pub(super) fn is_answered(&mut self) -> Verdict {
        if let Some(link) = self.writer(0)?.way.link {
            self.store.answer(link, false);
        }
        Ok(())
    }

    /// The reader reads all there is, and waits at the tail.
    pub(super) fn parks(&mut self) -> Verdict {
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
    pub(super) fn reads_ahead(&mut self) -> Verdict {
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

    /// Of several reads that are out, the first is answered, and the answer lost; the others are told that what
    /// they want, and what the first wants, was truncated away.
    pub(super) fn is_truncated_under(&mut self) -> Verdict {
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

pub(super) const WRITER: Client = Client::Writer(0);
pub(super) const READER: Client = Client::Reader(0);
/// So many replies bring a reader to the tail, or near to it.
const ROUNDS_TO_TAIL: usize = 8;
