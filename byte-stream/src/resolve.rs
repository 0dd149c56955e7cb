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

/// What the controller is asked for here, for error messages.
const LOOKING_UP: &str = "looking up the segments";

/// The segment that takes new bytes.
pub(crate) async fn segment_to_write(
    core: &Core,
    stream: &ScopedStream,
) -> Result<ScopedSegment, SegmentError> {
    let segments = core.controller.current_segments(stream).await;
    let segments = segments.map_err(|error| controller_failed(stream, LOOKING_UP, error))?;
    if segments.is_empty() {
        return StreamSealedSnafu {
            stream: stream.clone(),
        }
        .fail();
    }
    only(stream, segments.into_iter().map(|range| range.id))
}

/// The segment that holds the first readable bytes; also of a sealed stream.
pub(crate) async fn segment_to_read(
    core: &Core,
    stream: &ScopedStream,
) -> Result<ScopedSegment, SegmentError> {
    let segments = core.controller.head_segments(stream).await;
    let segments = segments.map_err(|error| controller_failed(stream, LOOKING_UP, error))?;
    only(stream, segments.into_iter().map(|(id, _)| id))
}

fn only(
    stream: &ScopedStream,
    mut ids: impl ExactSizeIterator<Item = SegmentId>,
) -> Result<ScopedSegment, SegmentError> {
    let segments = ids.len();
    match ids.next() {
        Some(id) if segments == 1 => Ok(stream.segment(id)),
        _ => NotAByteStreamSnafu {
            stream: stream.clone(),
            segments,
        }
        .fail(),
    }
}

/// An error of the controller, in the words of this crate.
pub(crate) fn controller_failed(
    stream: &ScopedStream,
    operation: &'static str,
    error: ControllerError,
) -> SegmentError {
    match error {
        ControllerError::ScopeNotFound { scope } => ScopeNotFoundSnafu { scope }.build(),
        ControllerError::StreamNotFound { stream } => StreamNotFoundSnafu { stream }.build(),
        ControllerError::StreamSealed { stream } => StreamSealedSnafu { stream }.build(),
        error if is_denied(&error) => {
            let target = stream.to_string();
            UnauthorizedSnafu { target }.into_error(Arc::new(error))
        }
        error => {
            let target = stream.to_string();
            UnavailableSnafu { target, operation }.into_error(Arc::new(error))
        }
    }
}

/// True when the controller refuses who asks.
pub(crate) fn is_denied(error: &ControllerError) -> bool {
    matches!(
        error,
        ControllerError::Unauthenticated { .. } | ControllerError::PermissionDenied { .. }
    )
}

/// True when the controller does not know what is asked for.
pub(crate) fn is_not_found(error: &ControllerError) -> bool {
    matches!(
        error,
        ControllerError::ScopeNotFound { .. } | ControllerError::StreamNotFound { .. }
    )
}
