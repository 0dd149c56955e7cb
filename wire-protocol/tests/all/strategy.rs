//! Any message, for properties.

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, AppendSetup, AuthTokenCheckFailed, ConditionalAppend,
    ConditionalBlockEnd, ConditionalCheckFailed, CreateSegment, DataAppended, DeleteSegment,
    ErrorMessage, Foreign, GetSegmentAttribute, GetStreamSegmentInfo, Hello, InvalidEventNumber,
    KeepAlive, LocateOffset, MERGE_LIMIT, NoSuchSegment, OffsetLocated, OperationUnsupported,
    Padding, Payload, ReadSegment, Reply, Request, SealSegment, SegmentAlreadyExists,
    SegmentAttribute, SegmentAttributeUpdated, SegmentCreated, SegmentDeleted, SegmentIsSealed,
    SegmentIsTruncated, SegmentPolicyUpdated, SegmentRead, SegmentSealed, SegmentTruncated,
    SetupAppend, StreamSegmentInfo, TruncateSegment, Unknown, UpdateSegmentAttribute,
    UpdateSegmentPolicy, WrongHost,
};
use proptest::{collection::vec, prelude::*};

/// Builds a message from a draw per field.
macro_rules! message {
    ($message:ident { $($field:ident: $strategy:expr),* $(,)? }) => {
        ($($strategy,)*)
            .prop_map(|($($field,)*)| $message { $($field),* }.into())
            .boxed()
    };
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    proptest::strategy::Union::new(requests())
}

pub(crate) fn reply() -> impl Strategy<Value = Reply> {
    proptest::strategy::Union::new(replies())
}

/// One strategy per kind of request.
pub(crate) fn requests() -> Vec<BoxedStrategy<Request>> {
    let mut all = vec![
        message!(Hello {
            high_version: any::<i32>(),
            low_version: any::<i32>()
        }),
        Just(KeepAlive.into()).boxed(),
        message!(Padding { len: 0..64_usize }),
        message!(ReadSegment {
            segment: name(),
            offset: number(),
            suggested_length: any::<i32>(),
            delegation_token: token(),
            request_id: number(),
        }),
        message!(Foreign {
            code: Just(58),
            name: Just("MergeSegments"),
            body: raw()
        }),
        message!(Unknown {
            code: 1000..i32::MAX,
            body: raw()
        }),
    ];
    all.extend(append_requests());
    all.extend(segment_requests());
    all
}

fn append_requests() -> Vec<BoxedStrategy<Request>> {
    vec![
        message!(SetupAppend {
            request_id: number(),
            writer_id: writer(),
            segment: name(),
            delegation_token: token(),
        }),
        message!(AppendBlock {
            writer_id: writer(),
            data: payload()
        }),
        message!(AppendBlockEnd {
            writer_id: writer(),
            size_of_whole_events: any::<i32>(),
            data: payload(),
            num_events: any::<i32>(),
            last_event_number: number(),
            request_id: number(),
        }),
        message!(ConditionalAppend {
            writer_id: writer(),
            event_number: number(),
            expected_offset: number(),
            event: payload(),
            request_id: number(),
        }),
        message!(ConditionalBlockEnd {
            writer_id: writer(),
            event_number: number(),
            expected_offset: number(),
            data: payload(),
            request_id: number(),
        }),
    ]
}

fn segment_requests() -> Vec<BoxedStrategy<Request>> {
    vec![
        message!(GetStreamSegmentInfo {
            request_id: number(),
            segment: name(),
            delegation_token: token(),
        }),
        message!(CreateSegment {
            request_id: number(),
            segment: name(),
            target_rate: any::<i32>(),
            scale_type: any::<i8>(),
            delegation_token: token(),
            rollover_size_bytes: number(),
        }),
        message!(SealSegment {
            request_id: number(),
            segment: name(),
            delegation_token: token()
        }),
        message!(DeleteSegment {
            request_id: number(),
            segment: name(),
            delegation_token: token()
        }),
        message!(UpdateSegmentPolicy {
            request_id: number(),
            segment: name(),
            target_rate: any::<i32>(),
            scale_type: any::<i8>(),
            delegation_token: token(),
        }),
        message!(TruncateSegment {
            request_id: number(),
            segment: name(),
            truncation_offset: number(),
            delegation_token: token(),
        }),
        message!(GetSegmentAttribute {
            request_id: number(),
            segment: name(),
            attribute_id: any::<u128>(),
            delegation_token: token(),
        }),
        message!(UpdateSegmentAttribute {
            request_id: number(),
            segment: name(),
            attribute_id: any::<u128>(),
            new_value: number(),
            expected_value: number(),
            delegation_token: token(),
        }),
        message!(LocateOffset {
            request_id: number(),
            segment: name(),
            target_offset: number(),
            delegation_token: token(),
        }),
    ]
}

/// One strategy per kind of reply.
pub(crate) fn replies() -> Vec<BoxedStrategy<Reply>> {
    let mut all = vec![
        message!(Hello {
            high_version: any::<i32>(),
            low_version: any::<i32>()
        }),
        Just(KeepAlive.into()).boxed(),
        message!(SegmentRead {
            segment: name(),
            offset: number(),
            at_tail: any::<bool>(),
            end_of_segment: any::<bool>(),
            data: payload(),
            request_id: number(),
        }),
        message!(StreamSegmentInfo {
            request_id: number(),
            segment: name(),
            exists: any::<bool>(),
            is_sealed: any::<bool>(),
            is_deleted: any::<bool>(),
            last_modified: number(),
            write_offset: number(),
            start_offset: number(),
        }),
        message!(SegmentAttribute {
            request_id: number(),
            value: number()
        }),
        message!(SegmentAttributeUpdated {
            request_id: number(),
            success: any::<bool>()
        }),
        message!(Foreign {
            code: Just(59),
            name: Just("SegmentsMerged"),
            body: raw()
        }),
        message!(Unknown {
            code: i32::MIN..-200,
            body: raw()
        }),
    ];
    all.extend(append_replies());
    all.extend(done_replies());
    all.extend(failure_replies());
    all
}

fn append_replies() -> Vec<BoxedStrategy<Reply>> {
    vec![
        message!(AppendSetup {
            request_id: number(),
            segment: name(),
            writer_id: writer(),
            last_event_number: number(),
        }),
        message!(DataAppended {
            writer_id: writer(),
            event_number: number(),
            previous_event_number: number(),
            request_id: number(),
            current_segment_write_offset: number(),
        }),
        message!(ConditionalCheckFailed {
            writer_id: writer(),
            event_number: number(),
            request_id: number(),
        }),
        message!(InvalidEventNumber {
            writer_id: writer(),
            request_id: number(),
            server_stack_trace: text(),
            event_number: number(),
        }),
    ]
}

fn done_replies() -> Vec<BoxedStrategy<Reply>> {
    vec![
        message!(SegmentCreated {
            request_id: number(),
            segment: name()
        }),
        message!(SegmentSealed {
            request_id: number(),
            segment: name()
        }),
        message!(SegmentDeleted {
            request_id: number(),
            segment: name()
        }),
        message!(SegmentPolicyUpdated {
            request_id: number(),
            segment: name()
        }),
        message!(SegmentTruncated {
            request_id: number(),
            segment: name()
        }),
        message!(OffsetLocated {
            request_id: number(),
            segment: name(),
            offset: number()
        }),
    ]
}

fn failure_replies() -> Vec<BoxedStrategy<Reply>> {
    vec![
        message!(WrongHost {
            request_id: number(),
            segment: name(),
            correct_host: text(),
            server_stack_trace: text(),
        }),
        message!(SegmentIsSealed {
            request_id: number(),
            segment: name(),
            server_stack_trace: text(),
            offset: number(),
        }),
        message!(SegmentAlreadyExists {
            request_id: number(),
            segment: name(),
            server_stack_trace: text(),
        }),
        message!(NoSuchSegment {
            request_id: number(),
            segment: name(),
            server_stack_trace: text(),
            offset: number(),
        }),
        message!(SegmentIsTruncated {
            request_id: number(),
            segment: name(),
            start_offset: number(),
            server_stack_trace: text(),
            offset: number(),
        }),
        message!(OperationUnsupported {
            request_id: number(),
            operation_name: text(),
            server_stack_trace: text(),
        }),
        message!(AuthTokenCheckFailed {
            request_id: number(),
            server_stack_trace: text(),
            error_code: any::<i32>(),
        }),
        message!(ErrorMessage {
            request_id: number(),
            segment: name(),
            message: text(),
            error_code: any::<i32>(),
        }),
    ]
}

/// Numbers, the outermost ones more often than chance would have it.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => any::<i64>(), 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => Just(-1)]
}

fn writer() -> impl Strategy<Value = WriterId> {
    any::<u128>().prop_map(WriterId::from_wire)
}

/// Text with NUL, controls, and characters above U+FFFF.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![8 => any::<char>(), 1 => Just('\0'), 1 => Just('\u{1F600}')];
    vec(character, 0..12).prop_map(String::from_iter)
}

fn name() -> impl Strategy<Value = Arc<str>> {
    text().prop_map(Arc::from)
}

fn token() -> impl Strategy<Value = DelegationToken> {
    text().prop_map(|text| DelegationToken::new(&text))
}

fn raw() -> impl Strategy<Value = Bytes> {
    (any::<u8>(), 0..40_usize).prop_map(|(fill, length)| vec![fill; length].into())
}

/// User data in up to four chunks, on both sides of the limit for merging.
pub(crate) fn payload() -> impl Strategy<Value = Payload> {
    let length = prop_oneof![6 => 0..40_usize, 1 => MERGE_LIMIT - 2..MERGE_LIMIT + 2];
    let chunk = (any::<u8>(), length).prop_map(|(fill, length)| Bytes::from(vec![fill; length]));
    vec(chunk, 0..4).prop_map(Payload::from_chunks)
}
