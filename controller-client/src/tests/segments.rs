//! Every call about segments.

use pravega_client_shared::{ScopedSegment, SegmentId};
use pravega_controller_api as api;
use tonic::Code;

use super::peer::{Step, exists, pair, segment_id as id, stream};
use crate::{BadReply, ControllerError, SegmentRange, Successor, convert::MAX_SEGMENTS};

fn wire_id(packed: i64) -> api::SegmentId {
    api::SegmentId {
        stream_info: None,
        segment_id: packed,
    }
}

fn wire_range(packed: i64, min_key: f64, max_key: f64) -> api::SegmentRange {
    api::SegmentRange {
        segment_id: Some(wire_id(packed)),
        min_key,
        max_key,
    }
}

/// T71: four situations, four answers.
#[tokio::test(start_paused = true)]
async fn t71_two_segments_sealed_no_stream_and_no_scope_are_told_apart() {
    let (client, peer) = pair();
    let two = api::SegmentRanges {
        segment_ranges: vec![wire_range(0, 0.0, 0.5), wire_range((2 << 32) | 7, 0.5, 1.0)],
        delegation_token: String::new(),
    };
    peer.on("getCurrentSegments", [Step::reply(&two)]);
    let segments = client.current_segments(&stream()).await.unwrap();
    let second = SegmentRange {
        id: SegmentId::new(7, 2).unwrap(),
        low: 0.5,
        high: 1.0,
    };
    assert_eq!(
        segments,
        [
            SegmentRange {
                id: id(0),
                low: 0.0,
                high: 0.5
            },
            second
        ]
    );

    peer.on(
        "getCurrentSegments",
        [Step::reply(&api::SegmentRanges::default())],
    );
    assert_eq!(client.current_segments(&stream()).await.unwrap(), []);

    peer.on("getCurrentSegments", [Step::Status(Code::NotFound)]);
    peer.on("checkScopeExists", [exists(true)]);
    let error = client.current_segments(&stream()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::StreamNotFound { .. }),
        "{error:?}"
    );
    peer.on("checkScopeExists", [exists(false)]);
    let error = client.current_segments(&stream()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::ScopeNotFound { .. }),
        "{error:?}"
    );
    // One who may not look at the scope still learns that the stream is missing.
    peer.on("checkScopeExists", [Step::Status(Code::PermissionDenied)]);
    let error = client.current_segments(&stream()).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::StreamNotFound { .. }),
        "{error:?}"
    );
    assert!(!error.is_retryable() && !error.may_have_taken_effect());
}

#[tokio::test(start_paused = true)]
async fn segments_are_listed() {
    let (client, peer) = pair();
    let segment = ScopedSegment::from("camera/front/3");
    let location = |packed, offset| api::segments_at_time::SegmentLocation {
        segment_id: Some(wire_id(packed)),
        offset,
    };
    let heads = api::SegmentsAtTime {
        segments: vec![location(3, 4_000_000_000), location(1, 0)],
        delegation_token: String::new(),
    };
    peer.on("getSegments", [Step::reply(&heads)]);
    assert_eq!(
        client.head_segments(&stream()).await.unwrap(),
        [(id(3), 4_000_000_000), (id(1), 0)]
    );

    let successors = api::SuccessorResponse {
        segments: vec![api::successor_response::SegmentEntry {
            segment: Some(wire_range(4, 0.0, 1.0)),
            value: vec![3, 2],
        }],
        delegation_token: String::new(),
    };
    peer.on(
        "getSegmentsImmediatelyFollowing",
        [Step::reply(&successors)],
    );
    let expected = Successor {
        segment: SegmentRange {
            id: id(4),
            low: 0.0,
            high: 1.0,
        },
        predecessors: vec![id(3), id(2)],
    };
    assert_eq!(client.successors(&segment).await.unwrap(), [expected]);
    assert_eq!(peer.last::<api::SegmentId>().segment_id, 3);

    peer.on(
        "isSegmentValid",
        [Step::reply(&api::SegmentValidityResponse {
            response: true,
        })],
    );
    assert!(client.segment_is_valid(&segment).await.unwrap());
    peer.on("isSegmentValid", [Step::Status(Code::NotFound)]);
    peer.on("checkScopeExists", [exists(true)]);
    let error = client.segment_is_valid(&segment).await.unwrap_err();
    assert!(matches!(error, ControllerError::StreamNotFound { .. }));
}

#[tokio::test(start_paused = true)]
async fn odd_segments_are_errors() {
    let (client, peer) = pair();
    let absent = api::SegmentRange {
        segment_id: None,
        min_key: 0.0,
        max_key: 1.0,
    };
    let lists = [
        vec![wire_range(-1, 0.0, 1.0)],
        vec![absent],
        vec![wire_range(0, f64::NAN, 1.0)],
        vec![wire_range(0, 0.5, 0.4)],
        vec![wire_range(0, 0.0, 1.5)],
        vec![wire_range(0, 0.0, 1.0); MAX_SEGMENTS + 1],
    ];
    for segment_ranges in lists {
        let reply = api::SegmentRanges {
            segment_ranges,
            delegation_token: String::new(),
        };
        peer.on("getCurrentSegments", [Step::reply(&reply)]);
        let error = client.current_segments(&stream()).await.unwrap_err();
        assert!(
            matches!(error, ControllerError::BadReply { .. }),
            "{error:?}"
        );
        assert!(!error.is_retryable());
    }
    let heads = api::SegmentsAtTime {
        segments: vec![api::segments_at_time::SegmentLocation {
            segment_id: Some(wire_id(0)),
            offset: -1,
        }],
        delegation_token: String::new(),
    };
    peer.on("getSegments", [Step::reply(&heads)]);
    let error = client.head_segments(&stream()).await.unwrap_err();
    let expected = BadReply::OutOfRange {
        field: "offset",
        value: -1,
    };
    assert!(matches!(error, ControllerError::BadReply { source, .. } if source == expected));
}
