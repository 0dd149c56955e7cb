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
    changes::{Controller, OpenError},
    convert::unexpected,
    storage::Storage,
};
use crate::{counters::Counters, store::Segments};

/// The most changes that are waiting or under way. A change goes on when its caller hangs up, so the
/// limit of streams per connection does not bound them.
const MAX_CHANGES: usize = 1_024;

/// The controller behind gRPC. Clones share it.
#[derive(Debug)]
pub(crate) struct ControllerService<S = Segments> {
    controller: Arc<Controller<S>>,
    changes: Arc<Semaphore>,
    tasks: TaskTracker,
    counters: Arc<Counters>,
}

impl<S> Clone for ControllerService<S> {
    fn clone(&self) -> Self {
        Self {
            controller: Arc::clone(&self.controller),
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
            changes: Arc::new(Semaphore::new(MAX_CHANGES)),
            tasks: TaskTracker::new(),
            counters: Arc::default(),
        })
    }

    /// Counts its calls there.
    pub(crate) fn counted_by(self, counters: Arc<Counters>) -> Self {
        Self { counters, ..self }
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

/// Implements the service's trait. A `look` answers from memory, a `change` writes.
macro_rules! serve_calls {
    ($($kind:ident $method:ident($request:ident) -> $reply:ident by $handler:ident;)*) => {
        #[tonic::async_trait]
        impl<S: Storage> server::ControllerService for ControllerService<S> {
            $(
                async fn $method(
                    &self,
                    request: Request<api::$request>,
                ) -> Result<Response<api::$reply>, Status> {
                    self.counters.controller_call();
                    let request = request.into_inner();
                    let called = debug_span!("server.controller_call", call = stringify!($method));
                    serve_calls!(@$kind self, request, $handler, called).map(Response::new)
                }
            )*
        }
    };
    (@look $service:ident, $request:ident, $handler:ident, $span:ident) => {
        $span.in_scope(|| $service.controller.$handler($request))
    };
    (@change $service:ident, $request:ident, $handler:ident, $span:ident) => {{
        let controller = Arc::clone(&$service.controller);
        let change = async move { controller.$handler($request).await };
        $service.run(change.instrument($span)).await
    }};
}

serve_calls! {
    change create_scope(ScopeInfo) -> CreateScopeStatus by handle_create_scope;
    change delete_scope(ScopeInfo) -> DeleteScopeStatus by handle_delete_scope;
    change delete_scope_recursive(ScopeInfo) -> DeleteScopeStatus by handle_delete_scope_recursive;
    look check_scope_exists(ScopeInfo) -> ExistsResponse by handle_check_scope_exists;
    look list_scopes(ScopesRequest) -> ScopesResponse by handle_list_scopes;

    change create_stream(StreamConfig) -> CreateStreamStatus by handle_create_stream;
    change update_stream(StreamConfig) -> UpdateStreamStatus by handle_update_stream;
    change truncate_stream(StreamCut) -> UpdateStreamStatus by handle_truncate_stream;
    change seal_stream(StreamInfo) -> UpdateStreamStatus by handle_seal_stream;
    change delete_stream(StreamInfo) -> DeleteStreamStatus by handle_delete_stream;
    look check_stream_exists(StreamInfo) -> ExistsResponse by handle_check_stream_exists;
    look get_stream_configuration(StreamInfo) -> StreamConfig by handle_get_stream_configuration;
    look list_streams_in_scope(StreamsInScopeRequest) -> StreamsInScopeResponse
        by handle_list_streams_in_scope;
    look list_streams_in_scope_for_tag(StreamsInScopeWithTagRequest) -> StreamsInScopeResponse
        by handle_list_streams_in_scope_for_tag;

    look get_current_segments(StreamInfo) -> SegmentRanges by handle_get_current_segments;
    look get_epoch_segments(GetEpochSegmentsRequest) -> SegmentRanges by handle_get_epoch_segments;
    look get_segments(GetSegmentsRequest) -> SegmentsAtTime by handle_get_segments;
    look get_segments_immediately_following(SegmentId) -> SuccessorResponse
        by handle_get_segments_immediately_following;
    look get_segments_immediatly_following(SegmentId) -> SuccessorResponse
        by handle_get_segments_immediately_following;
    look get_uri(SegmentId) -> NodeUri by handle_get_uri;
    look is_segment_valid(SegmentId) -> SegmentValidityResponse by handle_is_segment_valid;
    look is_stream_cut_valid(StreamCut) -> StreamCutValidityResponse by handle_is_stream_cut_valid;

    look scale(ScaleRequest) -> ScaleResponse by handle_scale;
    look check_scale(ScaleStatusRequest) -> ScaleStatusResponse by handle_check_scale;
    look get_delegation_token(StreamInfo) -> DelegationToken by handle_get_delegation_token;
    look get_controller_server_list(ServerRequest) -> ServerResponse
        by handle_get_controller_server_list;
}
