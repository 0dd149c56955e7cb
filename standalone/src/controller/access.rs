//! Which right each call needs, and who has it: what a real controller asks for, call by call.

use std::sync::Arc;

use pravega_controller_api::{self as api, stream_info::AccessOperation};
use tonic::{Status, metadata::MetadataMap};

use crate::security::{Guard, Resource, Right, Rules, Stranger};

/// A right that is needed; none for a call that everybody may make.
pub(super) type Need<'a> = Option<(Right, Resource<'a>)>;

/// Who makes a call: nobody in particular where there are no accounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a>(Option<(&'a Guard, &'a Rules)>);

impl<'a> Caller<'a> {
    /// The caller that the headers of a call tell of, who has the right that it needs.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the headers prove nothing, `PERMISSION_DENIED` without the right, in the words of a
    /// real controller; `UNAVAILABLE` when the password cannot be looked at now.
    pub(super) async fn admitted(
        guard: Option<&'a Arc<Guard>>,
        headers: &MetadataMap,
        need: Need<'_>,
    ) -> Result<Self, Status> {
        let (Some(guard), Some((right, resource))) = (guard, need) else {
            return Ok(Self(None));
        };
        let header = headers.get("authorization").map(|value| value.as_bytes());
        match guard.rules(header).await {
            Ok(rules) if rules.right_to(resource) >= right => Ok(Self(Some((guard, rules)))),
            Ok(_) => Err(Status::permission_denied("Authorization failed")),
            Err(Stranger::Unknown) => Err(Status::unauthenticated("Authentication failed")),
            Err(Stranger::Busy) => Err(Status::unavailable("too many passwords at a time")),
        }
    }

    fn has(self, right: Right, resource: Resource<'_>) -> bool {
        self.0
            .is_none_or(|(_, rules)| rules.right_to(resource) >= right)
    }

    /// A page of a listing without what the caller may not know of. When nothing is left of a page the next one
    /// is taken: an empty page would end the listing.
    ///
    /// # Errors
    /// Those of `ask`.
    pub(super) fn page<Q: Resume, P: Page>(
        self,
        mut request: Q,
        ask: impl Fn(Q) -> Result<P, Status>,
    ) -> Result<P, Status> {
        loop {
            let mut page = ask(request.clone())?;
            let is_last = page.is_empty();
            page.retain(|resource| self.has(Right::Read, resource));
            if is_last || !page.is_empty() {
                return Ok(page);
            }
            *request.token() = page.token();
        }
    }

    fn issue(self, right: Right, stream: Resource<'_>) -> Result<String, Status> {
        let token = self.0.map(|(guard, _)| guard.token(stream, right));
        // Empty where there are no accounts.
        let token = token.unwrap_or_else(|| Some(String::new()));
        token.ok_or_else(|| Status::internal("no token can be made"))
    }
}

/// The token that goes with an answer about segments: one for everything, unless none is asked for.
///
/// # Errors
/// `INTERNAL` when the clock is beyond what a token can say.
pub(super) fn with_segments(caller: Caller<'_>, request: &impl Named) -> Result<String, Status> {
    match wants_token(request) {
        true => caller.issue(Right::ReadUpdate, stream(request)),
        false => Ok(String::new()),
    }
}

/// The token that is asked for by itself.
///
/// # Errors
/// `INTERNAL` for a kind of access that no token gives, as with a real controller.
pub(super) fn alone(caller: Caller<'_>, request: &api::StreamInfo) -> Result<String, Status> {
    if caller.0.is_none() {
        return Ok(String::new());
    }
    let right = granted(request).ok_or_else(|| Status::internal("no token gives that access"))?;
    caller.issue(right, stream(request))
}

/// The right that a token is to give, by the access that was asked for; none when it must not be asked for.
fn granted(stream: &api::StreamInfo) -> Option<Right> {
    match AccessOperation::try_from(stream.access_operation).ok()? {
        AccessOperation::None => Some(Right::None),
        AccessOperation::Read => Some(Right::Read),
        AccessOperation::Unspecified | AccessOperation::Write | AccessOperation::ReadWrite => {
            Some(Right::ReadUpdate)
        }
        AccessOperation::Any => None,
    }
}

/// True when the answer about segments is to carry a token.
fn wants_token(request: &impl Named) -> bool {
    let none = i32::from(AccessOperation::None);
    let info = request.info();
    info.is_some_and(|stream| stream.access_operation != none)
}

pub(super) fn nothing<T>(_: &T) -> Need<'_> {
    None
}

pub(super) fn read_root<T>(_: &T) -> Need<'_> {
    Some((Right::Read, Resource::Root))
}

pub(super) fn update_root<T>(_: &T) -> Need<'_> {
    Some((Right::ReadUpdate, Resource::Root))
}

pub(super) fn read_scope(request: &impl Named) -> Need<'_> {
    Some((Right::Read, Resource::Scope(request.scope())))
}

pub(super) fn update_scope(request: &impl Named) -> Need<'_> {
    Some((Right::ReadUpdate, Resource::Scope(request.scope())))
}

pub(super) fn read_stream(request: &impl Named) -> Need<'_> {
    Some((Right::Read, stream(request)))
}

pub(super) fn update_stream(request: &impl Named) -> Need<'_> {
    Some((Right::ReadUpdate, stream(request)))
}

/// To know the segments of a stream suffices the right to read, unless a token is to come with them.
pub(super) fn segments_and_token(request: &impl Named) -> Need<'_> {
    match wants_token(request) {
        true => update_stream(request),
        false => read_stream(request),
    }
}

/// A token needs the right that it is to give, and some right at least.
pub(super) fn token(request: &api::StreamInfo) -> Need<'_> {
    let right = granted(request)
        .unwrap_or(Right::ReadUpdate)
        .max(Right::Read);
    Some((right, stream(request)))
}

fn stream(request: &impl Named) -> Resource<'_> {
    Resource::Stream(
        request.scope(),
        request.info().map_or("", |info| &info.stream),
    )
}

/// A request that names a scope, or a stream.
pub(super) trait Named {
    fn info(&self) -> Option<&api::StreamInfo>;

    fn scope(&self) -> &str {
        self.info().map_or("", |info| &info.scope)
    }
}

macro_rules! named_by_stream_info {
    ($($request:ident)*) => {$(
        impl Named for api::$request {
            fn info(&self) -> Option<&api::StreamInfo> {
                self.stream_info.as_ref()
            }
        }
    )*};
}

named_by_stream_info! {
    StreamConfig StreamCut SegmentId GetSegmentsRequest GetEpochSegmentsRequest ScaleRequest ScaleStatusRequest
}

impl Named for api::StreamInfo {
    fn info(&self) -> Option<&api::StreamInfo> {
        Some(self)
    }
}

macro_rules! named_by_scope {
    ($($request:ident: $scope:expr;)*) => {$(
        impl Named for api::$request {
            fn info(&self) -> Option<&api::StreamInfo> {
                None
            }

            fn scope(&self) -> &str {
                let scope: fn(&Self) -> &str = $scope;
                scope(self)
            }
        }
    )*};
}

named_by_scope! {
    ScopeInfo: |it| &it.scope;
    StreamsInScopeRequest: |it| it.scope.as_ref().map_or("", |scope| &scope.scope);
    StreamsInScopeWithTagRequest: |it| it.scope.as_ref().map_or("", |scope| &scope.scope);
}

/// A request for a page, which says where the page begins.
pub(super) trait Resume: Clone {
    fn token(&mut self) -> &mut Option<api::ContinuationToken>;
}

macro_rules! resume {
    ($($request:ident)*) => {$(
        impl Resume for api::$request {
            fn token(&mut self) -> &mut Option<api::ContinuationToken> {
                &mut self.continuation_token
            }
        }
    )*};
}

resume!(ScopesRequest StreamsInScopeRequest StreamsInScopeWithTagRequest);

/// A page of a listing.
pub(super) trait Page {
    fn is_empty(&self) -> bool;

    fn retain(&mut self, may_read: impl Fn(Resource<'_>) -> bool);

    /// Where the next page begins.
    fn token(&self) -> Option<api::ContinuationToken>;
}

impl Page for api::ScopesResponse {
    fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    fn retain(&mut self, may_read: impl Fn(Resource<'_>) -> bool) {
        self.scopes.retain(|scope| may_read(Resource::Scope(scope)));
    }

    fn token(&self) -> Option<api::ContinuationToken> {
        self.continuation_token.clone()
    }
}

impl Page for api::StreamsInScopeResponse {
    fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    fn retain(&mut self, may_read: impl Fn(Resource<'_>) -> bool) {
        self.streams.retain(|info| may_read(stream(info)));
    }

    fn token(&self) -> Option<api::ContinuationToken> {
        self.continuation_token.clone()
    }
}

/// An answer that carries a token.
pub(super) trait CarriesToken: Sized {
    fn carrying(self, token: String) -> Self;
}

macro_rules! carries_token {
    ($($reply:ident)*) => {$(
        impl CarriesToken for api::$reply {
            fn carrying(mut self, token: String) -> Self {
                self.delegation_token = token;
                self
            }
        }
    )*};
}

carries_token!(SegmentRanges SegmentsAtTime DelegationToken);
