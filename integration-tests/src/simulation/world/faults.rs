//! What may go wrong.

use std::sync::Arc;

use pravega_segment_session::{AttachFailureKind, Disconnect};
use pravega_wire_protocol::{Payload, Reply, SegmentRead};

use super::World;
use crate::{
    campaign::Verdict,
    simulation::{
        client::Client,
        store::{Link, Refusal, wide},
    },
};

/// What becomes of bytes that a lost connection had sent and the store had not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    NothingArrives,
    PartArrivesLate,
    AllArrivesLate,
}

impl Cut {
    pub(crate) const ALL: [Self; 3] = [
        Self::NothingArrives,
        Self::PartArrivesLate,
        Self::AllArrivesLate,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::NothingArrives => "cut, nothing arrives",
            Self::PartArrivesLate => "cut, part arrives late",
            Self::AllArrivesLate => "cut, all arrives late",
        }
    }
}

impl World<'_> {
    pub(super) fn fault(&mut self) -> Verdict {
        let client = self.any_client();
        if self.scene.lies && self.random.one_in(2) {
            return self.lie();
        }
        if self.scene.rules.loses_acked && self.random.one_in(4) {
            return self.crash(client);
        }
        match self.random.below(32) {
            0..=8 => {
                let cut = self.random.pick(&Cut::ALL).copied();
                self.cut(client, cut.unwrap_or(Cut::NothingArrives))
            }
            9 | 10 => self.close_by_store(client),
            11 | 12 => self.hold(client),
            13 | 14 => self.release_one(),
            15 | 16 => self.late_reply(),
            17..=19 => self.compete(client),
            20..=22 => {
                let refusal = self.random.pick(&Refusal::ALL).copied();
                let times = 1 + self.random.below(2);
                self.store.refusal = refusal.map(|refusal| (refusal, times));
                Ok(())
            }
            23 => self.crash(client),
            24 | 25 => self.relocate(client),
            26 => self.refuse_attach(client),
            27 => self.unload(client),
            28 => self.truncate(client),
            29 => self.seal(client),
            30 => self.tell_sealed(client),
            _ => self.delete(client),
        }
    }

    /// The client loses its connection. What it sent arrives later, in part, or not at all; what it was told
    /// and has not read is lost.
    pub(in crate::simulation) fn cut(&mut self, client: Client, cut: Cut) -> Verdict {
        let Some(id) = self.way(client)?.link else {
            return Ok(());
        };
        self.count(cut.name(), client);
        let random = &mut self.random;
        if let Some(link) = self.store.links.get_mut(id) {
            match cut {
                Cut::NothingArrives => link.close(),
                Cut::PartArrivesLate => {
                    let kept = random.below(link.to_store.len() + 1);
                    link.to_store.truncate(kept);
                }
                Cut::AllArrivesLate => {}
            }
        }
        let reasons = [
            Disconnect::Lost,
            Disconnect::Lost,
            Disconnect::Silent,
            Disconnect::Released,
            Disconnect::Violation,
        ];
        let why = self
            .random
            .pick(&reasons)
            .copied()
            .unwrap_or(Disconnect::Lost);
        self.lose(client, why)?;
        self.drive(client)
    }

    /// The store closes a connection without a word, as it does when a token runs out. The client learns of it
    /// when it has read what was said before.
    pub(in crate::simulation) fn close_by_store(&mut self, client: Client) -> Verdict {
        if let Some(id) = self.way(client)?.link {
            self.count("closed without a word", client);
            self.store.close(id);
        }
        Ok(())
    }

    /// Nothing moves on the client's connection. The client may notice the silence and give it up.
    fn hold(&mut self, client: Client) -> Verdict {
        let Some(id) = self.way(client)?.link else {
            return Ok(());
        };
        self.count("silent", client);
        self.link(id)?.is_held = true;
        if self.random.one_in(2) {
            self.lose(client, Disconnect::Silent)?;
        }
        self.drive(client)
    }

    fn release_one(&mut self) -> Verdict {
        if let Some(id) = self.any_link(|_, _, link| link.is_held) {
            let link = self.link(id)?;
            link.is_held = false;
            let client = link.client;
            self.count("goes on after silence", client);
        }
        Ok(())
    }

    fn late_reply(&mut self) -> Verdict {
        let is_late = |link: &Link| link.is_left && !link.is_held && !link.to_client.is_empty();
        match self.any_link(|_, _, link| is_late(link)) {
            Some(id) => self.deliver_late(id),
            None => Ok(()),
        }
    }

    /// Somebody else appends, as much as a writer would have.
    fn compete(&mut self, client: Client) -> Verdict {
        let len = self.scene.length(&mut self.random, 8);
        if self.append_other(len) {
            self.count("others append", client);
        }
        Ok(())
    }

    pub(in crate::simulation) fn crash(&mut self, client: Client) -> Verdict {
        if !self.store.is_down {
            let what = match self.store.has_unsynced() {
                true => "store crashes, some unsynced",
                false => "store crashes",
            };
            self.count(what, client);
            let had_lost = self.store.has_lost();
            self.store.crash(&mut self.random);
            if self.store.has_lost() && !had_lost {
                self.count("store loses what was acked", client);
                for client in self.clients() {
                    self.way(client)?.is_bereft = true;
                }
            }
            self.forget_lost_others();
        }
        Ok(())
    }

    pub(in crate::simulation) fn relocate(&mut self, client: Client) -> Verdict {
        if !self.store.is_down {
            self.count("segment moves", client);
            self.store.relocate(&mut self.random);
            self.forget_lost_others();
        }
        Ok(())
    }

    /// What was lost unsynced keeps the answer that it never got.
    fn forget_lost_others(&mut self) {
        let left = self.store.log.len();
        self.others.retain(|(_, at)| *at < left);
        self.sync();
    }

    fn refuse_attach(&mut self, client: Client) -> Verdict {
        if !self.way(client)?.is_wanted {
            return Ok(());
        }
        self.count("attempt to attach fails", client);
        self.fail_attach(client, AttachFailureKind::Unreachable)
    }

    fn unload(&mut self, client: Client) -> Verdict {
        if self.store.links.iter().any(|link| link.parked() > 0) {
            self.count("waiting reads answered empty", client);
            self.store.unload();
        }
        Ok(())
    }

    pub(in crate::simulation) fn truncate(&mut self, client: Client) -> Verdict {
        let before = self.store.head();
        let near = match client {
            Client::Reader(index) => self.reader(index)?.session.position(),
            Client::Writer(_) => 0,
        };
        self.store.truncate(near + wide(self.random.below(20)));
        if self.store.head() > before {
            self.count("truncated", client);
        }
        Ok(())
    }

    pub(in crate::simulation) fn seal(&mut self, client: Client) -> Verdict {
        if self.random.one_in(2) && !self.store.is_sealed() {
            self.count("sealed", client);
            self.store.seal(&mut self.random);
        }
        Ok(())
    }

    /// A writer learns of the seal by another way than its appends.
    fn tell_sealed(&mut self, client: Client) -> Verdict {
        if let Client::Writer(index) = client
            && self.store.is_sealed()
        {
            self.count("told of the seal", client);
            let now = self.now;
            self.writer(index)?.session.note_sealed(now);
            self.drive(client)?;
        }
        Ok(())
    }

    /// Seldom, because little can happen afterwards.
    fn delete(&mut self, client: Client) -> Verdict {
        if self.random.one_in(8) && !self.store.is_deleted() {
            self.count("deleted", client);
            self.store.delete(&mut self.random);
            self.sync();
        }
        Ok(())
    }

    /// A reader is told what no store tells: a reply to nothing, at another place, or about something else.
    fn lie(&mut self) -> Verdict {
        let is_answered = |link: &Link| {
            !link.is_left && matches!(link.to_client.back(), Some(Reply::SegmentRead(_)))
        };
        let Some(id) = self.any_link(|_, _, link| is_answered(link)) else {
            return Ok(());
        };
        let link = self.store.links.get(id);
        let Some(link) = link.filter(|link| is_answered(link)) else {
            return Ok(());
        };
        let client = link.client;
        let (Client::Reader(index), Some(Reply::SegmentRead(read))) =
            (client, link.to_client.back())
        else {
            return Ok(());
        };
        let reply: Reply = match self.random.below(3) {
            0 => read.clone().into(),
            1 => shifted(read, &self.store.content).into(),
            _ => renamed(read).into(),
        };
        self.count("a lie", client);
        let now = self.now;
        let reader = self.reader(index)?;
        reader.is_lied_to = true;
        if !reader.reply(now, reply)? {
            self.leave(Some(id));
        }
        self.drive(client)
    }
}

/// What would be the right answer one byte further on.
fn shifted(read: &SegmentRead, content: &[u8]) -> SegmentRead {
    let offset = read.offset.saturating_add(1);
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let bytes = content.get(start..).unwrap_or_default();
    let bytes = bytes.get(..read.data.len()).unwrap_or(bytes);
    SegmentRead {
        offset,
        data: bytes.to_vec().into(),
        ..read.clone()
    }
}

fn renamed(read: &SegmentRead) -> SegmentRead {
    SegmentRead {
        segment: Arc::from("scope/other/0.#epoch.0"),
        data: Payload::new(),
        ..read.clone()
    }
}
