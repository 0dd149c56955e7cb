//! The append path: setup, blocks, conditional appends, acks.

use std::sync::Arc;

use pravega_client_shared::{DelegationToken, WriterId};

use crate::{Payload, layout::layout};

/// Opens, or opens again, the append session of a writer on a segment over this connection.
///
/// Answered by [`AppendSetup`]. Nothing may be appended before that answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupAppend {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// Who is going to write. On one connection it addresses one segment at a time.
    pub writer_id: WriterId,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Permission to update the segment; the appends themselves carry none.
    pub delegation_token: DelegationToken,
}

layout!(
    SetupAppend = SETUP_APPEND {
        request_id,
        writer_id,
        segment,
        delegation_token,
    }
);

/// The append session is open. Acknowledges everything up to `last_event_number`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendSetup {
    /// The id of the [`SetupAppend`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Who is going to write.
    pub writer_id: WriterId,
    /// The last event number stored of this writer; [`NO_EVENT_NUMBER`](crate::NO_EVENT_NUMBER) for a
    /// writer never seen.
    pub last_event_number: i64,
}

layout!(
    AppendSetup = APPEND_SETUP {
        request_id,
        segment,
        writer_id,
        last_event_number,
    }
);

/// Data of an append, parked until its [`AppendBlockEnd`]; see [`append_block`](crate::append_block).
///
/// Java clients send it. An [`AppendBlockEnd`] alone is the simpler form of the same append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendBlock {
    /// Who writes.
    pub writer_id: WriterId,
    /// The rest of the frame: data, and at its end possibly one nested frame.
    pub data: Payload,
}

layout!(AppendBlock = APPEND_BLOCK {
    writer_id,
    data as Rest,
});

/// One atomic append: all of its bytes are stored, contiguous, or none.
///
/// Answered by [`DataAppended`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendBlockEnd {
    /// Who writes.
    pub writer_id: WriterId,
    /// How many bytes of the [`AppendBlock`] before it are whole; without one it is ignored.
    pub size_of_whole_events: i32,
    /// The data, or what follows the data of the [`AppendBlock`].
    pub data: Payload,
    /// How many events the block holds, at least 1. It feeds statistics only.
    pub num_events: i32,
    /// The event number of the whole block: that of its last event.
    pub last_event_number: i64,
    /// Pairs the reply with this request; −1 when absent.
    pub request_id: i64,
}

layout!(AppendBlockEnd = APPEND_BLOCK_END {
    writer_id,
    size_of_whole_events,
    data as Blob,
    num_events,
    last_event_number,
    request_id or -1,
});

/// One event, appended only if the segment ends where the writer believes it does.
///
/// What is stored is the event's eight-byte header and its bytes: byte streams use
/// [`ConditionalBlockEnd`] instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionalAppend {
    /// Who writes.
    pub writer_id: WriterId,
    /// The event number.
    pub event_number: i64,
    /// Where the segment must end: an absolute offset; below zero means no condition.
    pub expected_offset: i64,
    /// The event, without the header it is stored with.
    pub event: Payload,
    /// Pairs the reply with this request; −1 when absent.
    pub request_id: i64,
}

layout!(ConditionalAppend = CONDITIONAL_APPEND {
    writer_id,
    event_number,
    expected_offset,
    event as Nested,
    request_id or -1,
});

/// Raw bytes, appended only if the segment ends where the writer believes it does.
///
/// Answered by [`DataAppended`] or [`ConditionalCheckFailed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionalBlockEnd {
    /// Who writes.
    pub writer_id: WriterId,
    /// The event number.
    pub event_number: i64,
    /// Where the segment must end: an absolute offset; below zero means no condition.
    pub expected_offset: i64,
    /// The data.
    pub data: Payload,
    /// Pairs the reply with this request.
    pub request_id: i64,
}

layout!(ConditionalBlockEnd = CONDITIONAL_BLOCK_END {
    writer_id,
    event_number,
    expected_offset,
    data as Blob,
    request_id,
});

/// The ack: everything of this writer up to `event_number` is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataAppended {
    /// Who wrote.
    pub writer_id: WriterId,
    /// The event number of the append that completed.
    pub event_number: i64,
    /// The event number acknowledged before, or that of the [`AppendSetup`]; −1 when absent.
    pub previous_event_number: i64,
    /// The id of the append; −1 when absent.
    pub request_id: i64,
    /// The offset behind the append's last byte; −1 when absent.
    pub current_segment_write_offset: i64,
}

layout!(DataAppended = DATA_APPENDED {
    writer_id,
    event_number,
    previous_event_number or -1,
    request_id or -1,
    current_segment_write_offset or -1,
});

/// The segment did not end at the expected offset: nothing was stored, and the session stays usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionalCheckFailed {
    /// Who wrote.
    pub writer_id: WriterId,
    /// The event number of the append that failed.
    pub event_number: i64,
    /// The id of the append; −1 when absent.
    pub request_id: i64,
}

layout!(ConditionalCheckFailed = CONDITIONAL_CHECK_FAILED {
    writer_id,
    event_number,
    request_id or -1,
});

/// The append's number is not the one that must follow what is stored. The segment store closes the
/// connection behind it; the append itself has not failed for good: set up again and look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEventNumber {
    /// Who wrote.
    pub writer_id: WriterId,
    /// The id of the append.
    pub request_id: i64,
    /// Where the server noticed; usually empty.
    pub server_stack_trace: String,
    /// The event number of the append; −1 when absent.
    pub event_number: i64,
}

layout!(InvalidEventNumber = INVALID_EVENT_NUMBER {
    writer_id,
    request_id,
    server_stack_trace or "",
    event_number or -1,
});

/// Bytes without meaning: nested at the end of an [`AppendBlock`] that was announced too large.
///
/// Alone it is ignored, unless an append block is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// How many bytes it fills, without its header.
    pub len: usize,
}

layout!(Padding = PADDING { len as Filler });

/// The beginning of an event, nested at the end of an [`AppendBlock`]; the [`AppendBlockEnd`] has the rest.
///
/// It never travels alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialEvent {
    /// The beginning of the event.
    pub data: Payload,
}

layout!(PartialEvent = PARTIAL_EVENT { data as Rest });
