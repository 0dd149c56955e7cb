//! The gRPC service: one line for each call that is served. Every other call of the schema answers
//! `UNIMPLEMENTED`, which no client repeats.

use std::{future::Future, sync::Arc};

use pravega_client_shared::Endpoint;
use pravega_controller_api::{self as api, controller_service_server as server};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};
use tracing::{Instrument as _, debug_span};

use super::{
    access::{self, Caller, CarriesToken as _},
    changes::{Controller, OpenError},
    convert::unexpected,
    storage::Storage,
};
use crate::{counters::Counters, security::Guard, store::Segments};

/// The most changes that are waiting or under way. A change goes on when its caller hangs up, so the
/// limit of streams per connection does not bound them.
const MAX_CHANGES: usize = 1_024;

/// The controller behind gRPC. Clones share it.
#[derive(Debug)]
pub(crate) struct ControllerService<S = Segments> {
    controller: Arc<Controller<S>>,
    guard: Option<Arc<Guard>>,
    changes: Arc<Semaphore>,
    tasks: TaskTracker,
    counters: Arc<Counters>,
}

impl<S> Clone for ControllerService<S> {
    fn clone(&self) -> Self {
        Self {
            controller: Arc::clone(&self.controller),
            guard: self.guard.clone(),
            changes: Arc::clone(&self.changes),
            tasks: self.tasks.clone(),
            counters: Arc::clone(&self.counters),
        }
    }
}

impl<S: Storage> ControllerService<S> {
    /// Reads the catalog from the segment store and finishes what a crash interrupted.
    ///
    /// `store` is the address that clients are sent to for every segment, `own` the one they are told for
    /// this controller. Both must be reachable for them.
    ///
    /// # Errors
    /// [`OpenError`] when the store cannot be read, or the catalog in it is damaged or of a newer program.
    pub(crate) async fn open(
        segments: S,
        store: Endpoint,
        own: Endpoint,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            controller: Arc::new(Controller::open(segments, store, own).await?),
            guard: None,
            changes: Arc::new(Semaphore::new(MAX_CHANGES)),
            tasks: TaskTracker::new(),
            counters: Arc::default(),
        })
    }

    /// Counts its calls there.
    pub(crate) fn counted_by(self, counters: Arc<Counters>) -> Self {
        Self { counters, ..self }
    }

    /// The same for callers that the guard knows; without one everybody may do everything.
    pub(crate) fn guarded_by(self, guard: Option<Arc<Guard>>) -> Self {
        Self { guard, ..self }
    }

    /// The tasks of changes under way.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Runs a change in a task of its own: a caller that hangs up must not stop it between the segment
    /// store and the catalog.
    async fn run<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Status>> + Send + 'static,
    ) -> Result<T, Status> {
        let permit = Arc::clone(&self.changes).acquire_owned().await;
        let permit = permit.map_err(|_| Status::unavailable("shutting down"))?;
        let task = self.tasks.spawn(async move {
            let outcome = change.await;
            drop(permit);
            outcome
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(name: "catalog.change_lost", %error, "a change of the catalog did not end");
            Err(unexpected())
        })
    }
}

/// Implements the service's trait. A `look` answers from memory, a `page` is a part of a listing, a `grant` carries a
/// token, a `change` writes. Behind `needs` is the right that the caller must have.
macro_rules! serve_calls {
    ($(
        $kind:ident $method:ident($request:ident) -> $reply:ident by $handler:ident
        needs $need:ident $(with $token:ident)?;
    )*) => {
        #[tonic::async_trait]
        impl<S: Storage> server::ControllerService for ControllerService<S> {
            $(
                async fn $method(
                    &self,
                    request: Request<api::$request>,
                ) -> Result<Response<api::$reply>, Status> {
                    self.counters.controller_call();
                    let need = access::$need(request.get_ref());
                    let caller = Caller::admitted(self.guard.as_ref(), request.metadata(), need).await?;
                    let request = request.into_inner();
                    let called = debug_span!("server.controller_call", call = stringify!($method));
                    serve_calls!(@$kind self, caller, request, $handler, called $(, $token)?).map(Response::new)
                }
            )*
        }
    };
    (@look $service:ident, $caller:ident, $request:ident, $handler:ident, $span:ident) => {{
        let _: Caller<'_> = $caller;
        $span.in_scope(|| $service.controller.$handler($request))
    }};
    (@page $service:ident, $caller:ident, $request:ident, $handler:ident, $span:ident) => {
        $span.in_scope(|| $caller.page($request, |request| $service.controller.$handler(request)))
    };
    (@grant $service:ident, $caller:ident, $request:ident, $handler:ident, $span:ident, $token:ident) => {{
        let token = access::$token($caller, &$request)?;
        $span.in_scope(|| $service.controller.$handler($request)).map(|reply| reply.carrying(token))
    }};
    (@change $service:ident, $caller:ident, $request:ident, $handler:ident, $span:ident) => {{
        let _: Caller<'_> = $caller;
        let controller = Arc::clone(&$service.controller);
        let change = async move { controller.$handler($request).await };
        $service.run(change.instrument($span)).await
    }};
}

serve_calls! {
    change create_scope(ScopeInfo) -> CreateScopeStatus by handle_create_scope needs update_root;
    change delete_scope(ScopeInfo) -> DeleteScopeStatus by handle_delete_scope needs update_root;
    change delete_scope_recursive(ScopeInfo) -> DeleteScopeStatus
        by handle_delete_scope_recursive needs update_root;
    look check_scope_exists(ScopeInfo) -> ExistsResponse by handle_check_scope_exists needs read_scope;
    page list_scopes(ScopesRequest) -> ScopesResponse by handle_list_scopes needs read_root;

    change create_stream(StreamConfig) -> CreateStreamStatus by handle_create_stream needs update_scope;
    change update_stream(StreamConfig) -> UpdateStreamStatus by handle_update_stream needs update_stream;
    change truncate_stream(StreamCut) -> UpdateStreamStatus by handle_truncate_stream needs update_stream;
    change seal_stream(StreamInfo) -> UpdateStreamStatus by handle_seal_stream needs update_stream;
    change delete_stream(StreamInfo) -> DeleteStreamStatus by handle_delete_stream needs update_stream;
    look check_stream_exists(StreamInfo) -> ExistsResponse by handle_check_stream_exists needs read_stream;
    look get_stream_configuration(StreamInfo) -> StreamConfig
        by handle_get_stream_configuration needs read_stream;
    page list_streams_in_scope(StreamsInScopeRequest) -> StreamsInScopeResponse
        by handle_list_streams_in_scope needs read_scope;
    page list_streams_in_scope_for_tag(StreamsInScopeWithTagRequest) -> StreamsInScopeResponse
        by handle_list_streams_in_scope_for_tag needs read_scope;

    grant get_current_segments(StreamInfo) -> SegmentRanges
        by handle_get_current_segments needs segments_and_token with with_segments;
    look get_epoch_segments(GetEpochSegmentsRequest) -> SegmentRanges
        by handle_get_epoch_segments needs update_stream;
    grant get_segments(GetSegmentsRequest) -> SegmentsAtTime
        by handle_get_segments needs segments_and_token with with_segments;
    look get_segments_immediately_following(SegmentId) -> SuccessorResponse
        by handle_get_segments_immediately_following needs read_stream;
    look get_segments_immediatly_following(SegmentId) -> SuccessorResponse
        by handle_get_segments_immediately_following needs read_stream;
    look get_uri(SegmentId) -> NodeUri by handle_get_uri needs read_stream;
    look is_segment_valid(SegmentId) -> SegmentValidityResponse by handle_is_segment_valid needs read_stream;
    look is_stream_cut_valid(StreamCut) -> StreamCutValidityResponse
        by handle_is_stream_cut_valid needs read_stream;

    look scale(ScaleRequest) -> ScaleResponse by handle_scale needs update_stream;
    look check_scale(ScaleStatusRequest) -> ScaleStatusResponse by handle_check_scale needs read_stream;
    grant get_delegation_token(StreamInfo) -> DelegationToken
        by handle_get_delegation_token needs token with alone;
    look get_controller_server_list(ServerRequest) -> ServerResponse
        by handle_get_controller_server_list needs nothing;
}
