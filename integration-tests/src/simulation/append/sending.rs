//! What a writer sends.

use pravega_segment_session::WriteMode;
use pravega_wire_protocol::{Payload, Request};

use super::{Block, Submission, Writer, broken};
use crate::{
    campaign::{Verdict, Violation},
    history::History,
    simulation::store::wide,
};

impl Writer {
    /// A request goes out.
    pub(crate) fn note_sent(&mut self, request: &Request, history: &mut History) -> Verdict {
        match request {
            Request::SetupAppend(_) => {
                self.setups += 1;
                self.unanswered.clear();
                Ok(())
            }
            Request::ConditionalBlockEnd(block) => {
                if !self.unanswered.is_empty() {
                    let what = "two conditional blocks are in flight";
                    self.suspicion.get_or_insert(Violation::broken(what));
                }
                let Ok(expected) = u64::try_from(block.expected_offset) else {
                    return broken("a conditional block without a condition".to_owned());
                };
                self.note_block(block.event_number, Some(expected), &block.data, history)
            }
            Request::AppendBlockEnd(block) => {
                self.note_block(block.last_event_number, None, &block.data, history)
            }
            other => broken(format!("a writer sent {}", other.name())),
        }
    }

    fn note_block(
        &mut self,
        number: i64,
        expected: Option<u64>,
        data: &Payload,
        history: &mut History,
    ) -> Verdict {
        if expected.is_some() != (self.mode == WriteMode::Exclusive) || data.is_empty() {
            return broken(format!("block {number} is of the wrong kind"));
        }
        let is_next_here = self.unanswered.back().is_none_or(|last| *last < number);
        let place = usize::try_from(number - 1).unwrap_or(usize::MAX);
        if !is_next_here || place > self.blocks.len() {
            return broken(format!("block {number} is sent out of turn"));
        }
        self.unanswered.push_back(number);
        if let Some(first) = self.blocks.get(place) {
            self.is_resending = true;
            return match self.is_payload(data, first.range.clone()) && first.expected == expected {
                true => Ok(()),
                false => broken(format!("block {number} is another one when sent again")),
            };
        }
        self.is_resending = false;
        let end = self.session.sent();
        let range = end.saturating_sub(wide(data.len()))..end;
        let cuts = |edge: u64| {
            let inside = |one: &Submission| one.range.start < edge && edge < one.range.end;
            self.submissions.iter().any(inside)
        };
        if !self.is_payload(data, range.clone()) || cuts(range.start) || cuts(end) {
            return broken(format!("block {number} is not what was handed over"));
        }
        let client = u32::try_from(self.index).unwrap_or(u32::MAX);
        let called = history.append(client, self.entry_id(number), end - range.start, expected);
        self.blocks.push(Block {
            expected,
            range,
            life: self.life,
            called,
        });
        Ok(())
    }
}
