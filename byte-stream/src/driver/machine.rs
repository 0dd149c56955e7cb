//! What a session looks like to its driver.

use std::time::Instant;

use pravega_client_shared::{DelegationToken, FlowId};
use pravega_segment_session::{AttachFailure, Disconnect, ProtocolViolation};
use pravega_wire_protocol::{Reply, Request};

use crate::segment::SegmentInfo;

/// A session and what its user keeps beside it: what a [`Driver`] drives.
pub(crate) trait Machine: Send + 'static {
    fn handle_attached(&mut self, now: Instant, flow: FlowId, token: DelegationToken);
    fn handle_attach_failed(&mut self, now: Instant, failure: &AttachFailure);
    fn handle_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ProtocolViolation>;
    fn handle_disconnected(&mut self, now: Instant, disconnect: Disconnect);
    fn handle_timeout(&mut self, now: Instant);
    /// What the store says of the segment, as asked for by [`Effect::AskInfo`]; none when it does not say.
    fn handle_info(&mut self, info: Option<SegmentInfo>);
    /// Nothing will ever come any more: the owner, the factory or the runtime is gone.
    fn handle_closed(&mut self);
    fn poll_transmit(&mut self) -> Option<Request>;
    fn poll_effect(&mut self) -> Option<Effect>;
    fn poll_timeout(&self) -> Option<Instant>;
}

/// What a session wants done.
pub(crate) enum Effect {
    /// Find the segment's store and connect.
    Attach(Hints),
    /// Let go of the connection, or close it for all.
    Detach { close: bool },
    /// Ask the store about the segment.
    AskInfo,
    /// Something changed that a caller may wait for.
    Progress,
}

/// What is known to be out of date when a session wants to attach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hints {
    pub(crate) relocate: bool,
    pub(crate) renew_token: bool,
}
