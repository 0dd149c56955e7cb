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
    macro_rules! with {
        ($right:expr, $it:ident) => {
            with!($right, $it, $it.request_id)
        };
        ($right:expr, $it:ident, $refusal_id:expr) => {
            Demand {
                segment: &$it.segment,
                token: &$it.delegation_token,
                right: $right,
                refusal_id: $refusal_id,
                is_setup: matches!(request, Request::SetupAppend(_)),
            }
        };
    }
    let demand = match request {
        Request::SetupAppend(it) => with!(Right::ReadUpdate, it),
        Request::CreateSegment(it) => with!(Right::ReadUpdate, it),
        Request::SealSegment(it) => with!(Right::ReadUpdate, it),
        Request::DeleteSegment(it) => with!(right_to_delete(), it),
        Request::UpdateSegmentPolicy(it) => with!(Right::ReadUpdate, it),
        Request::TruncateSegment(it) => with!(Right::ReadUpdate, it),
        Request::UpdateSegmentAttribute(it) => with!(Right::ReadUpdate, it),
        Request::ReadSegment(it) => with!(Right::Read, it, it.offset),
        Request::GetStreamSegmentInfo(it) => with!(Right::Read, it),
        Request::GetSegmentAttribute(it) => with!(Right::Read, it),
        Request::LocateOffset(it) => with!(Right::Read, it),
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
    Some(demand)
}

fn right_to_delete() -> Right {
    match planted::is_on(Bug::ReadRightSufficesForDelete) {
        true => Right::Read,
        false => Right::ReadUpdate,
    }
}
