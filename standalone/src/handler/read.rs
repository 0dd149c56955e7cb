//! Reads: answered at once, from the disk, or when there is something to read.

use std::sync::Arc;

use pravega_wire_protocol::{
    ErrorMessage, NoSuchSegment, Payload, ReadSegment, SegmentIsSealed, SegmentIsTruncated,
    SegmentRead,
};
use tokio::sync::Semaphore;

use super::{Answer, CloseReason, refusal};
use crate::store::{ReadOutcome, Segments, read_size};

/// Answers one read. `parking` has a permit for each read that may wait at a tail on this connection.
pub(crate) async fn read(
    segments: Segments,
    request: ReadSegment,
    parking: Arc<Semaphore>,
) -> Answer {
    let size = read_size(request.suggested_length);
    let read = segments.read(&request.segment, request.offset, size, &parking);
    let outcome = read.await;
    reply(request, outcome)
}

fn reply(request: ReadSegment, outcome: ReadOutcome) -> Answer {
    let ReadSegment {
        segment,
        offset,
        request_id,
        ..
    } = request;
    let server_stack_trace = String::new();
    match outcome {
        ReadOutcome::Data {
            data,
            at_tail,
            end_of_segment,
        } => Answer::reply(SegmentRead {
            segment,
            offset,
            at_tail,
            end_of_segment,
            data,
            request_id,
        }),
        // What the real server says of a read that it gives up; the next one learns more.
        ReadOutcome::Deleted => Answer::reply(SegmentRead {
            segment,
            offset,
            at_tail: true,
            end_of_segment: false,
            data: Payload::new(),
            request_id,
        }),
        ReadOutcome::Sealed => Answer::reply(SegmentIsSealed {
            request_id,
            segment,
            server_stack_trace,
            offset,
        }),
        ReadOutcome::Truncated { start } => Answer::reply(SegmentIsTruncated {
            request_id,
            segment,
            start_offset: start.cast_signed(),
            server_stack_trace,
            offset,
        }),
        ReadOutcome::NoSuchSegment => Answer::reply(NoSuchSegment {
            request_id,
            segment,
            server_stack_trace,
            offset,
        }),
        ReadOutcome::TooManyParked => Answer::Reply(refusal(
            request_id,
            &segment,
            "too many reads wait on this connection",
            ErrorMessage::UNSPECIFIED,
        )),
        ReadOutcome::Illegal => Answer::Close(CloseReason::IllegalOffset),
        ReadOutcome::Failed => Answer::Close(CloseReason::Store),
    }
}
