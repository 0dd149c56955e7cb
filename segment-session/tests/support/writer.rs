//! One writer of a simulated world: a session, its driver's notes, and the checks on both.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    time::Instant,
};

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendOptions, AppendSession, Certainty, Disconnect, Fate, WriteMode,
};
use pravega_wire_protocol::{Reply, Request};

use super::{script::segment, store::Stored};

/// A block as first sent. Every later copy must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    expected_offset: Option<i64>,
    data: Vec<u8>,
    range: Range<u64>,
}

/// One writer: its session, its driver, and what is known about its bytes.
pub(crate) struct Writer {
    pub(crate) id: u128,
    pub(crate) session: AppendSession,
    pub(crate) connection: Option<usize>,
    /// The connection that the session let go of last.
    pub(crate) let_go: Option<usize>,
    /// The session has asked for a connection.
    pub(crate) wants: bool,
    flows: u64,
    /// Every byte accepted, in order.
    accepted: Vec<u8>,
    submissions: Vec<Submission>,
    blocks: BTreeMap<i64, Block>,
    /// Numbers sent and not yet settled by a reply, as the driver sees it.
    pub(crate) unanswered: VecDeque<i64>,
}

struct Submission {
    range: Range<u64>,
    fate: Option<Settled>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Durable,
    NotStored,
    Unknown,
}

impl Writer {
    pub(crate) fn new(index: usize, options: AppendOptions, tail: u64, start_above: u64) -> Self {
        let id = u128::try_from(index).unwrap() + 1;
        let mut session = AppendSession::new(WriterId::new(id).unwrap(), segment(), options);
        if start_above > 0 {
            session.start_at(tail + start_above).unwrap();
        } else {
            session.resync(tail).unwrap();
        }
        Self {
            id,
            session,
            connection: None,
            let_go: None,
            wants: false,
            flows: 0,
            accepted: Vec::new(),
            submissions: Vec::new(),
            blocks: BTreeMap::new(),
            unanswered: VecDeque::new(),
        }
    }

    pub(crate) fn note_accepted(&mut self, data: &[u8], range: Range<u64>) {
        assert_eq!(range.start, u64::try_from(self.accepted.len()).unwrap());
        self.accepted.extend_from_slice(data);
        assert_eq!(range.end, u64::try_from(self.accepted.len()).unwrap());
        self.submissions.push(Submission { range, fate: None });
    }

    pub(crate) fn attach(&mut self, now: Instant, connection: usize) {
        self.flows += 1;
        self.connection = Some(connection);
        self.unanswered.clear();
        let flow = FlowId::new(self.flows).unwrap();
        self.session
            .handle_attached(now, flow, DelegationToken::new("token"));
    }

    pub(crate) fn lose(&mut self, now: Instant, why: Disconnect) {
        self.connection = None;
        self.unanswered.clear();
        self.session.handle_disconnected(now, why);
    }

    pub(crate) fn reply(&mut self, now: Instant, reply: Reply) {
        match &reply {
            Reply::DataAppended(ack) => self.unanswered.retain(|number| *number > ack.event_number),
            Reply::ConditionalCheckFailed(_) => self.unanswered.clear(),
            _ => {}
        }
        let sent = self.session.sent();
        self.session
            .handle_reply(now, reply)
            .expect("the model keeps to the protocol");
        assert!(
            self.session.durable() <= sent,
            "more is durable than was sent"
        );
    }

    pub(crate) fn note_sent(&mut self, request: &Request) {
        let (number, expected_offset, data) = match request {
            Request::SetupAppend(_) => return,
            Request::ConditionalBlockEnd(block) => {
                assert!(block.expected_offset >= 0);
                assert!(
                    self.unanswered.is_empty(),
                    "one conditional block in flight"
                );
                (block.event_number, Some(block.expected_offset), &block.data)
            }
            Request::AppendBlockEnd(block) => (block.last_event_number, None, &block.data),
            other => panic!("a writer never sends {}", other.name()),
        };
        assert!(
            self.unanswered.back().is_none_or(|last| *last < number),
            "numbers grow"
        );
        self.unanswered.push_back(number);
        let data = data.clone().into_bytes().to_vec();
        assert!(!data.is_empty(), "an empty block makes no sense");
        match self.blocks.get(&number) {
            Some(first) => {
                assert_eq!(
                    (first.expected_offset, &first.data),
                    (expected_offset, &data)
                );
            }
            None => {
                let last = self.blocks.last_key_value();
                assert_eq!(
                    number,
                    last.map_or(1, |(last, _)| last + 1),
                    "numbers grow by one"
                );
                let end = self.session.sent();
                let range = end - u64::try_from(data.len()).unwrap()..end;
                let taken = usize::try_from(range.start).unwrap()..usize::try_from(end).unwrap();
                assert_eq!(self.accepted[taken], data, "the block is what was accepted");
                let whole = |edge: u64| {
                    let inside = |one: &Submission| one.range.start < edge && edge < one.range.end;
                    !self.submissions.iter().any(inside)
                };
                assert!(
                    whole(range.start) && whole(range.end),
                    "a submission is torn apart"
                );
                self.blocks.insert(
                    number,
                    Block {
                        expected_offset,
                        data,
                        range,
                    },
                );
            }
        }
    }

    /// The numbers agree with one another, and what is settled stays as it is.
    pub(crate) fn check_counters(&mut self) {
        let session = &self.session;
        assert!(session.durable() <= session.sent() && session.sent() <= session.accepted());
        assert_eq!(
            session.unacked_bytes(),
            session.accepted() - session.durable()
        );
        assert_eq!(
            session.accepted(),
            u64::try_from(self.accepted.len()).unwrap()
        );
        assert!(
            session.unacked_bytes() <= 2_000 + 256,
            "the window is exceeded"
        );
        self.settle(false);
    }

    pub(crate) fn settle_all(&mut self) {
        self.settle(true);
    }

    fn settle(&mut self, all: bool) {
        // Settled submissions are looked at again only once in a while: there are many.
        for submission in self
            .submissions
            .iter_mut()
            .rev()
            .take(if all { usize::MAX } else { 20 })
        {
            let fate = match self.session.fate(&submission.range) {
                Fate::Pending => None,
                Fate::Durable => Some(Settled::Durable),
                Fate::Failed(failure) => Some(match failure.certainty_of(&submission.range) {
                    Certainty::Definite => Settled::NotStored,
                    _ => Settled::Unknown,
                }),
                _ => submission.fate,
            };
            if submission.fate.is_some() && !submission.range.is_empty() {
                assert_eq!(
                    submission.fate, fate,
                    "{:?} was settled before",
                    submission.range
                );
            }
            submission.fate = fate;
        }
    }

    /// Content, exactly once, order, atomicity, and the truth of every failure.
    pub(crate) fn check_end(&self, mode: WriteMode, log: &[Stored]) {
        if mode == WriteMode::Exclusive {
            assert!(self.session.stats().max_blocks_in_flight <= 1);
        }
        let stored: Vec<_> = log.iter().filter(|block| block.writer == self.id).collect();
        let (mut end, mut number) = (0, 0);
        for block in &stored {
            assert!(
                block.number > number,
                "block {} is stored out of turn",
                block.number
            );
            number = block.number;
            let sent = &self.blocks[&block.number];
            assert_eq!(
                block.data, sent.data,
                "block {} was torn or changed",
                block.number
            );
            assert!(
                sent.range.start >= end,
                "bytes are stored twice or out of order"
            );
            end = sent.range.end;
            if let Some(offset) = sent.expected_offset {
                assert_eq!(block.offset, offset.cast_unsigned());
            }
        }
        for submission in self.submissions.iter().filter(|one| !one.range.is_empty()) {
            let range = &submission.range;
            let holds = |block: &&&Stored| {
                let sent = &self.blocks[&block.number].range;
                sent.start <= range.start && range.end <= sent.end
            };
            let copies = stored.iter().filter(holds).count();
            match submission.fate {
                Some(Settled::Durable) => assert_eq!(copies, 1, "{range:?} must be stored once"),
                Some(Settled::NotStored) => assert_eq!(copies, 0, "{range:?} failed for certain"),
                Some(Settled::Unknown) => assert!(copies <= 1),
                None => panic!("{range:?} was never settled"),
            }
        }
    }
}
