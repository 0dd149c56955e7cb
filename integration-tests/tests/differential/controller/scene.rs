//! The language of scripts: calls, each with its request, in order.

use std::{cell::RefCell, fmt::Debug, sync::Arc};

use futures::future::{BoxFuture, FutureExt};
use pravega_controller_api::{
    self as api, controller_service_client::ControllerServiceClient, stream_info::AccessOperation,
};
use tonic::{Status, transport::Channel};

use super::tidy::{Tidy, tidied};

pub(super) type Client = ControllerServiceClient<Channel>;

/// A script on its way to one server: steps in order, with the names that they have there.
pub(super) struct Scene {
    unique: String,
    script: String,
    steps: RefCell<Vec<Step>>,
    scopes: RefCell<Vec<String>>,
}

/// One step of a script.
pub(super) enum Step {
    /// A call.
    Call { said: String, run: Run },
    /// Appends bytes at the segment store.
    Append {
        segment: Arc<str>,
        data: &'static [u8],
    },
    /// Shows what the segment store says of a segment.
    Look(Arc<str>),
}

/// What a call's reply looks like, or its failure.
pub(super) type Run = Box<dyn FnOnce(Client) -> BoxFuture<'static, Result<String, Status>>>;

impl Scene {
    /// A script without steps. Its scopes have names that begin with `unique`.
    pub(super) fn new(unique: &str, script: &str) -> Self {
        Self {
            unique: unique.to_owned(),
            script: script.to_owned(),
            steps: RefCell::default(),
            scopes: RefCell::default(),
        }
    }

    /// The steps, and the names of scopes, which differ in each run.
    pub(super) fn into_steps(self) -> (Vec<Step>, Vec<String>) {
        (self.steps.into_inner(), self.scopes.into_inner())
    }

    /// What all names of this run begin with.
    pub(super) fn unique(&self) -> &str {
        &self.unique
    }

    /// The name of a scope that is not there.
    pub(super) fn absent_scope(&self) -> String {
        let mut scopes = self.scopes.borrow_mut();
        let name = format!("{}-{}-{}", self.unique, self.script, scopes.len());
        scopes.push(name.clone());
        name
    }

    /// A new scope.
    pub(super) fn scope(&self) -> String {
        let scope = self.absent_scope();
        self.create_scope(named(&scope));
        scope
    }

    /// A new scope with a stream `s` of so many segments.
    pub(super) fn stream(&self, segments: i32) -> api::StreamInfo {
        let stream = stream(&self.scope(), "s");
        self.create_stream(fixed(&stream, segments));
        stream
    }

    /// Appends bytes at the segment store.
    pub(super) fn append(&self, stream: &api::StreamInfo, number: u32, data: &'static [u8]) {
        let segment = segment_name(stream, number);
        self.push(Step::Append { segment, data });
    }

    /// Shows what the segment store says of a segment.
    pub(super) fn look(&self, stream: &api::StreamInfo, number: u32) {
        self.push(Step::Look(segment_name(stream, number)));
    }

    /// All pages of the scopes: those of this script and that of the system.
    pub(super) fn list_scopes_to_the_end(&self) {
        let own = format!("{}-{}-", self.unique, self.script);
        let run = move |mut client: Client| {
            async move {
                let (mut all, mut token) = (api::ScopesResponse::default(), String::new());
                loop {
                    let continuation_token = Some(api::ContinuationToken { token });
                    let request = api::ScopesRequest { continuation_token };
                    let page = client.list_scopes(request).await?.into_inner();
                    if page.scopes.is_empty() {
                        all.scopes
                            .retain(|name| name.starts_with(&own) || name == "_system");
                        return Ok(tidied(all));
                    }
                    token = page.continuation_token.unwrap_or_default().token;
                    all.scopes.extend(page.scopes);
                }
            }
            .boxed()
        };
        self.push_call("list_scopes to the end".to_owned(), run);
    }

    /// All pages of the streams of a scope, or of those with a tag.
    pub(super) fn list_streams_to_the_end(&self, scope: &str, tag: Option<&'static str>) {
        let said = match tag {
            None => format!("list_streams_in_scope {scope:?} to the end"),
            Some(tag) => format!("list_streams_in_scope_for_tag {scope:?} {tag:?} to the end"),
        };
        let scope = Some(named(scope));
        let run = move |mut client: Client| {
            async move {
                let (mut all, mut token) = (api::StreamsInScopeResponse::default(), String::new());
                loop {
                    let (scope, token_sent) = (scope.clone(), api::ContinuationToken { token });
                    let continuation_token = Some(token_sent);
                    let page = match tag.map(str::to_owned) {
                        None => {
                            let request = api::StreamsInScopeRequest {
                                scope,
                                continuation_token,
                            };
                            client.list_streams_in_scope(request).await?
                        }
                        Some(tag) => {
                            let request = api::StreamsInScopeWithTagRequest {
                                scope,
                                tag,
                                continuation_token,
                            };
                            client.list_streams_in_scope_for_tag(request).await?
                        }
                    };
                    let page = page.into_inner();
                    all.status = page.status;
                    if page.streams.is_empty() {
                        return Ok(tidied(all));
                    }
                    token = page.continuation_token.unwrap_or_default().token;
                    all.streams.extend(page.streams);
                }
            }
            .boxed()
        };
        self.push_call(said, run);
    }

    fn push(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }

    fn push_call(
        &self,
        said: String,
        run: impl FnOnce(Client) -> BoxFuture<'static, Result<String, Status>> + 'static,
    ) {
        self.push(Step::Call {
            said,
            run: Box::new(run),
        });
    }

    fn call<Q, R, F>(&self, method: &str, request: Q, call: F)
    where
        Q: Debug + Send + 'static,
        R: Tidy,
        F: FnOnce(Client, Q) -> BoxFuture<'static, Result<R, Status>> + Send + 'static,
    {
        let said = format!("{method} {request:?}");
        let run = |client| async { call(client, request).await.map(tidied) }.boxed();
        self.push_call(said, run);
    }
}

/// A method of the scene for each call of the controller, with the call's name and its request.
macro_rules! calls {
    ($($method:ident($request:ident);)*) => {
        impl Scene {$(
            pub(super) fn $method(&self, request: api::$request) {
                self.call(stringify!($method), request, |mut client, request| {
                    async move { Ok(client.$method(request).await?.into_inner()) }.boxed()
                });
            }
        )*}
    };
}

calls! {
    get_controller_server_list(ServerRequest);
    create_stream(StreamConfig);
    update_stream(StreamConfig);
    truncate_stream(StreamCut);
    seal_stream(StreamInfo);
    delete_stream(StreamInfo);
    get_current_segments(StreamInfo);
    get_epoch_segments(GetEpochSegmentsRequest);
    get_segments(GetSegmentsRequest);
    get_segments_immediatly_following(SegmentId);
    get_segments_immediately_following(SegmentId);
    get_segments_between(StreamCutRange);
    scale(ScaleRequest);
    check_scale(ScaleStatusRequest);
    get_uri(SegmentId);
    is_segment_valid(SegmentId);
    is_stream_cut_valid(StreamCut);
    create_transaction(CreateTxnRequest);
    commit_transaction(TxnRequest);
    abort_transaction(TxnRequest);
    ping_transaction(PingTxnRequest);
    check_transaction_state(TxnRequest);
    list_completed_transactions(ListCompletedTxnRequest);
    create_scope(ScopeInfo);
    check_scope_exists(ScopeInfo);
    check_stream_exists(StreamInfo);
    list_streams_in_scope(StreamsInScopeRequest);
    delete_scope(ScopeInfo);
    delete_scope_recursive(ScopeInfo);
    get_delegation_token(StreamInfo);
    remove_writer(RemoveWriterRequest);
    note_timestamp_from_writer(TimestampFromWriter);
    create_key_value_table(KeyValueTableConfig);
    get_current_segments_key_value_table(KeyValueTableInfo);
    list_key_value_tables_in_scope(KvTablesInScopeRequest);
    get_key_value_table_configuration(KeyValueTableInfo);
    delete_key_value_table(KeyValueTableInfo);
    list_subscribers(StreamInfo);
    update_subscriber_stream_cut(SubscriberStreamCut);
    create_reader_group(ReaderGroupConfiguration);
    get_reader_group_config(ReaderGroupInfo);
    delete_reader_group(ReaderGroupInfo);
    update_reader_group(ReaderGroupConfiguration);
    get_stream_configuration(StreamInfo);
    list_streams_in_scope_for_tag(StreamsInScopeWithTagRequest);
    get_controller_to_bucket_mapping(ControllerToBucketMappingRequest);
}

// Parts of requests.

pub(super) fn named(scope: &str) -> api::ScopeInfo {
    api::ScopeInfo {
        scope: scope.to_owned(),
    }
}

pub(super) fn stream(scope: &str, stream: &str) -> api::StreamInfo {
    api::StreamInfo {
        scope: scope.to_owned(),
        stream: stream.to_owned(),
        access_operation: AccessOperation::Unspecified.into(),
    }
}

/// A stream of a fixed number of segments.
pub(super) fn fixed(stream: &api::StreamInfo, segments: i32) -> api::StreamConfig {
    api::StreamConfig {
        stream_info: Some(stream.clone()),
        scaling_policy: Some(api::ScalingPolicy {
            min_num_segments: segments,
            ..api::ScalingPolicy::default()
        }),
        ..api::StreamConfig::default()
    }
}

pub(super) fn segment(stream: &api::StreamInfo, packed: i64) -> api::SegmentId {
    api::SegmentId {
        stream_info: Some(stream.clone()),
        segment_id: packed,
    }
}

pub(super) fn cut<const N: usize>(
    stream: &api::StreamInfo,
    cut: [(i64, i64); N],
) -> api::StreamCut {
    api::StreamCut {
        stream_info: Some(stream.clone()),
        cut: cut.into(),
    }
}

fn segment_name(stream: &api::StreamInfo, number: u32) -> Arc<str> {
    format!("{}/{}/{number}.#epoch.0", stream.scope, stream.stream).into()
}
