//! Requests about a segment as a whole.

use std::sync::Arc;

use pravega_wire_protocol::{
    CreateSegment, DeleteSegment, ErrorMessage, GetSegmentAttribute, GetStreamSegmentInfo,
    LocateOffset, NoSuchSegment, OffsetLocated, OperationUnsupported, Request, SealSegment,
    SegmentAlreadyExists, SegmentAttribute, SegmentAttributeUpdated, SegmentCreated,
    SegmentDeleted, SegmentIsSealed, SegmentIsTruncated, SegmentPolicyUpdated, SegmentSealed,
    SegmentTruncated, StreamSegmentInfo, TruncateSegment, UpdateSegmentAttribute,
    UpdateSegmentPolicy,
};

use super::{Answer, CloseReason, refusal};
use crate::{
    limits::MAX_SEGMENT_NAME,
    store::{AttributeUpdate, Policy, Segments, StoreError},
};

/// "No offset" in the error replies that have a field for one.
const NO_OFFSET: i64 = -1;

/// True for the requests that [`answer`] understands.
pub(crate) fn is_segment_request(request: &Request) -> bool {
    matches!(
        request,
        Request::GetStreamSegmentInfo(_)
            | Request::CreateSegment(_)
            | Request::SealSegment(_)
            | Request::DeleteSegment(_)
            | Request::UpdateSegmentPolicy(_)
            | Request::TruncateSegment(_)
            | Request::GetSegmentAttribute(_)
            | Request::UpdateSegmentAttribute(_)
            | Request::LocateOffset(_)
    )
}

/// Answers one request.
pub(crate) async fn answer(segments: Segments, request: Request) -> Answer {
    match request {
        Request::GetStreamSegmentInfo(request) => info(&segments, request).await,
        Request::CreateSegment(request) => create(&segments, request).await,
        Request::SealSegment(request) => seal(&segments, request).await,
        Request::DeleteSegment(request) => delete(&segments, request).await,
        Request::UpdateSegmentPolicy(request) => set_policy(&segments, request).await,
        Request::TruncateSegment(request) => truncate(&segments, request).await,
        Request::GetSegmentAttribute(request) => attribute(&segments, request).await,
        Request::UpdateSegmentAttribute(request) => update_attribute(&segments, request).await,
        Request::LocateOffset(request) => locate(&segments, request).await,
        _ => Answer::Close(CloseReason::BadFrame),
    }
}

async fn info(segments: &Segments, request: GetStreamSegmentInfo) -> Answer {
    let GetStreamSegmentInfo {
        request_id,
        segment,
        ..
    } = request;
    match segments.info(&segment).await {
        Ok(info) => Answer::reply(StreamSegmentInfo {
            request_id,
            segment,
            exists: true,
            is_sealed: info.sealed,
            is_deleted: false,
            last_modified: info.last_modified_ms,
            write_offset: info.length.cast_signed(),
            start_offset: info.start.cast_signed(),
        }),
        Err(error) => failed(&error, request_id, segment, NO_OFFSET, "segment info"),
    }
}

async fn create(segments: &Segments, request: CreateSegment) -> Answer {
    let CreateSegment {
        request_id,
        segment,
        target_rate,
        scale_type,
        rollover_size_bytes,
        ..
    } = request;
    if segment.len() > MAX_SEGMENT_NAME {
        let code = ErrorMessage::ILLEGAL_ARGUMENT;
        return Answer::Reply(refusal(request_id, &segment, "the name is too long", code));
    }
    let policy = Policy {
        scale_type,
        target_rate,
        rollover_bytes: rollover_size_bytes.max(0),
    };
    match segments.create_with(&segment, policy).await {
        Ok(true) => Answer::reply(SegmentCreated {
            request_id,
            segment,
        }),
        Ok(false) => Answer::reply(SegmentAlreadyExists {
            request_id,
            segment,
            server_stack_trace: String::new(),
        }),
        Err(error) => failed(&error, request_id, segment, NO_OFFSET, "creating a segment"),
    }
}

async fn seal(segments: &Segments, request: SealSegment) -> Answer {
    let SealSegment {
        request_id,
        segment,
        ..
    } = request;
    let sealed = match segments.find(&segment) {
        Ok(found) => segments.seal_once(&found).await,
        Err(error) => Err(error),
    };
    match sealed {
        Ok(true) => Answer::reply(SegmentSealed {
            request_id,
            segment,
        }),
        Ok(false) => failed(
            &StoreError::Sealed,
            request_id,
            segment,
            NO_OFFSET,
            "sealing",
        ),
        Err(error) => failed(&error, request_id, segment, NO_OFFSET, "sealing"),
    }
}

async fn truncate(segments: &Segments, request: TruncateSegment) -> Answer {
    let TruncateSegment {
        request_id,
        segment,
        truncation_offset,
        ..
    } = request;
    let truncated = match (segments.find(&segment), u64::try_from(truncation_offset)) {
        (Err(error), _) => Err(error),
        (Ok(_), Err(_)) => return Answer::Close(CloseReason::IllegalOffset),
        (Ok(_), Ok(offset)) => segments.truncate(&segment, offset).await,
    };
    match truncated {
        Ok(()) => Answer::reply(SegmentTruncated {
            request_id,
            segment,
        }),
        Err(error) => failed(&error, request_id, segment, truncation_offset, "truncating"),
    }
}

async fn delete(segments: &Segments, request: DeleteSegment) -> Answer {
    let DeleteSegment {
        request_id,
        segment,
        ..
    } = request;
    match segments.delete(&segment).await {
        Ok(()) => Answer::reply(SegmentDeleted {
            request_id,
            segment,
        }),
        Err(error) => failed(&error, request_id, segment, NO_OFFSET, "deleting"),
    }
}

async fn set_policy(segments: &Segments, request: UpdateSegmentPolicy) -> Answer {
    let UpdateSegmentPolicy {
        request_id,
        segment,
        target_rate,
        scale_type,
        ..
    } = request;
    let policy = Policy {
        scale_type,
        target_rate,
        rollover_bytes: 0,
    };
    match segments.set_policy(&segment, policy).await {
        Ok(()) => Answer::reply(SegmentPolicyUpdated {
            request_id,
            segment,
        }),
        Err(error) => failed(&error, request_id, segment, NO_OFFSET, "updating a policy"),
    }
}

async fn attribute(segments: &Segments, request: GetSegmentAttribute) -> Answer {
    let GetSegmentAttribute {
        request_id,
        segment,
        attribute_id,
        ..
    } = request;
    match segments.attribute(&segment, attribute_id).await {
        Ok(value) => Answer::reply(SegmentAttribute { request_id, value }),
        Err(error) => failed(
            &error,
            request_id,
            segment,
            NO_OFFSET,
            "reading an attribute",
        ),
    }
}

async fn update_attribute(segments: &Segments, request: UpdateSegmentAttribute) -> Answer {
    let UpdateSegmentAttribute {
        request_id,
        segment,
        attribute_id,
        new_value,
        expected_value,
        ..
    } = request;
    let update = AttributeUpdate {
        id: attribute_id,
        expected: expected_value,
        value: new_value,
    };
    match segments.update_attribute(&segment, update).await {
        Ok(success) => Answer::reply(SegmentAttributeUpdated {
            request_id,
            success,
        }),
        Err(error) => failed(
            &error,
            request_id,
            segment,
            NO_OFFSET,
            "updating an attribute",
        ),
    }
}

/// There is no index of append boundaries here; the real server answers with the tail then.
async fn locate(segments: &Segments, request: LocateOffset) -> Answer {
    let LocateOffset {
        request_id,
        segment,
        ..
    } = request;
    match segments.info(&segment).await {
        Ok(info) => Answer::reply(OffsetLocated {
            request_id,
            segment,
            offset: info.length.cast_signed(),
        }),
        Err(error) => failed(&error, request_id, segment, NO_OFFSET, "locating an offset"),
    }
}

/// The reply to a request that failed. Stack traces stay here: they are for our log, not for the peer.
pub(super) fn failed(
    error: &StoreError,
    request_id: i64,
    segment: Arc<str>,
    offset: i64,
    operation: &str,
) -> Answer {
    let server_stack_trace = String::new();
    match error {
        StoreError::NoSuchSegment => Answer::reply(NoSuchSegment {
            request_id,
            segment,
            server_stack_trace,
            offset,
        }),
        StoreError::Sealed => Answer::reply(SegmentIsSealed {
            request_id,
            segment,
            server_stack_trace,
            offset,
        }),
        StoreError::OutOfRange { start, .. } => Answer::reply(SegmentIsTruncated {
            request_id,
            segment,
            start_offset: start.cast_signed(),
            server_stack_trace,
            offset,
        }),
        StoreError::Full { .. } | StoreError::DiskFull => {
            let message = error.to_string();
            let code = ErrorMessage::UNSPECIFIED;
            Answer::Reply(refusal(request_id, &segment, &message, code))
        }
        StoreError::Stopped { .. } => Answer::reply(OperationUnsupported {
            request_id,
            operation_name: operation.to_owned(),
            server_stack_trace,
        }),
        StoreError::Unreadable { .. } | StoreError::ShuttingDown => {
            Answer::Close(CloseReason::Store)
        }
    }
}
