//! A plain account of what a writer's session was given and what it sent.

use std::{collections::BTreeMap, ops::Range};

use pravega_segment_session::{AppendSession, Fate, WriteMode};
use pravega_wire_protocol::Payload;

/// The byte that is written as number `count`: which one it is shows at once.
pub fn byte_at(count: u64) -> u8 {
    (count ^ (count >> 8).wrapping_mul(37)).to_le_bytes()[0]
}

/// What is known of the session from outside.
#[derive(Debug, Default)]
pub struct Account {
    /// Every block ever sent, by number: the bytes that it bears.
    pub blocks: BTreeMap<i64, Range<u64>>,
    /// Where the next new block begins: behind the last one, or behind what a resync gave up.
    next_start: u64,
    /// The last number sent on the present connection.
    last_sent: Option<i64>,
    /// Submissions and what was last said of them.
    fates: Vec<(Range<u64>, Known)>,
    accepted: u64,
    sent: u64,
    durable: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Pending,
    Durable,
    Failed,
    Forgotten,
}

impl Account {
    /// The session took a submission.
    pub fn accepted(&mut self, range: Range<u64>) {
        assert_eq!(range.start, self.accepted);
        self.accepted = range.end;
        if self.fates.len() < 64 && !range.is_empty() {
            self.fates.push((range, Known::Pending));
        }
    }

    /// A setup was sent: blocks go out anew.
    pub fn set_up(&mut self) {
        self.last_sent = None;
    }

    /// A resync gave up what was not durable, without that being stored.
    pub fn gave_up(&mut self, discarded: &Range<u64>) {
        assert_eq!(*discarded, self.durable..self.accepted);
        self.durable = self.accepted;
        self.next_start = self.accepted;
    }

    /// A block was sent.
    pub fn sent(&mut self, number: i64, data: &Payload) {
        let newest = self
            .blocks
            .last_key_value()
            .map_or(0, |(newest, _)| *newest);
        let length = u64::try_from(data.len()).unwrap();
        assert!(length > 0, "a block without bytes");
        let range = match self.blocks.get(&number) {
            Some(range) => range.clone(),
            None => {
                assert_eq!(number, newest + 1, "a number left out");
                self.next_start..self.next_start + length
            }
        };
        assert_eq!(range.end - range.start, length, "block {number}");
        assert!(range.end <= self.accepted);
        if let Some(last) = self.last_sent {
            assert_eq!(number, last + 1, "sent out of order");
        }
        let bytes = data.chunks().iter().flat_map(|chunk| chunk.iter());
        for (count, byte) in range.clone().zip(bytes) {
            assert_eq!(*byte, byte_at(count), "byte {count}, in block {number}");
        }
        self.last_sent = Some(number);
        self.next_start = self.next_start.max(range.end);
        self.blocks.insert(number, range);
    }

    /// The blocks on the present connection that are not decided.
    pub fn in_flight(&self) -> impl Iterator<Item = (i64, &Range<u64>)> {
        let last = self.last_sent.unwrap_or(0);
        self.blocks
            .range(..=last)
            .filter(|(_, range)| range.end > self.durable)
            .map(|(number, range)| (*number, range))
    }

    /// The last number that the session takes as stored.
    pub fn stored(&self) -> i64 {
        let mut decided = self.blocks.iter().rev();
        let newest = decided.find(|(_, range)| range.end <= self.durable);
        newest.map_or(0, |(number, _)| *number)
    }

    /// Compares the account with the session after something that acknowledges up to `acknowledged`, if it was a
    /// reply that acknowledges.
    pub fn settle(&mut self, session: &AppendSession, acknowledged: Option<i64>) {
        let (accepted, sent, durable) = (session.accepted(), session.sent(), session.durable());
        assert_eq!(accepted, self.accepted);
        assert!(durable <= sent && sent <= accepted, "{session:?}");
        assert!(sent >= self.sent, "it forgot that it had sent bytes");
        assert!(durable >= self.durable, "durable went back");
        if durable > self.durable {
            let number = acknowledged.expect("only a reply makes bytes durable");
            let block = self.blocks.range(..=number).next_back();
            let (_, block) = block.expect("nothing was sent");
            assert!(durable <= block.end, "more than block {number}");
            assert!(self.blocks.values().any(|block| block.end == durable));
        }
        (self.sent, self.durable) = (sent, durable);
        self.window(session);
        self.fates(session);
    }

    fn window(&self, session: &AppendSession) {
        let options = session.options();
        let most = u64::try_from(options.max_unacked_bytes).unwrap();
        assert_eq!(session.unacked_bytes(), self.accepted - self.durable);
        if session.failure().is_none() {
            assert!(session.unacked_bytes() <= most);
        }
        assert!(session.room() <= options.max_unacked_bytes);
        let in_flight: u64 = self
            .in_flight()
            .map(|(_, range)| range.end - range.start)
            .sum();
        assert!(in_flight <= most);
        assert!(session.position() >= session.durable_offset());
        if options.mode == WriteMode::Exclusive {
            assert!(self.in_flight().count() <= 1, "two conditional blocks out");
        }
    }

    fn fates(&mut self, session: &AppendSession) {
        for (range, known) in &mut self.fates {
            let now = match session.fate(range) {
                Fate::Pending => Known::Pending,
                Fate::Durable => Known::Durable,
                Fate::Failed(_) => Known::Failed,
                _ => Known::Forgotten,
            };
            let stays = *known == now || *known == Known::Pending || now == Known::Forgotten;
            assert!(stays, "{range:?} was {known:?} and is {now:?}");
            *known = now;
        }
    }
}
