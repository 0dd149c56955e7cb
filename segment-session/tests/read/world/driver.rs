//! Moves requests, replies and time, and acts on events.

use std::time::Duration;

use pravega_client_shared::{DelegationToken, FlowId, RequestId};
use pravega_segment_session::{
    AttachFailure, AttachFailureKind, Disconnect, OnTruncation, ReadEvent,
};
use pravega_wire_protocol::{Reply, Request};

use super::{Faults, World};
use crate::model_server::Answer;

impl World {
    pub(super) fn settle(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.act_on(event);
        }
        assert_eq!(self.gap, None, "bytes were passed over in silence");
        if self.attaching && !(self.faults != Faults::None && self.random.one_in(4)) {
            self.attach();
        }
        while let Some(request) = self.session.poll_transmit() {
            self.serve(&request);
        }
        self.check();
    }

    pub(super) fn act_on(&mut self, event: ReadEvent) {
        match event {
            ReadEvent::NeedsAttachment { .. } => {
                assert!(self.flow.is_none() && !self.attaching);
                self.attaching = true;
            }
            ReadEvent::Detach => {
                self.flow = None;
                self.replies.clear();
            }
            ReadEvent::Truncated { requested, head } => {
                self.seen.gaps += 1;
                assert_eq!(self.options.on_truncation, OnTruncation::SkipToHead);
                assert!(requested < head && head <= self.server.head());
                let until = self.options.until.unwrap_or(u64::MAX);
                if let Some(gap) = self.gap.take() {
                    assert_eq!(gap, (requested, head.min(until)));
                }
            }
            ReadEvent::Readable => self.is_waiting = false,
            ReadEvent::EndOfSegment { length } => {
                assert!(self.server.is_sealed());
                assert_eq!(length, self.server.tail());
            }
            ReadEvent::Failed(failure) => assert!(failure.is_terminal()),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn attach(&mut self) {
        self.attaching = false;
        if self.faults != Faults::None && self.random.one_in(4) {
            let failure = AttachFailure::new(AttachFailureKind::Unreachable);
            self.session.handle_attach_failed(self.now, &failure);
            return;
        }
        self.flows += 1;
        // Another connection gives out the same flows again.
        let flow = FlowId::new(self.flows % 3).unwrap();
        self.flow = Some(flow);
        self.session
            .handle_attached(self.now, flow, DelegationToken::default());
    }

    pub(super) fn serve(&mut self, request: &Request) {
        let id = RequestId::from_wire(request.request_id().unwrap()).unwrap();
        assert_eq!(Some(id.flow()), self.flow, "sent on a flow that was let go");
        if let Request::ReadSegment(read) = request {
            self.seen.reads += 1;
            let end = read.offset + i64::from(read.suggested_length);
            assert!(read.suggested_length > 0);
            let until = self.options.until.unwrap_or(u64::MAX);
            assert!(u64::try_from(end).unwrap() <= until);
        }
        match self.server.request(request, &mut self.random) {
            Answer::Reply(reply) => self.replies.push(reply),
            Answer::Waits => {}
            Answer::Close => self.lose(Disconnect::Lost),
        }
    }

    pub(super) fn deliver_any(&mut self) {
        if !self.replies.is_empty() {
            let at = self.random.below(self.replies.len());
            self.deliver(at);
        }
    }

    pub(super) fn deliver(&mut self, at: usize) {
        let reply = self.replies.remove(at);
        self.last_reply = Some(reply.clone());
        let is_good = self.hand_over(reply);
        // A lie may have been taken for the answer to a forgotten read, so that this is the second.
        assert!(is_good || self.seen.lies > 0, "{:?}", self.session);
    }

    pub(super) fn hand_over(&mut self, reply: Reply) -> bool {
        let result = self.session.handle_reply(self.now, reply);
        if result.is_err() {
            self.seen.violations += 1;
            assert!(!self.session.is_attached());
            self.flow = None;
            self.replies.clear();
            self.server.forget_waiting();
        }
        result.is_ok()
    }

    pub(super) fn pass_time(&mut self) {
        let deadline = self.session.poll_timeout();
        if let Some(deadline) = deadline {
            let waited = deadline.saturating_duration_since(self.now);
            assert!(waited <= Duration::from_secs(10));
            self.now += waited;
        } else {
            self.now += Duration::from_secs(7);
        }
        self.session.handle_timeout(self.now);
    }
}
