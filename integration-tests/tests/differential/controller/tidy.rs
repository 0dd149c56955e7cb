//! Replies as lines of a transcript, without what differs between any two runs.

use std::fmt::Debug;

use pravega_controller_api as api;

/// A reply whose parts in no order can be put in one.
pub(super) trait Tidy: Debug {
    /// Sorts, and takes out continuation tokens, which mean nothing to a client.
    fn tidy(&mut self) {}

    /// The token in it; security is off.
    fn token(&self) -> &str {
        ""
    }
}

/// A tidy reply.
pub(super) fn tidied(mut reply: impl Tidy) -> String {
    reply.tidy();
    match reply.token() {
        "" => format!("{reply:?}"),
        _ => format!("{reply:?} with a token"),
    }
}

impl Tidy for api::ScopesResponse {
    fn tidy(&mut self) {
        self.continuation_token = None;
        self.scopes.sort();
    }
}

impl Tidy for api::StreamsInScopeResponse {
    fn tidy(&mut self) {
        self.continuation_token = None;
        self.streams.sort_by(|a, b| a.stream.cmp(&b.stream));
    }
}

impl Tidy for api::KvTablesInScopeResponse {
    fn tidy(&mut self) {
        self.continuation_token = None;
    }
}

/// Tags are a set.
impl Tidy for api::StreamConfig {
    fn tidy(&mut self) {
        if let Some(tags) = &mut self.tags {
            tags.tag.sort();
        }
    }
}

impl Tidy for api::SegmentsAtTime {
    fn tidy(&mut self) {
        let id = |location: &api::segments_at_time::SegmentLocation| {
            location.segment_id.as_ref().map(|id| id.segment_id)
        };
        self.segments.sort_by_key(id);
    }

    fn token(&self) -> &str {
        &self.delegation_token
    }
}

impl Tidy for api::StreamCutRangeResponse {
    fn tidy(&mut self) {
        self.segments.sort_by_key(|id| id.segment_id);
    }

    fn token(&self) -> &str {
        &self.delegation_token
    }
}

macro_rules! with_token {
    ($($reply:ident)*) => {$(
        impl Tidy for api::$reply {
            fn token(&self) -> &str {
                &self.delegation_token
            }
        }
    )*};
}

macro_rules! as_it_is {
    ($($reply:ident)*) => {$(impl Tidy for api::$reply {})*};
}

with_token! {
    SegmentRanges SuccessorResponse CreateTxnResponse DelegationToken
}

as_it_is! {
    ServerResponse NodeUri ExistsResponse SegmentValidityResponse
    StreamCutValidityResponse CreateScopeStatus DeleteScopeStatus CreateStreamStatus
    UpdateStreamStatus DeleteStreamStatus ScaleResponse ScaleStatusResponse TxnStatus PingTxnStatus
    TxnState ListCompletedTxnResponse RemoveWriterResponse TimestampResponse
    CreateKeyValueTableStatus KeyValueTableConfigResponse DeleteKvTableStatus SubscribersResponse
    UpdateSubscriberStatus CreateReaderGroupResponse ReaderGroupConfigResponse
    DeleteReaderGroupStatus UpdateReaderGroupResponse ControllerToBucketMappingResponse
}
