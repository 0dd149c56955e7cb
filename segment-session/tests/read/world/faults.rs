//! What may go wrong.

use std::sync::Arc;

use pravega_segment_session::Disconnect;
use pravega_wire_protocol::{AuthTokenCheckFailed, Payload, Reply, SegmentRead, WrongHost};

use super::{Faults, World, grow};

impl World {
    pub(super) fn change_segment(&mut self) {
        let shown = usize::try_from(self.server.tail() + 1).unwrap();
        match self.random.below(40) {
            0..=9 => {
                let near = self.session.position() + grow(&mut self.random);
                self.server.truncate(near);
            }
            10 => self
                .server
                .truncate(u64::try_from(self.random.below(shown)).unwrap()),
            11 => self.server.seal(),
            12 if self.faults != Faults::None => self.server.delete(),
            13..=20 => {
                let replies = self.server.unload();
                self.replies.extend(replies);
                self.seen.empty += 1;
            }
            _ => {}
        }
    }

    pub(super) fn trouble(&mut self) {
        match (self.faults, self.random.below(12)) {
            (Faults::None, _) => {}
            (_, 0 | 1) => self.lose(Disconnect::Lost),
            (_, 2) => self.refuse(),
            (Faults::Hostile, 3..=5) => self.lie(),
            _ => {}
        }
    }

    pub(super) fn lose(&mut self, reason: Disconnect) {
        if self.flow.take().is_none() {
            return;
        }
        self.seen.losses += 1;
        self.replies.clear();
        self.server.forget_waiting();
        self.session.handle_disconnected(self.now, reason);
    }

    pub(super) fn refuse(&mut self) {
        let Some(Reply::SegmentRead(read)) = self.replies.last().cloned() else {
            return;
        };
        self.replies.pop();
        self.seen.refusals += 1;
        let refusal = |request_id| AuthTokenCheckFailed {
            request_id,
            server_stack_trace: String::new(),
            error_code: 1,
        };
        let reply: Reply = match self.random.below(3) {
            0 => refusal(read.request_id).into(),
            1 => refusal(read.offset).into(),
            _ => WrongHost {
                request_id: read.request_id,
                segment: read.segment,
                correct_host: String::new(),
                server_stack_trace: String::new(),
            }
            .into(),
        };
        let is_good = self.hand_over(reply);
        assert!(is_good || self.seen.lies > 0, "{:?}", self.session);
    }

    pub(super) fn lie(&mut self) {
        let reply = match (self.random.below(3), self.replies.last().cloned()) {
            (0, _) => self.last_reply.clone(),
            (1, Some(Reply::SegmentRead(read))) => Some(shifted(&read)),
            (_, Some(Reply::SegmentRead(read))) => Some(renamed(&read)),
            _ => None,
        };
        if let Some(reply) = reply {
            self.seen.lies += 1;
            self.hand_over(reply);
        }
    }
}

fn shifted(read: &SegmentRead) -> Reply {
    SegmentRead {
        offset: read.offset + 1,
        ..read.clone()
    }
    .into()
}

fn renamed(read: &SegmentRead) -> Reply {
    SegmentRead {
        segment: Arc::from("scope/other/0.#epoch.0"),
        data: Payload::new(),
        ..read.clone()
    }
    .into()
}
