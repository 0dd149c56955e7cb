//! A model of one segment in a real segment store, and of the connections to it.
//!
//! It follows what real stores were seen to do, not what would be convenient: a number is compared before an
//! offset; a failed condition falls back to the last acknowledged number only when nothing else of the writer
//! is in flight; a number that goes back closes the connection without a word; a connection that the client
//! has given up goes on being served; reads wait at the tail without limit; replies are short, and sometimes
//! empty.
//!
//! What a request does is spread over steps, and the world chooses their order:
//!
//! ```text
//!            receive            apply               sync              answer
//!  on a link ───────► queue ────────────► log ────────────► durable ─────────► reply on the link
//!                     one after another    lost in a crash    shown to readers, perhaps later
//! ```
//!
//! The answer to an append, also a failed condition, is given when everything that it was decided by is
//! durable.

pub(super) mod append;
mod link;
mod outage;
mod read;
mod replies;

use std::{collections::VecDeque, sync::Arc};

use pravega_client_shared::planted::{self, Bug};
use pravega_wire_protocol::{NO_EVENT_NUMBER, Request};

use self::append::Append;
pub(super) use self::{link::Link, replies::Refusal};
use crate::{Random, simulation::Client};

/// In what stores differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A new setup takes away the right of older connections to append for the writer. The embedded server
    /// does that, the real store does not.
    pub(crate) fences: bool,
    /// Bytes can be read only some time after their ack, as at the real store.
    pub(crate) shows_late: bool,
    /// The tail in an answer counts bytes that are not yet durable. No store may do that.
    pub(crate) tells_tail_early: bool,
    /// A crash may take what is durable. No store may do that; clients must notice it.
    pub(crate) loses_acked: bool,
}

/// An append that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Which writer's connection it came on; none for bytes of others.
    pub(crate) writer: Option<usize>,
    /// Its event number; of bytes of others, how many there were before.
    pub(crate) number: i64,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

#[derive(Debug, Clone, Copy)]
struct Numbers {
    writer: u128,
    /// With everything in the log.
    applied: i64,
    /// With what is durable.
    synced: i64,
}

/// One segment, its writers' numbers, and everything on the way to and from it.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) rules: Rules,
    pub(crate) links: Vec<Link>,
    /// Where the segment is: at one of two hosts.
    pub(crate) host: usize,
    /// Nobody answers at either host.
    pub(crate) is_down: bool,
    /// The next setups or reads are refused so often.
    pub(crate) refusal: Option<(Refusal, usize)>,
    pub(crate) content: Vec<u8>,
    pub(crate) log: Vec<Stored>,
    /// So many entries of the log are durable, and so many bytes.
    synced: usize,
    synced_tail: u64,
    /// Readers see the bytes before this.
    shown: u64,
    head: u64,
    sealed: bool,
    seal_synced: bool,
    deleted: bool,
    has_lost: bool,
    others: i64,
    numbers: Vec<Numbers>,
    /// The last link on which each writer was set up.
    owners: Vec<(u128, usize)>,
    queue: VecDeque<Append>,
    setups: u32,
    segment: Arc<str>,
}

impl Store {
    pub(crate) fn new(rules: Rules, segment: Arc<str>) -> Self {
        Self {
            rules,
            links: Vec::new(),
            host: 0,
            is_down: false,
            refusal: None,
            content: Vec::new(),
            log: Vec::new(),
            synced: 0,
            synced_tail: 0,
            shown: 0,
            head: 0,
            sealed: false,
            seal_synced: false,
            deleted: false,
            has_lost: false,
            others: 0,
            numbers: Vec::new(),
            owners: Vec::new(),
            queue: VecDeque::new(),
            setups: 0,
            segment,
        }
    }

    /// A client connects to one of the hosts.
    pub(crate) fn connect(&mut self, client: Client, host: usize) -> usize {
        self.links.push(Link::new(client, host));
        self.links.len() - 1
    }

    /// Where the next append begins.
    pub(crate) fn tail(&self) -> u64 {
        wide(self.content.len())
    }

    /// The tail that the store answers with.
    pub(crate) fn told_tail(&self) -> u64 {
        if self.rules.tells_tail_early || planted::is_on(Bug::TailShownBeforeSync) {
            return self.tail();
        }
        self.synced_tail
    }

    /// Readers see the bytes before this.
    pub(crate) fn shown(&self) -> u64 {
        if planted::is_on(Bug::TailShownBeforeSync) {
            return self.tail();
        }
        self.shown
    }

    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// How many entries of the log are durable.
    pub(crate) fn synced(&self) -> usize {
        self.synced
    }

    /// Sealed for good.
    pub(crate) fn is_sealed(&self) -> bool {
        self.seal_synced
    }

    /// Something durable is gone.
    pub(crate) fn has_lost(&self) -> bool {
        self.has_lost
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Nothing is on its way to or inside the store.
    pub(crate) fn is_quiet(&self) -> bool {
        let at_rest =
            |link: &Link| link.is_closed || (link.to_store.is_empty() && link.outcomes.is_empty());
        self.queue.is_empty() && self.synced == self.log.len() && self.links.iter().all(at_rest)
    }

    /// Something waits to be applied.
    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Something in the log, or the seal, is not yet durable.
    pub(crate) fn has_unsynced(&self) -> bool {
        self.synced < self.log.len() || self.sealed != self.seal_synced
    }

    /// Bytes of somebody else, or none to a segment that takes no more. The number of the entry.
    pub(crate) fn append_other(&mut self, len: usize) -> Option<Stored> {
        if self.sealed || self.deleted || len == 0 {
            return None;
        }
        let entry = Stored {
            writer: None,
            number: self.others,
            offset: self.tail(),
            len: wide(len),
        };
        self.others += 1;
        self.log.push(entry);
        self.content.extend(noise(entry.offset).take(len));
        Some(entry)
    }

    /// Everything in the log becomes durable.
    pub(crate) fn sync(&mut self, random: &mut Random) {
        self.synced = self.log.len();
        self.synced_tail = self.tail();
        for numbers in &mut self.numbers {
            numbers.synced = numbers.applied;
        }
        self.seal_synced = self.sealed;
        if !self.rules.shows_late || self.sealed {
            self.shown = self.synced_tail;
        }
        self.wake(random);
    }

    /// Readers see everything that is durable.
    pub(crate) fn show(&mut self, random: &mut Random) {
        self.shown = self.synced_tail;
        self.wake(random);
    }

    /// Nothing more is appended. It becomes durable with the next sync.
    pub(crate) fn seal(&mut self, random: &mut Random) {
        self.sealed = true;
        if planted::is_on(Bug::SealedToldEarly) {
            self.tell_end(random);
        }
    }

    pub(crate) fn truncate(&mut self, head: u64) {
        self.head = head.clamp(self.head, self.shown.max(self.head));
    }

    pub(crate) fn delete(&mut self, random: &mut Random) {
        self.sync(random);
        self.deleted = true;
        self.wake(random);
    }

    fn numbers(&self, writer: u128) -> (i64, i64) {
        let known = self.numbers.iter().find(|known| known.writer == writer);
        known.map_or((NO_EVENT_NUMBER, NO_EVENT_NUMBER), |known| {
            (known.applied, known.synced)
        })
    }

    fn set_applied(&mut self, writer: u128, applied: i64) {
        let known = self.numbers.iter_mut().find(|known| known.writer == writer);
        match known {
            Some(known) => known.applied = applied,
            None => self.numbers.push(Numbers {
                writer,
                applied,
                synced: NO_EVENT_NUMBER,
            }),
        }
    }

    /// A connection takes in its next request. Tells of a refusal that took effect.
    pub(crate) fn receive(&mut self, id: usize, random: &mut Random) -> Option<Refusal> {
        let link = self.links.get_mut(id)?;
        let is_elsewhere = link.host != self.host;
        match link.to_store.pop_front()? {
            Request::SetupAppend(setup) => self.set_up(id, &setup, is_elsewhere),
            Request::ConditionalBlockEnd(block) => {
                self.begin(Append {
                    link: id,
                    generation: 0,
                    writer: block.writer_id.as_u128(),
                    number: block.event_number,
                    previous: 0,
                    expected: Some(block.expected_offset),
                    data: block.data,
                    request_id: block.request_id,
                });
                None
            }
            Request::AppendBlockEnd(block) => {
                self.begin(Append {
                    link: id,
                    generation: 0,
                    writer: block.writer_id.as_u128(),
                    number: block.last_event_number,
                    previous: 0,
                    expected: None,
                    data: block.data,
                    request_id: block.request_id,
                });
                None
            }
            Request::ReadSegment(read) => self.read(id, read, is_elsewhere, random),
            Request::GetStreamSegmentInfo(question) => {
                self.info(id, &question, is_elsewhere);
                None
            }
            // No session sends anything else; a connection that got it would be closed.
            _ => {
                self.close(id);
                None
            }
        }
    }

    pub(crate) fn close(&mut self, id: usize) {
        if let Some(link) = self.links.get_mut(id) {
            link.close();
        }
    }

    /// The refusal that meets the next request, if there is one.
    fn take_refusal(&mut self) -> Option<Refusal> {
        let (refusal, times) = self.refusal?;
        self.refusal = times
            .checked_sub(1)
            .filter(|left| *left > 0)
            .map(|left| (refusal, left));
        Some(refusal)
    }
}

/// Bytes of others: noise, so that bytes from another place are noticed.
fn noise(offset: u64) -> impl Iterator<Item = u8> {
    (offset..).map(|at| {
        let [byte, ..] = at.wrapping_mul(0x94d0_49bb_1331_11eb).to_be_bytes();
        byte
    })
}

/// The id of a writer on the wire.
pub(super) fn writer_id(index: usize) -> u128 {
    u128::try_from(index).unwrap_or(u128::MAX).saturating_add(1)
}

pub(super) fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

pub(super) fn narrow(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
