//! Which requests are out, and under which ids.

use std::ops::Range;

use pravega_client_shared::{FlowId, RequestId};

/// A read that the server has not answered yet.
#[derive(Debug, Clone)]
pub(super) struct Outstanding {
    pub(super) id: RequestId,
    /// The offset in the request.
    pub(super) asked: u64,
    /// The bytes wanted of the reply. They begin behind `asked` when the request was forgotten by a seek and
    /// then found to be of use again.
    pub(super) wanted: Range<u64>,
}

/// To whom a request id belongs.
#[derive(Debug)]
pub(super) enum Owner {
    /// A read that is waited for.
    Live(Outstanding),
    /// A read that was forgotten, or an id of another flow: the reply is dropped.
    Stale,
    /// Nobody: everything asked under it has been answered.
    Nobody,
}

/// The reads that are out. Live ranges never overlap.
#[derive(Debug, Default)]
pub(super) struct Requests {
    live: Vec<Outstanding>,
    /// Reads forgotten by a seek, newest last. The server will answer them, perhaps not before it gets
    /// more data; a seek back makes use of them instead of leaving one more at the server.
    abandoned: Vec<Outstanding>,
    /// How many more answers may come for reads of this flow that are not remembered at all.
    owed: u64,
    next_sequence: u32,
    /// How many ids were given out on this flow.
    issued: u64,
}

impl Requests {
    /// The ranges that are waited for.
    pub(super) fn live(&self) -> &[Outstanding] {
        &self.live
    }

    /// The end of the live range that covers `offset`.
    pub(super) fn end_covering(&self, offset: u64) -> Option<u64> {
        self.live
            .iter()
            .find(|read| read.wanted.contains(&offset))
            .map(|read| read.wanted.end)
    }

    /// The start of the first live range behind `offset`.
    pub(super) fn next_start(&self, offset: u64) -> Option<u64> {
        self.live
            .iter()
            .map(|read| read.wanted.start)
            .filter(|&start| start > offset)
            .min()
    }

    /// True when a live range reaches beyond `offset`.
    pub(super) fn reach_beyond(&self, offset: u64) -> bool {
        self.live.iter().any(|read| read.wanted.end > offset)
    }

    /// True when a live or forgotten read was asked for at exactly this offset.
    pub(super) fn asked_at(&self, offset: u64) -> bool {
        let at = |read: &Outstanding| read.asked == offset;
        self.live.iter().any(at) || self.abandoned.iter().any(at)
    }

    /// A new id. Ids of reads that may still be answered are passed over.
    pub(super) fn issue(&mut self, flow: FlowId) -> RequestId {
        loop {
            let id = flow.request(self.next_sequence);
            self.next_sequence = self.next_sequence.wrapping_add(1);
            let used = |read: &Outstanding| read.id == id;
            if !self.live.iter().any(used) && !self.abandoned.iter().any(used) {
                self.issued = self.issued.saturating_add(1);
                return id;
            }
        }
    }

    /// Begins to wait for a read.
    pub(super) fn add(&mut self, id: RequestId, wanted: Range<u64>) {
        let asked = wanted.start;
        self.live.push(Outstanding { id, asked, wanted });
    }

    /// Waits again for a forgotten read that brings at least the first byte of `wanted`. False when there
    /// is none.
    pub(super) fn adopt(&mut self, wanted: &Range<u64>) -> bool {
        let found = self
            .abandoned
            .iter()
            .position(|read| read.asked <= wanted.start && wanted.start < read.wanted.end);
        let Some(mut read) = found.map(|at| self.abandoned.remove(at)) else {
            return false;
        };
        read.wanted = wanted.start..wanted.end.min(read.wanted.end);
        self.live.push(read);
        true
    }

    /// Says whose reply this is and stops waiting for it.
    pub(super) fn answer(&mut self, id: RequestId) -> Owner {
        if let Some(at) = self.live.iter().position(|read| read.id == id) {
            return Owner::Live(self.live.swap_remove(at));
        }
        if let Some(at) = self.abandoned.iter().position(|read| read.id == id) {
            self.abandoned.remove(at);
            return Owner::Stale;
        }
        if !self.issued_here(id) {
            return Owner::Stale;
        }
        match self.owed.checked_sub(1) {
            Some(rest) => {
                self.owed = rest;
                Owner::Stale
            }
            None => Owner::Nobody,
        }
    }

    /// Forgets what is waited for in front of `offset`, because nothing there is wanted any more.
    pub(super) fn abandon_before(&mut self, offset: u64) {
        self.abandoned
            .extend(self.live.extract_if(.., |read| read.wanted.end <= offset));
        for read in &mut self.live {
            read.wanted.start = read.wanted.start.max(offset);
        }
        self.limit_abandoned();
    }

    /// Forgets what is waited for, because other bytes are wanted now.
    pub(super) fn abandon_all(&mut self) {
        self.abandoned.append(&mut self.live);
        self.limit_abandoned();
    }

    fn limit_abandoned(&mut self) {
        let too_many = self.abandoned.len().saturating_sub(MAX_ABANDONED);
        self.owed = self
            .owed
            .saturating_add(self.abandoned.drain(..too_many).map(|_| 1).sum());
    }

    /// Forgets the reads at one offset for good: they have been answered under another id, or have not.
    pub(super) fn forget_at(&mut self, offset: u64) {
        let before = self.live.len() + self.abandoned.len();
        self.live.retain(|read| read.asked != offset);
        self.abandoned.retain(|read| read.asked != offset);
        let gone = before - self.live.len() - self.abandoned.len();
        self.owed = self.owed.saturating_add(super::options::wide(gone));
    }

    /// Forgets the flow: nothing more is answered on it. The numbering goes on, so that a late reply of an
    /// earlier connection cannot be taken for one of a later.
    pub(super) fn detach(&mut self) {
        *self = Self {
            next_sequence: self.next_sequence,
            ..Self::default()
        };
    }

    fn issued_here(&self, id: RequestId) -> bool {
        // Both numbers wrap at 28 bits, so the distance does as well.
        let newest = id.flow().request(self.next_sequence.wrapping_sub(1));
        let age = newest.sequence().wrapping_sub(id.sequence()) % SEQUENCES;
        u64::from(age) < self.issued
    }
}

/// How many forgotten reads are remembered.
const MAX_ABANDONED: usize = 8;
/// How many sequence numbers a flow has before they come round: 2^28.
const SEQUENCES: u32 = 1 << 28;

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> FlowId {
        FlowId::new(7).unwrap()
    }

    fn asking<const N: usize>(ranges: [(u64, u64); N]) -> (Requests, Vec<RequestId>) {
        let mut requests = Requests::default();
        let ids = ranges
            .into_iter()
            .map(|(start, end)| {
                let id = requests.issue(flow());
                requests.add(id, start..end);
                id
            })
            .collect();
        (requests, ids)
    }

    #[test]
    fn t41_a_second_answer_belongs_to_nobody() {
        let (mut requests, ids) = asking([(0, 10), (10, 20)]);
        assert!(matches!(requests.answer(ids[0]), Owner::Live(read) if read.wanted == (0..10)));
        assert!(matches!(requests.answer(ids[0]), Owner::Nobody));
        assert!(matches!(requests.answer(ids[1]), Owner::Live(_)));
    }

    #[test]
    fn forgotten_and_foreign_answers_are_stale() {
        let (mut requests, ids) = asking([(0, 10)]);
        requests.abandon_all();
        assert!(matches!(requests.answer(ids[0]), Owner::Stale));
        assert!(matches!(requests.answer(flow().request(99)), Owner::Stale));
        let (mut requests, ids) = asking([(0, 10)]);
        requests.detach();
        assert!(matches!(requests.answer(ids[0]), Owner::Stale));
        assert_ne!(requests.issue(flow()), ids[0]);
    }

    #[test]
    fn only_a_few_forgotten_reads_are_remembered() {
        let mut requests = Requests::default();
        let mut ids = Vec::new();
        for offset in 0..100 {
            let id = requests.issue(flow());
            requests.add(id, offset..offset + 1);
            ids.push(id);
            requests.abandon_all();
        }
        assert_eq!(requests.abandoned.len(), MAX_ABANDONED);
        for id in ids.iter().chain(&ids[..0]) {
            assert!(matches!(requests.answer(*id), Owner::Stale));
        }
        assert!(matches!(requests.answer(ids[0]), Owner::Nobody));
    }

    #[test]
    fn a_forgotten_read_is_of_use_again() {
        let (mut requests, ids) = asking([(100, 200)]);
        requests.abandon_all();
        assert!(!requests.adopt(&(200..300)));
        assert!(!requests.adopt(&(99..300)));
        assert!(requests.adopt(&(150..160)));
        assert!(matches!(
            requests.answer(ids[0]),
            Owner::Live(read) if read.asked == 100 && read.wanted == (150..160)
        ));
    }

    #[test]
    fn ids_come_round_and_pass_over_those_in_use() {
        let (mut requests, ids) = asking([(0, 10)]);
        requests.next_sequence = SEQUENCES;
        assert_eq!(flow().request(requests.next_sequence), ids[0]);
        let next = requests.issue(flow());
        assert_ne!(next, ids[0]);
        assert_eq!(next.sequence(), 1);
        requests.next_sequence = u32::MAX;
        assert_eq!(requests.issue(flow()).sequence(), SEQUENCES - 1);
        assert_eq!(requests.issue(flow()).sequence(), 1, "0 is in use");
    }
}
