//! From a stream to its one segment, with a different error for each reason why there is none.

use std::sync::Arc;

use pravega_client_shared::{ScopedSegment, ScopedStream, SegmentId};
use pravega_controller_client::ControllerError;
use snafu::IntoError as _;

use crate::{
    core::Core,
    error::{
        NotAByteStreamSnafu, ScopeNotFoundSnafu, SegmentError, StreamNotFoundSnafu,
        StreamSealedSnafu, UnauthorizedSnafu, UnavailableSnafu,
    },
};

/// The segment that takes new bytes.
pub(crate) async fn segment_to_write(
    core: &Core,
    stream: &ScopedStream,
) -> Result<ScopedSegment, SegmentError> {
    match core.controller.current_segments(stream).await {
        Ok(segments) if segments.is_empty() => StreamSealedSnafu { stream: stream.clone() }.fail(),
        Ok(segments) => only(stream, &segments),
        Err(error) => Err(why_absent(core, stream, error).await),
    }
}

/// The segment that holds the first readable bytes; also of a sealed stream.
pub(crate) async fn segment_to_read(
    core: &Core,
    stream: &ScopedStream,
) -> Result<ScopedSegment, SegmentError> {
    match core.controller.head_segments(stream).await {
        Ok(segments) => {
            let ids: Vec<SegmentId> = segments.into_iter().map(|(id, _)| id).collect();
            only(stream, &ids)
        }
        Err(error) => Err(why_absent(core, stream, error).await),
    }
}

fn only(stream: &ScopedStream, ids: &[SegmentId]) -> Result<ScopedSegment, SegmentError> {
    match ids {
        [id] => Ok(stream.segment(*id)),
        _ => NotAByteStreamSnafu { stream: stream.clone(), segments: ids.len() }.fail(),
    }
}

/// A controller says the same of a missing scope as of a missing stream; asking once more tells.
async fn why_absent(core: &Core, stream: &ScopedStream, error: ControllerError) -> SegmentError {
    if error.is_not_found() && core.controller.scope_exists(stream.scope()).await.ok() == Some(false) {
        return ScopeNotFoundSnafu { scope: stream.scope().clone() }.build();
    }
    controller_failed(stream, "looking up the segments", error)
}

/// An error of the controller, in the words of this crate.
pub(crate) fn controller_failed(
    stream: &ScopedStream,
    operation: &'static str,
    error: ControllerError,
) -> SegmentError {
    if error.is_not_found() {
        return StreamNotFoundSnafu { stream: stream.clone() }.build();
    }
    if error.is_denied() {
        let segment = stream.segment(SegmentId::default());
        return UnauthorizedSnafu { segment }.into_error(Arc::new(error));
    }
    UnavailableSnafu { target: stream.to_string(), operation }.into_error(Arc::new(error))
}
