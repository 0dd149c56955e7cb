//! Frames from the wire: every vector decodes to the message it stands for, and encodes to the same bytes.
//!
//! Recorded between a Java client and a Pravega 0.12.0; scope `examples`, stream `helloStream`.

use std::{collections::BTreeSet, fmt::Debug};

use prost::Message;

use crate as api;
use crate::stream_info::AccessOperation;

/// A gRPC message frame: not compressed, length, body.
fn body(frame: &str) -> Vec<u8> {
    let digits: String = frame.split_whitespace().collect();
    let bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    let (header, body) = bytes.split_at(5);
    assert_eq!(header[0], 0, "a frame of the trace is not compressed");
    let announced = u32::from_be_bytes(header[1..].try_into().unwrap());
    assert_eq!(usize::try_from(announced).unwrap(), body.len());
    body.to_vec()
}

#[track_caller]
fn check<M: Message + Default + PartialEq + Debug>(frame: &str, message: &M) {
    let body = body(frame);
    assert_eq!(&M::decode(&*body).unwrap(), message);
    assert_eq!(message.encode_to_vec(), body);
}

fn stream(access: AccessOperation) -> api::StreamInfo {
    api::StreamInfo {
        scope: "examples".to_owned(),
        stream: "helloStream".to_owned(),
        access_operation: access.into(),
    }
}

fn segment_0() -> api::SegmentId {
    api::SegmentId {
        stream_info: Some(stream(AccessOperation::Unspecified)),
        segment_id: 0,
    }
}

#[test]
fn create_scope() {
    let request = api::ScopeInfo {
        scope: "examples".to_owned(),
    };
    check("00 0000000a 0a086578616d706c6573", &request);
}

#[test]
fn an_empty_reply_is_success() {
    let empty = "00 00000000";
    check(empty, &api::CreateScopeStatus::default());
    check(empty, &api::CreateStreamStatus::default());
    check(empty, &api::UpdateStreamStatus::default());
    check(empty, &api::DeleteStreamStatus::default());
    check(empty, &api::DeleteScopeStatus::default());
    let reply = api::CreateScopeStatus::default();
    assert_eq!(
        api::create_scope_status::Status::try_from(reply.status),
        Ok(api::create_scope_status::Status::Success)
    );
}

#[test]
fn create_stream() {
    let request = api::StreamConfig {
        stream_info: Some(stream(AccessOperation::Unspecified)),
        scaling_policy: Some(api::ScalingPolicy {
            min_num_segments: 1,
            ..Default::default()
        }),
        tags: Some(api::Tags::default()),
        ..Default::default()
    };
    check(
        "00 0000001f 0a170a086578616d706c6573120b68656c6c6f53747265616d 12022001 2200",
        &request,
    );
}

#[test]
fn current_segments() {
    check(
        "00 00000019 0a086578616d706c6573 120b68656c6c6f53747265616d 1801",
        &stream(AccessOperation::None),
    );
    let reply = api::SegmentRanges {
        segment_ranges: vec![api::SegmentRange {
            segment_id: Some(segment_0()),
            min_key: 0.0,
            max_key: 1.0,
        }],
        delegation_token: String::new(),
    };
    check(
        "00 00000026 0a24 0a19 0a17 0a086578616d706c6573120b68656c6c6f53747265616d
         19000000000000f03f",
        &reply,
    );
}

#[test]
fn endpoint_of_a_segment() {
    check(
        "00 00000019 0a17 0a086578616d706c6573120b68656c6c6f53747265616d",
        &segment_0(),
    );
    let reply = api::NodeUri {
        endpoint: "0.0.0.0".to_owned(),
        port: 6000,
    };
    check("00 0000000c 0a07302e302e302e30 10f02e", &reply);
}

#[test]
fn head_segments() {
    let request = api::GetSegmentsRequest {
        stream_info: Some(stream(AccessOperation::None)),
        timestamp: 0,
    };
    check(
        "00 0000001b 0a19 0a086578616d706c6573120b68656c6c6f53747265616d1801",
        &request,
    );
    let reply = api::SegmentsAtTime {
        segments: vec![api::segments_at_time::SegmentLocation {
            segment_id: Some(segment_0()),
            offset: 0,
        }],
        delegation_token: String::new(),
    };
    check(
        "00 0000001d 0a1b 0a19 0a17 0a086578616d706c6573120b68656c6c6f53747265616d",
        &reply,
    );
}

#[test]
fn delegation_token() {
    for (last, access) in [
        ("1803", AccessOperation::Read),
        ("1804", AccessOperation::Write),
        ("1805", AccessOperation::ReadWrite),
    ] {
        let frame = format!("00 00000019 0a086578616d706c6573 120b68656c6c6f53747265616d {last}");
        check(&frame, &stream(access));
    }
    check("00 00000000", &api::DelegationToken::default());
}

/// The paths of the HTTP/2 requests are names of the schema: a misspelt method is another method.
#[test]
fn the_service_has_the_paths_of_pravega() {
    let names = "getControllerServerList createStream updateStream truncateStream sealStream deleteStream \
        getCurrentSegments getEpochSegments getSegments getSegmentsImmediatlyFollowing \
        getSegmentsImmediatelyFollowing getSegmentsBetween scale checkScale getURI isSegmentValid \
        isStreamCutValid createTransaction commitTransaction abortTransaction pingTransaction \
        checkTransactionState listCompletedTransactions createScope listScopes checkScopeExists \
        checkStreamExists listStreamsInScope deleteScope deleteScopeRecursive getDelegationToken \
        removeWriter noteTimestampFromWriter createKeyValueTable getCurrentSegmentsKeyValueTable \
        listKeyValueTablesInScope getKeyValueTableConfiguration deleteKeyValueTable listSubscribers \
        updateSubscriberStreamCut createReaderGroup getReaderGroupConfig deleteReaderGroup \
        updateReaderGroup getStreamConfiguration listStreamsInScopeForTag getControllerToBucketMapping";
    let expected: BTreeSet<&str> = names.split_whitespace().collect();
    assert_eq!(expected.len(), 47);

    let source = include_str!("../proto/controller.proto");
    assert!(source.contains("package io.pravega.controller.stream.api.grpc.v1;"));
    assert!(source.contains("service ControllerService {"));
    let declared: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc "))
        .filter_map(|line| line.split_once('(').map(|(name, _)| name))
        .collect();
    assert_eq!(declared, expected);
}
