//! What a request to the segment store needs. Pure.

use pravega_client_shared::{
    DelegationToken,
    planted::{self, Bug},
};
use pravega_wire_protocol::Request;

use super::right::Right;

/// A right that a request needs, and the token that is to give it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand<'a> {
    pub(super) segment: &'a str,
    pub(super) token: &'a DelegationToken,
    pub(super) right: Right,
    /// The id that a refusal carries.
    pub(super) refusal_id: i64,
    /// It sets up a writer, which may write until the token ends.
    pub(super) is_setup: bool,
}

/// The demand of a request; none for those that carry no token.
///
/// A real store lets the right to read suffice for everything but a setup. Here every change needs the right
/// to update. A refused read carries its offset where its id should be, as with a real store: clients know.
pub(super) fn demand(request: &Request) -> Option<Demand<'_>> {
    let (segment, token, right, refusal_id) = match request {
        Request::SetupAppend(it) => (
            &it.segment,
            &it.delegation_token,
            Right::ReadUpdate,
            it.request_id,
        ),
        Request::ReadSegment(it) => (&it.segment, &it.delegation_token, Right::Read, it.offset),
        Request::GetStreamSegmentInfo(it) => (
            &it.segment,
            &it.delegation_token,
            Right::Read,
            it.request_id,
        ),
        Request::CreateSegment(it) => (
            &it.segment,
            &it.delegation_token,
            Right::ReadUpdate,
            it.request_id,
        ),
        Request::SealSegment(it) => (
            &it.segment,
            &it.delegation_token,
            Right::ReadUpdate,
            it.request_id,
        ),
        Request::DeleteSegment(it) => {
            let right = match planted::is_on(Bug::ReadRightSufficesForDelete) {
                true => Right::Read,
                false => Right::ReadUpdate,
            };
            (&it.segment, &it.delegation_token, right, it.request_id)
        }
        Request::UpdateSegmentPolicy(it) => (
            &it.segment,
            &it.delegation_token,
            Right::ReadUpdate,
            it.request_id,
        ),
        Request::TruncateSegment(it) => (
            &it.segment,
            &it.delegation_token,
            Right::ReadUpdate,
            it.request_id,
        ),
        Request::GetSegmentAttribute(it) => (
            &it.segment,
            &it.delegation_token,
            Right::Read,
            it.request_id,
        ),
        Request::UpdateSegmentAttribute(it) => (
            &it.segment,
            &it.delegation_token,
            Right::ReadUpdate,
            it.request_id,
        ),
        Request::LocateOffset(it) => (
            &it.segment,
            &it.delegation_token,
            Right::Read,
            it.request_id,
        ),
        // Appends are covered by their setup. What is left asks for nothing, or is refused whoever asks.
        Request::Hello(_)
        | Request::KeepAlive(_)
        | Request::AppendBlock(_)
        | Request::AppendBlockEnd(_)
        | Request::ConditionalAppend(_)
        | Request::ConditionalBlockEnd(_)
        | Request::Padding(_)
        | Request::Foreign(_)
        | Request::Unknown(_) => return None,
    };
    Some(Demand {
        segment,
        token,
        right,
        refusal_id,
        is_setup: matches!(request, Request::SetupAppend(_)),
    })
}
