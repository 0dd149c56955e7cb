//! Between the messages of the wire and the catalog's own types.

use std::collections::BTreeSet;

use pravega_client_shared::{Endpoint, ScopedStream, SegmentId};
use pravega_controller_api as api;
use tonic::Status;

use super::{
    changes::ChangeError,
    stream::{Retention, Scaling, SegmentEntry, StreamSettings},
};
use crate::store::StoreError;

/// What the real controller says to a call that its code did not expect, such as one with an empty name.
pub(super) fn unexpected() -> Status {
    Status::internal("Internal exception occurred")
}

/// Scope and stream of a request; a real controller fails when one of them is empty or the message absent.
pub(super) fn named(stream: Option<api::StreamInfo>) -> Result<(String, String), Status> {
    match stream {
        Some(info) if !info.scope.is_empty() && !info.stream.is_empty() => {
            Ok((info.scope, info.stream))
        }
        _ => Err(unexpected()),
    }
}

/// The scope of a request, which must not be empty either.
pub(super) fn scope_named(scope: Option<api::ScopeInfo>) -> Result<String, Status> {
    let name = scope.map(|info| info.scope);
    name.filter(|name| !name.is_empty()).ok_or_else(unexpected)
}

/// Turns a failure of the segment store into a status that clients try again; a refusal is left to the
/// caller, who knows its number in the reply.
pub(super) fn refused(error: ChangeError) -> Result<super::catalog::Refusal, Status> {
    match error {
        ChangeError::Refused(refusal) => Ok(refusal),
        ChangeError::Store(error) => Err(unavailable(&error)),
    }
}

fn unavailable(error: &StoreError) -> Status {
    tracing::warn!(name: "catalog.change_failed", %error, "a change of the catalog failed");
    Status::unavailable("the segment store is not available")
}

/// The settings of a request. `None` for a policy that is absent or of an unknown kind.
pub(super) fn settings(config: &api::StreamConfig) -> Option<StreamSettings> {
    let scaling = config.scaling_policy.as_ref()?;
    api::scaling_policy::ScalingPolicyType::try_from(scaling.scale_type).ok()?;
    // A policy of type 0 stands for none, as does an empty message of tags.
    let retention = config
        .retention_policy
        .as_ref()
        .filter(|policy| policy.retention_type != 0);
    if let Some(policy) = retention {
        api::retention_policy::RetentionPolicyType::try_from(policy.retention_type).ok()?;
    }
    let tags: BTreeSet<&String> = config.tags.iter().flat_map(|tags| &tags.tag).collect();
    Some(StreamSettings {
        scaling: Scaling {
            kind: scaling.scale_type,
            target_rate: scaling.target_rate,
            factor: scaling.scale_factor,
            min_segments: scaling.min_num_segments,
        },
        retention: retention.map(|policy| Retention {
            kind: policy.retention_type,
            least: policy.retention_param,
            most: policy.retention_max,
        }),
        tags: tags.into_iter().cloned().collect(),
        timestamp_aggregation_timeout: config.timestamp_aggregation_timeout,
        rollover_size: config.rollover_size_bytes,
    })
}

/// The settings as a reply has them: scaling policy and tags always, the retention policy when set.
pub(super) fn config(name: &ScopedStream, settings: &StreamSettings) -> api::StreamConfig {
    let scaling = settings.scaling;
    api::StreamConfig {
        stream_info: Some(stream_info(name)),
        scaling_policy: Some(api::ScalingPolicy {
            scale_type: scaling.kind,
            target_rate: scaling.target_rate,
            scale_factor: scaling.factor,
            min_num_segments: scaling.min_segments,
        }),
        retention_policy: settings.retention.map(|retention| api::RetentionPolicy {
            retention_type: retention.kind,
            retention_param: retention.least,
            retention_max: retention.most,
        }),
        tags: Some(api::Tags {
            tag: settings.tags.clone(),
        }),
        timestamp_aggregation_timeout: settings.timestamp_aggregation_timeout,
        rollover_size_bytes: settings.rollover_size,
    }
}

pub(super) fn stream_info(name: &ScopedStream) -> api::StreamInfo {
    api::StreamInfo {
        scope: name.scope().to_string(),
        stream: name.stream().to_string(),
        access_operation: 0,
    }
}

pub(super) fn segment_id(name: &ScopedStream, id: SegmentId) -> api::SegmentId {
    api::SegmentId {
        stream_info: Some(stream_info(name)),
        segment_id: id.packed(),
    }
}

pub(super) fn segment_range(name: &ScopedStream, entry: &SegmentEntry) -> api::SegmentRange {
    api::SegmentRange {
        segment_id: Some(segment_id(name, entry.id)),
        min_key: entry.min_key,
        max_key: entry.max_key,
    }
}

pub(super) fn node(endpoint: &Endpoint) -> api::NodeUri {
    api::NodeUri {
        endpoint: endpoint.host().to_owned(),
        port: i32::from(endpoint.port()),
    }
}
