//! Calls about the segments of a stream.

use pravega_client_shared::{ScopedSegment, ScopedStream, SegmentId};
use pravega_controller_api as api;

use crate::{
    ControllerClient, ControllerError, SegmentRange, Successor,
    convert::{plain_stream_info, read_heads, read_ranges, read_successors, segment_id},
};

impl ControllerClient {
    /// The segments that a stream's writers write to, in the order of their key ranges. One for a byte
    /// stream, and none for a stream that the controller sealed.
    ///
    /// A segment that was sealed at its segment store is listed all the same: the controller is not told.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn current_segments(
        &self,
        stream: &ScopedStream,
    ) -> Result<Vec<SegmentRange>, ControllerError> {
        let asked = self.rpc.call(
            "getCurrentSegments",
            plain_stream_info(stream),
            async |mut client, request| client.get_current_segments(request).await,
            |reply, _| Ok(read_ranges(&reply)?),
        );
        self.naming_what_is_missing(stream, asked.await).await
    }

    /// The segments that a stream's readers begin with, and the offset in each, in no order.
    ///
    /// The offset is the controller's: 0, or that of its last truncation. A byte stream that was truncated at
    /// its segment store begins later, as the store knows.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn head_segments(
        &self,
        stream: &ScopedStream,
    ) -> Result<Vec<(SegmentId, u64)>, ControllerError> {
        let request = api::GetSegmentsRequest {
            stream_info: Some(plain_stream_info(stream)),
            timestamp: 0,
        };
        let asked = self.rpc.call(
            "getSegments",
            request,
            async |mut client, request| client.get_segments(request).await,
            |reply, _| Ok(read_heads(&reply)?),
        );
        self.naming_what_is_missing(stream, asked.await).await
    }

    /// Whether a segment is one of those that its stream's writers write to.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn segment_is_valid(&self, segment: &ScopedSegment) -> Result<bool, ControllerError> {
        let asked = self.rpc.call(
            "isSegmentValid",
            segment_id(segment),
            async |mut client, request| client.is_segment_valid(request).await,
            |reply, _| Ok(reply.response),
        );
        self.naming_what_is_missing(segment.stream(), asked.await)
            .await
    }

    /// The segments that took over from a segment: none when it was not replaced, as for every segment of a
    /// byte stream, open or sealed.
    ///
    /// # Errors
    /// [`ControllerError::StreamNotFound`], [`ControllerError::ScopeNotFound`], or one of
    /// [those that any call may have](crate#errors-of-any-call).
    ///
    /// # Cancel safety
    /// Asks only: nothing is left behind.
    pub async fn successors(
        &self,
        segment: &ScopedSegment,
    ) -> Result<Vec<Successor>, ControllerError> {
        let asked = self.rpc.call(
            "getSegmentsImmediatelyFollowing",
            segment_id(segment),
            async |mut client, request| client.get_segments_immediately_following(request).await,
            |reply, _| Ok(read_successors(&reply)?),
        );
        self.naming_what_is_missing(segment.stream(), asked.await)
            .await
    }
}
