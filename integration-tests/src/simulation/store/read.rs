//! The reading side of the store.

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::planted::{self, Bug};
use pravega_wire_protocol::{
    GetStreamSegmentInfo, Payload, ReadSegment, Reply, SegmentRead, StreamSegmentInfo,
};

use super::{Refusal, Store, narrow, replies, wide};
use crate::Random;

/// What the store does about a read.
enum Answer {
    Reply(Reply),
    /// It says nothing for now.
    Waits,
    /// It closes the connection without a word.
    Close,
}

impl Store {
    pub(super) fn read(
        &mut self,
        id: usize,
        read: ReadSegment,
        is_elsewhere: bool,
        random: &mut Random,
    ) -> Option<Refusal> {
        let refusal = self.take_refusal();
        let answer = if let Some(refusal) = refusal {
            // The token of a read is refused with its offset in the place of the id.
            let is_token = matches!(refusal, Refusal::Expired | Refusal::Forbidden);
            let as_offset = is_token && !random.one_in(3);
            let request_id = if as_offset {
                read.offset
            } else {
                read.request_id
            };
            match refusal.reply(request_id, &read.segment) {
                Some(reply) => Answer::Reply(reply),
                None => Answer::Close,
            }
        } else if is_elsewhere {
            Answer::Reply(replies::wrong_host(read.request_id, &read.segment))
        } else {
            self.bytes(&read, random)
        };
        let link = self.links.get_mut(id)?;
        match answer {
            Answer::Reply(reply) => link.to_client.push_back(reply),
            Answer::Waits => link.parked.push(read),
            Answer::Close => link.close(),
        }
        refusal
    }

    pub(super) fn info(&mut self, id: usize, question: &GetStreamSegmentInfo, is_elsewhere: bool) {
        let request_id = question.request_id;
        let reply = if is_elsewhere {
            replies::wrong_host(request_id, &question.segment)
        } else if self.deleted {
            replies::missing(request_id, &question.segment, -1)
        } else {
            StreamSegmentInfo {
                request_id,
                segment: Arc::clone(&question.segment),
                exists: true,
                is_sealed: self.seal_synced,
                is_deleted: false,
                last_modified: 0,
                write_offset: i64::try_from(self.told_tail()).unwrap_or(i64::MAX),
                start_offset: i64::try_from(self.head).unwrap_or(i64::MAX),
            }
            .into()
        };
        if let Some(link) = self.links.get_mut(id) {
            link.to_client.push_back(reply);
        }
    }

    /// Lets go of the segment, as a store does before it moves: reads that wait are answered empty.
    pub(crate) fn unload(&mut self) {
        for link in &mut self.links {
            let replies = link.parked.drain(..).map(|read| replies::empty(&read));
            link.to_client.extend(replies);
        }
    }

    /// Answers the reads that need not wait any longer.
    pub(super) fn wake(&mut self, random: &mut Random) {
        for id in 0..self.links.len() {
            let Some(link) = self
                .links
                .get_mut(id)
                .filter(|link| !link.parked.is_empty())
            else {
                continue;
            };
            for read in std::mem::take(&mut link.parked) {
                let reply = self.woken(&read, random);
                if let Some(link) = self.links.get_mut(id) {
                    match reply {
                        Some(reply) => link.to_client.push_back(reply),
                        None => link.parked.push(read),
                    }
                }
            }
        }
    }

    /// Says to all waiting reads that nothing will come.
    pub(super) fn tell_end(&mut self, _random: &mut Random) {
        for link in &mut self.links {
            let segment = &self.segment;
            let end = |read: ReadSegment| replies::sealed(read.request_id, segment, read.offset);
            link.to_client.extend(link.parked.drain(..).map(end));
        }
    }

    fn woken(&self, read: &ReadSegment, random: &mut Random) -> Option<Reply> {
        if self.deleted {
            return Some(replies::empty(read));
        }
        if start(read) >= self.shown() && self.seal_synced {
            return Some(replies::sealed(read.request_id, &read.segment, read.offset));
        }
        match self.bytes(read, random) {
            Answer::Reply(Reply::SegmentRead(reply)) => {
                // Of a read that waited, the tail is always said to be near.
                let at_tail = true;
                Some(SegmentRead { at_tail, ..reply }.into())
            }
            Answer::Reply(reply) => Some(reply),
            Answer::Waits | Answer::Close => None,
        }
    }

    fn bytes(&self, read: &ReadSegment, random: &mut Random) -> Answer {
        let (at, shown) = (start(read), self.shown());
        if self.deleted {
            let missing = replies::missing(read.request_id, &read.segment, read.offset);
            return Answer::Reply(missing);
        }
        if at < self.head {
            return Answer::Reply(replies::truncated(read, self.head));
        }
        let is_sealed = self.seal_synced || (self.sealed && planted::is_on(Bug::SealedToldEarly));
        if is_sealed && at > shown {
            return Answer::Close;
        }
        if at >= shown && !is_sealed {
            return Answer::Waits;
        }
        let asked = wide(usize::try_from(read.suggested_length.max(0)).unwrap_or_default());
        let asked = asked.clamp(MIN_REPLY_BYTES, MAX_REPLY_BYTES);
        let most = asked.min(shown - at);
        let len = match random.below(4) {
            0 => most.min(1),
            1 => wide(random.below(narrow(most) + 1)),
            _ => most,
        };
        // An empty reply from a sealed segment says the end, and only at the end.
        let len = if at < shown { len.max(1) } else { 0 };
        let is_cut_by_tail = at + len == shown && len < asked;
        let reply = SegmentRead {
            segment: Arc::clone(&read.segment),
            offset: read.offset,
            at_tail: is_cut_by_tail && !is_sealed && !random.one_in(8),
            end_of_segment: is_cut_by_tail && is_sealed,
            data: self.payload(at, len, random),
            request_id: read.request_id,
        };
        Answer::Reply(reply.into())
    }

    fn payload(&self, at: u64, len: u64, random: &mut Random) -> Payload {
        let bytes = self.content.get(narrow(at)..narrow(at + len));
        let bytes = Bytes::copy_from_slice(bytes.unwrap_or_default());
        if bytes.len() > 1 && random.one_in(4) {
            let cut = random.below(bytes.len());
            return Payload::from_chunks(vec![bytes.slice(..cut), bytes.slice(cut..)]);
        }
        bytes.into()
    }
}

fn start(read: &ReadSegment) -> u64 {
    u64::try_from(read.offset).unwrap_or(u64::MAX)
}

/// Shorter requests are taken for this many bytes.
const MIN_REPLY_BYTES: u64 = 8;
/// Longer requests get this many bytes.
const MAX_REPLY_BYTES: u64 = 2 << 20;
