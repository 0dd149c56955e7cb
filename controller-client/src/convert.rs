//! Between the messages of the wire and our own types. Pure; whatever a peer sends, the answer is a value
//! or an error.

use std::{collections::BTreeMap, time::Duration};

use pravega_client_shared::{Endpoint, ScopeName, ScopedSegment, ScopedStream, SegmentId};
use pravega_controller_api::{
    self as api, retention_policy::RetentionPolicyType, scaling_policy::ScalingPolicyType,
    stream_info::AccessOperation,
};
use snafu::{OptionExt, ResultExt, ensure};

use crate::{
    BadReply, ControllerError, MAX_TAG_CHARS, MAX_TAGS, Retention, Scaling, SegmentRange,
    StreamConfiguration, StreamCut, Successor,
    error::{
        BadEndpointSnafu, BadKeyRangeSnafu, BadSegmentIdSnafu, InvalidArgumentSnafu, MissingSnafu,
        OutOfRangeSnafu, TooManySnafu,
    },
};

/// The most segments of one stream that an answer may list. The server splits streams into far fewer; the
/// bound keeps an answer from costing more than its 4 MiB.
pub(crate) const MAX_SEGMENTS: usize = 65_536;

/// Stands for "no upper limit" in a retention policy.
const NO_LIMIT: i64 = i64::MAX;

pub(crate) fn scope_info(scope: &ScopeName) -> api::ScopeInfo {
    api::ScopeInfo {
        scope: scope.to_string(),
    }
}

pub(crate) fn stream_info(stream: &ScopedStream, access: AccessOperation) -> api::StreamInfo {
    api::StreamInfo {
        scope: stream.scope().to_string(),
        stream: stream.stream().to_string(),
        access_operation: access.into(),
    }
}

/// A stream in a request that wants no token.
pub(crate) fn plain_stream_info(stream: &ScopedStream) -> api::StreamInfo {
    stream_info(stream, AccessOperation::None)
}

pub(crate) fn segment_id(segment: &ScopedSegment) -> api::SegmentId {
    api::SegmentId {
        stream_info: Some(plain_stream_info(segment.stream())),
        segment_id: segment.id().packed(),
    }
}

pub(crate) fn stream_cut(
    stream: &ScopedStream,
    cut: &StreamCut,
) -> Result<api::StreamCut, ControllerError> {
    let reason = "an offset is at most 2^63 - 1";
    let offset = |(id, offset): (&SegmentId, &u64)| {
        let offset = i64::try_from(*offset)
            .ok()
            .context(InvalidArgumentSnafu { reason })?;
        Ok((id.packed(), offset))
    };
    Ok(api::StreamCut {
        stream_info: Some(plain_stream_info(stream)),
        cut: cut
            .iter()
            .map(offset)
            .collect::<Result<BTreeMap<_, _>, _>>()?,
    })
}

pub(crate) fn stream_config(
    stream: &ScopedStream,
    configuration: &StreamConfiguration,
) -> Result<api::StreamConfig, ControllerError> {
    check_tags(&configuration.tags)?;
    let rollover = i64::try_from(configuration.rollover_size_bytes).ok();
    Ok(api::StreamConfig {
        stream_info: Some(plain_stream_info(stream)),
        scaling_policy: Some(scaling_policy(configuration.scaling)?),
        retention_policy: configuration.retention.map(retention_policy).transpose()?,
        tags: Some(api::Tags {
            tag: configuration.tags.clone(),
        }),
        timestamp_aggregation_timeout: millis(configuration.timestamp_aggregation_timeout)?,
        rollover_size_bytes: rollover.context(InvalidArgumentSnafu {
            reason: "a rollover size is at most 2^63 - 1",
        })?,
    })
}

fn check_tags(tags: &[String]) -> Result<(), ControllerError> {
    let reason = "a stream has at most 128 tags";
    ensure!(tags.len() <= MAX_TAGS, InvalidArgumentSnafu { reason });
    let fits = |tag: &String| tag.chars().count() < MAX_TAG_CHARS;
    let reason = "a tag has at most 255 characters";
    ensure!(tags.iter().all(fits), InvalidArgumentSnafu { reason });
    Ok(())
}

fn scaling_policy(scaling: Scaling) -> Result<api::ScalingPolicy, ControllerError> {
    let reason = "numbers of segments, rates and factors are 1 to 2^31 - 1";
    let number = |number: u32| {
        i32::try_from(number)
            .ok()
            .filter(|&number| number > 0)
            .context(InvalidArgumentSnafu { reason })
    };
    let by_rate = |kind: ScalingPolicyType, rate, factor, min_segments| {
        Ok(api::ScalingPolicy {
            scale_type: kind.into(),
            target_rate: number(rate)?,
            scale_factor: number(factor)?,
            min_num_segments: number(min_segments)?,
        })
    };
    match scaling {
        Scaling::Fixed { segments } => Ok(api::ScalingPolicy {
            scale_type: ScalingPolicyType::FixedNumSegments.into(),
            target_rate: 0,
            scale_factor: 0,
            min_num_segments: number(segments)?,
        }),
        Scaling::ByKilobytes {
            target_per_second,
            factor,
            min_segments,
        } => by_rate(
            ScalingPolicyType::ByRateInKbytesPerSec,
            target_per_second,
            factor,
            min_segments,
        ),
        Scaling::ByEvents {
            target_per_second,
            factor,
            min_segments,
        } => by_rate(
            ScalingPolicyType::ByRateInEventsPerSec,
            target_per_second,
            factor,
            min_segments,
        ),
    }
}

fn retention_policy(retention: Retention) -> Result<api::RetentionPolicy, ControllerError> {
    let bytes = |bytes: u64| {
        let reason = "a size is at most 2^63 - 1";
        i64::try_from(bytes)
            .ok()
            .context(InvalidArgumentSnafu { reason })
    };
    let (kind, min, max) = match retention {
        Retention::Time { min, max } => (
            RetentionPolicyType::Time,
            millis(min)?,
            max.map(millis).transpose()?,
        ),
        Retention::Bytes { min, max } => (
            RetentionPolicyType::Size,
            bytes(min)?,
            max.map(bytes).transpose()?,
        ),
    };
    let max = max.unwrap_or(NO_LIMIT);
    ensure!(
        min <= max,
        InvalidArgumentSnafu {
            reason: "the least kept is more than the most"
        }
    );
    Ok(api::RetentionPolicy {
        retention_type: kind.into(),
        retention_param: min,
        retention_max: max,
    })
}

fn millis(time: Duration) -> Result<i64, ControllerError> {
    let reason = "a time is at most 2^63 - 1 milliseconds";
    i64::try_from(time.as_millis())
        .ok()
        .context(InvalidArgumentSnafu { reason })
}

pub(crate) fn read_configuration(
    config: api::StreamConfig,
) -> Result<StreamConfiguration, BadReply> {
    let scaling = config.scaling_policy.context(MissingSnafu {
        field: "scaling policy",
    })?;
    let timeout = number("aggregation timeout", config.timestamp_aggregation_timeout)?;
    Ok(StreamConfiguration {
        scaling: read_scaling(&scaling)?,
        retention: config
            .retention_policy
            .as_ref()
            .map(read_retention)
            .transpose()?
            .flatten(),
        tags: config.tags.unwrap_or_default().tag,
        timestamp_aggregation_timeout: Duration::from_millis(timeout),
        rollover_size_bytes: number("rollover size", config.rollover_size_bytes)?,
    })
}

fn read_scaling(policy: &api::ScalingPolicy) -> Result<Scaling, BadReply> {
    let part = |field, value: i32| {
        u32::try_from(value).ok().context(OutOfRangeSnafu {
            field,
            value: i64::from(value),
        })
    };
    let min_segments = part("number of segments", policy.min_num_segments)?;
    let target_per_second = part("target rate", policy.target_rate)?;
    let factor = part("scale factor", policy.scale_factor)?;
    let kind = policy.scale_type;
    match ScalingPolicyType::try_from(kind) {
        Ok(ScalingPolicyType::FixedNumSegments) => Ok(Scaling::Fixed {
            segments: min_segments,
        }),
        Ok(ScalingPolicyType::ByRateInKbytesPerSec) => Ok(Scaling::ByKilobytes {
            target_per_second,
            factor,
            min_segments,
        }),
        Ok(ScalingPolicyType::ByRateInEventsPerSec) => Ok(Scaling::ByEvents {
            target_per_second,
            factor,
            min_segments,
        }),
        Err(_) => OutOfRangeSnafu {
            field: "scaling type",
            value: i64::from(kind),
        }
        .fail(),
    }
}

fn read_retention(policy: &api::RetentionPolicy) -> Result<Option<Retention>, BadReply> {
    let kind = policy.retention_type;
    let kind = match RetentionPolicyType::try_from(kind) {
        Ok(RetentionPolicyType::Unknown) => return Ok(None),
        Ok(kind) => kind,
        Err(_) => {
            return OutOfRangeSnafu {
                field: "retention type",
                value: i64::from(kind),
            }
            .fail();
        }
    };
    let min = number("retention limit", policy.retention_param)?;
    // Servers older than the upper limit leave it out.
    let max = match policy.retention_max {
        0 | NO_LIMIT => None,
        max => Some(number("upper retention limit", max)?),
    };
    Ok(Some(if kind == RetentionPolicyType::Time {
        Retention::Time {
            min: Duration::from_millis(min),
            max: max.map(Duration::from_millis),
        }
    } else {
        Retention::Bytes { min, max }
    }))
}

pub(crate) fn read_ranges(ranges: &api::SegmentRanges) -> Result<Vec<SegmentRange>, BadReply> {
    check_count(ranges.segment_ranges.len())?;
    ranges.segment_ranges.iter().map(read_range).collect()
}

pub(crate) fn read_heads(
    segments: &api::SegmentsAtTime,
) -> Result<Vec<(SegmentId, u64)>, BadReply> {
    check_count(segments.segments.len())?;
    let read = |location: &api::segments_at_time::SegmentLocation| {
        Ok((
            read_id(location.segment_id.as_ref())?,
            number("offset", location.offset)?,
        ))
    };
    segments.segments.iter().map(read).collect()
}

pub(crate) fn read_successors(
    response: &api::SuccessorResponse,
) -> Result<Vec<Successor>, BadReply> {
    let predecessors = response
        .segments
        .iter()
        .map(|entry| entry.value.len())
        .sum();
    check_count(response.segments.len())?;
    check_count(predecessors)?;
    let id = |&packed: &i64| SegmentId::from_packed(packed).context(BadSegmentIdSnafu);
    let read = |entry: &api::successor_response::SegmentEntry| {
        let range = entry
            .segment
            .as_ref()
            .context(MissingSnafu { field: "successor" })?;
        Ok(Successor {
            segment: read_range(range)?,
            predecessors: entry.value.iter().map(id).collect::<Result<_, _>>()?,
        })
    };
    response.segments.iter().map(read).collect()
}

/// The address in `uri`, which `controller` sent.
///
/// A store that was not told its own address publishes the one it listens on, "all interfaces". That names
/// no host; the controller's is the best guess, since such a store mostly runs beside it.
pub(crate) fn read_endpoint(
    uri: &api::NodeUri,
    controller: &Endpoint,
) -> Result<Endpoint, BadReply> {
    let host = match uri.endpoint.as_str() {
        "0.0.0.0" | "::" | "[::]" | "0:0:0:0:0:0:0:0" => controller.host(),
        host => host,
    };
    Endpoint::new(host, uri.port).context(BadEndpointSnafu)
}

fn read_range(range: &api::SegmentRange) -> Result<SegmentRange, BadReply> {
    let (low, high) = (range.min_key, range.max_key);
    ensure!(0.0 <= low && low <= high && high <= 1.0, BadKeyRangeSnafu);
    Ok(SegmentRange {
        id: read_id(range.segment_id.as_ref())?,
        low,
        high,
    })
}

fn read_id(id: Option<&api::SegmentId>) -> Result<SegmentId, BadReply> {
    let id = id.context(MissingSnafu {
        field: "segment id",
    })?;
    SegmentId::from_packed(id.segment_id).context(BadSegmentIdSnafu)
}

fn number(field: &'static str, value: i64) -> Result<u64, BadReply> {
    u64::try_from(value)
        .ok()
        .context(OutOfRangeSnafu { field, value })
}

fn check_count(count: usize) -> Result<(), BadReply> {
    let (what, max) = ("segments", MAX_SEGMENTS);
    ensure!(count <= max, TooManySnafu { what, count, max });
    Ok(())
}
