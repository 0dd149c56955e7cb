//! One writer of a simulated world: a session, its driver's notes, and what is known about its bytes.

mod checks;
mod sending;

use std::{collections::VecDeque, ops::Range, sync::Arc, time::Instant};

use pravega_client_shared::{DelegationToken, FlowId, WriterId};
use pravega_segment_session::{
    AppendOptions, AppendSession, Certainty, Disconnect, Fate, SubmitError, WriteMode,
};
use pravega_wire_protocol::{Payload, Reply};

use super::{
    client::Way,
    store::{wide, writer_id},
};
use crate::{
    campaign::{Harm, Verdict, Violation},
    history::{History, Outcome, Pending},
};

/// One writer.
pub(crate) struct Writer {
    pub(crate) index: usize,
    pub(crate) mode: WriteMode,
    pub(crate) session: AppendSession,
    pub(crate) way: Way,
    /// The user has been told of the present conflict, with the tail that explains it.
    pub(crate) is_explained: bool,
    /// The store has been asked for its tail, and has said this.
    pub(crate) tail: Option<(Pending, u64)>,
    submissions: Vec<Submission>,
    /// Submissions before this one are settled.
    settled: usize,
    blocks: Vec<Block>,
    /// Blocks before this one are settled.
    decided: usize,
    /// Numbers sent on the present connection and not yet settled by a reply, as the driver sees it.
    unanswered: VecDeque<i64>,
    /// Setups sent on the present connection.
    setups: usize,
    is_resending: bool,
    /// After each resync the writer begins anew: what was given up leaves no hole.
    life: u32,
    max_unacked: u64,
    /// Found, but perhaps not the worst of the run.
    pub(crate) suspicion: Option<Violation>,
}

/// Bytes handed over at once.
#[derive(Debug)]
struct Submission {
    range: Range<u64>,
    fate: Option<Settled>,
}

/// What the writer's user was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Durable,
    NotStored,
    Unknown,
}

/// A block as first sent. Every later copy must be equal.
#[derive(Debug)]
struct Block {
    expected: Option<u64>,
    range: Range<u64>,
    life: u32,
    called: Pending,
}

impl Writer {
    pub(crate) fn new(index: usize, segment: &Arc<str>, options: AppendOptions) -> Self {
        let id = WriterId::from_wire(writer_id(index));
        Self {
            index,
            mode: options.mode,
            session: AppendSession::new(id, Arc::clone(segment), options),
            way: Way::default(),
            is_explained: false,
            tail: None,
            submissions: Vec::new(),
            settled: 0,
            blocks: Vec::new(),
            decided: 0,
            unanswered: VecDeque::new(),
            setups: 0,
            is_resending: false,
            life: 0,
            max_unacked: wide(options.max_unacked_bytes),
            suspicion: None,
        }
    }

    /// What the writer is about, for the account.
    pub(crate) fn state(&self) -> &'static str {
        if let Some(failure) = self.session.failure() {
            return match failure.is_conflict() {
                true => "conflict pending",
                false => "writer failed",
            };
        }
        let is_drained = self.session.unacked_bytes() == 0;
        if self.way.link.is_none() {
            return match is_drained {
                true => "writer detached, idle",
                false => "writer detached, bytes wait",
            };
        }
        if !self.session.is_attached() {
            return match self.setups {
                0 | 1 => "setup in flight",
                _ => "sealing",
            };
        }
        if self.unanswered.is_empty() {
            "writer idle"
        } else if self.is_resending {
            "resend in flight"
        } else if self.session.accepted() > self.session.sent() {
            "queue waiting"
        } else {
            "append in flight"
        }
    }

    /// Hands over `len` bytes.
    pub(crate) fn submit(&mut self, now: Instant, len: usize) -> Verdict {
        let start = self.session.accepted();
        let range = start..start + wide(len);
        let data: Vec<u8> = self.bytes(range.clone()).collect();
        let before = self.session.position();
        let refused = match self.session.submit(now, &data) {
            Ok(accepted) if accepted == range => {
                if len > 0 {
                    self.submissions.push(Submission { range, fate: None });
                }
                return Ok(());
            }
            Ok(accepted) => return broken(format!("{accepted:?} was accepted for {range:?}")),
            Err(refused) => refused,
        };
        let is_right = match refused {
            SubmitError::Full { .. } => self.session.unacked_bytes() > 0,
            SubmitError::TooLarge { max } => len > max,
            SubmitError::Failed { .. } => self.session.failure().is_some(),
            _ => false,
        };
        if !is_right || self.session.position() != before {
            return broken(format!("{len} bytes were not accepted: {refused}"));
        }
        Ok(())
    }

    /// The bytes of a part of all that this writer ever writes.
    pub(super) fn bytes(&self, range: Range<u64>) -> impl Iterator<Item = u8> + use<> {
        let salt = wide(self.index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        range.map(move |at| {
            let [byte, ..] = (at ^ salt)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
                .to_be_bytes();
            byte
        })
    }

    /// Whether a payload has these bytes.
    fn is_payload(&self, data: &Payload, range: Range<u64>) -> bool {
        wide(data.len()) == range.end - range.start
            && data
                .chunks()
                .iter()
                .flatten()
                .copied()
                .eq(self.bytes(range))
    }

    pub(crate) fn attach(&mut self, now: Instant, link: usize, token: DelegationToken) {
        let flow = self.way.next_flow();
        self.way.link = Some(link);
        self.way.is_wanted = false;
        self.forget_link();
        if let Some(flow) = FlowId::new(flow) {
            self.session.handle_attached(now, flow, token);
        }
    }

    pub(crate) fn lose(&mut self, now: Instant, why: Disconnect, history: &mut History) -> Verdict {
        self.way.link = None;
        self.way.troubles += usize::from(matches!(why, Disconnect::Violation));
        self.forget_link();
        self.session.handle_disconnected(now, why);
        self.settle(history)
    }

    /// What was sent on the connection is of no more interest.
    pub(crate) fn forget_link(&mut self) {
        self.unanswered.clear();
        self.setups = 0;
        self.is_resending = false;
    }

    /// A reply on the present connection.
    pub(crate) fn reply(&mut self, now: Instant, reply: Reply, history: &mut History) -> Verdict {
        match &reply {
            Reply::DataAppended(ack) => {
                while self
                    .unanswered
                    .front()
                    .is_some_and(|number| *number <= ack.event_number)
                {
                    self.unanswered.pop_front();
                }
            }
            Reply::ConditionalCheckFailed(_) => self.unanswered.clear(),
            _ => {}
        }
        let sent = self.session.sent();
        if let Err(violation) = self.session.handle_reply(now, reply) {
            // A store that has lost bytes gives offsets that cannot be.
            if !self.way.is_bereft {
                let what = format!("the store keeps to the protocol, but: {violation}");
                return broken(what);
            }
            self.way.link = None;
            self.way.troubles += 1;
            self.forget_link();
        }
        if self.session.failure().is_none() && self.session.durable() > sent {
            return broken("more is durable than was sent".to_owned());
        }
        self.settle(history)
    }

    /// A reply that comes on a connection that the session has let go of.
    pub(crate) fn late_reply(
        &mut self,
        now: Instant,
        reply: Reply,
        history: &mut History,
    ) -> Verdict {
        if let Err(violation) = self.session.handle_reply(now, reply) {
            return broken(format!("a late reply did harm: {violation}"));
        }
        self.settle(history)
    }

    /// What a block is called in the history.
    pub(crate) fn entry_id(&self, number: i64) -> u64 {
        (wide(self.index + 1) << 32) | u64::try_from(number).unwrap_or_default()
    }

    /// The session ends its conflict behind `tail`.
    pub(crate) fn resync(&mut self, tail: u64, history: &mut History) -> Verdict {
        self.is_explained = true;
        self.settle(history)?;
        let unacked = self.session.failure().map(|failure| failure.unacked());
        match self.session.resync(tail) {
            Ok(resynced) if self.session.position() == tail => {
                let given_up = !resynced.discarded.is_empty();
                if unacked.is_some_and(|unacked| unacked != resynced.discarded) {
                    return broken(format!("{resynced:?} gives up other bytes than failed"));
                }
                self.life += u32::from(given_up);
                self.is_explained = false;
                Ok(())
            }
            Ok(_) => broken("a resync to another place".to_owned()),
            Err(error) => broken(format!("no resync: {error}")),
        }
    }

    /// In conflict, and nobody is told before the store has said where the segment ends.
    pub(crate) fn is_explaining(&self) -> bool {
        let failure = self.session.failure();
        !self.is_explained && failure.is_some_and(|failure| failure.is_conflict())
    }

    /// Takes note of what the user would be told now. What was told stays as it is.
    pub(crate) fn settle(&mut self, history: &mut History) -> Verdict {
        if self.is_explaining() {
            return Ok(());
        }
        self.decide_blocks(history);
        while let Some(submission) = self.submissions.get_mut(self.settled) {
            let Some(fate) = fate_of(&self.session, &submission.range) else {
                break;
            };
            submission.fate = Some(fate);
            self.settled += 1;
        }
        Ok(())
    }

    fn decide_blocks(&mut self, history: &mut History) {
        let failure = self.session.failure();
        while let Some(block) = self.blocks.get(self.decided) {
            let range = &block.range;
            let outcome = match failure {
                Some(failure) if range.end > failure.unacked().start => {
                    let is_definite = failure.certainty_of(range) == Certainty::Definite;
                    let is_head = range.start == failure.unacked().start;
                    match (is_definite, failure.is_conflict() && is_head) {
                        (true, true) => Outcome::Conflict,
                        (true, false) => Outcome::NotStored,
                        (false, _) => Outcome::Unknown,
                    }
                }
                _ if range.end <= self.session.durable() => Outcome::Stored {
                    offset: block.expected,
                },
                _ => break,
            };
            history.finish(block.called, outcome);
            self.decided += 1;
        }
    }
}

/// What a session says became of bytes; none while that is open.
fn fate_of(session: &AppendSession, range: &Range<u64>) -> Option<Settled> {
    match session.fate(range) {
        Fate::Durable => Some(Settled::Durable),
        Fate::Failed(failure) => Some(match failure.certainty_of(range) {
            Certainty::Definite => Settled::NotStored,
            _ => Settled::Unknown,
        }),
        _ => None,
    }
}

fn broken<T>(what: String) -> Verdict<T> {
    Err(Violation::broken(what))
}

fn harm<T>(harm: Harm, range: &Range<u64>, what: String) -> Verdict<T> {
    Err(Violation::new(harm, range.end - range.start, what))
}
