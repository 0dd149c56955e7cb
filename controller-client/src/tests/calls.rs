//! Every call: what goes out, and what each answer is read as.

use std::{collections::BTreeMap, time::Duration};

use futures::TryStreamExt;
use pravega_client_shared::{ScopedSegment, SegmentId};
use pravega_controller_api as api;
use tonic::Code;

use super::peer::{Step, pair, scope, status, stream};
use crate::{
    BadReply, ControllerError, Retention, Scaling, SegmentRange, StreamConfiguration, StreamCut,
    Successor, convert::MAX_SEGMENTS,
};

type Outcome<T> = Result<T, ControllerError>;

fn id(number: u32) -> SegmentId {
    SegmentId::new(number, 0).unwrap()
}

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

fn exists(exists: bool) -> Step {
    Step::reply(&api::ExistsResponse { exists })
}

#[tokio::test(start_paused = true)]
async fn scopes_are_made_and_deleted() {
    let (client, peer) = pair();
    let cases: [(i32, fn(&Outcome<bool>) -> bool); 5] = [
        (0, |made| matches!(made, Ok(true))),
        (2, |made| matches!(made, Ok(false))),
        (
            3,
            |made| matches!(made, Err(ControllerError::InvalidName { name }) if name == "camera"),
        ),
        (1, |made| {
            matches!(made, Err(ControllerError::Failure { .. }))
        }),
        (9, |made| {
            matches!(made, Err(ControllerError::UnknownStatus { number: 9, .. }))
        }),
    ];
    for (number, expected) in cases {
        peer.on("createScope", [status(number)]);
        let made = client.create_scope(&scope()).await;
        assert!(expected(&made), "{number}: {made:?}");
    }
    assert_eq!(peer.last::<api::ScopeInfo>().scope, "camera");

    let cases: [(i32, fn(&Outcome<bool>) -> bool); 5] = [
        (0, |gone| matches!(gone, Ok(true))),
        (2, |gone| matches!(gone, Ok(false))),
        (3, |gone| {
            matches!(gone, Err(ControllerError::ScopeNotEmpty { .. }))
        }),
        (1, |gone| {
            matches!(gone, Err(ControllerError::Failure { .. }))
        }),
        (-1, |gone| {
            matches!(gone, Err(ControllerError::UnknownStatus { number: -1, .. }))
        }),
    ];
    for (number, expected) in cases {
        peer.on("deleteScope", [status(number)]);
        let gone = client.delete_scope(&scope()).await;
        assert!(expected(&gone), "{number}: {gone:?}");
    }
    peer.on("checkScopeExists", [exists(true), exists(false)]);
    assert!(client.scope_exists(&scope()).await.unwrap());
    assert!(!client.scope_exists(&scope()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn streams_are_made_and_deleted() {
    let (client, peer) = pair();
    let cases: [(i32, fn(&Outcome<bool>) -> bool); 6] = [
        (0, |made| matches!(made, Ok(true))),
        (2, |made| matches!(made, Ok(false))),
        (3, |made| {
            matches!(made, Err(ControllerError::ScopeNotFound { .. }))
        }),
        (
            4,
            |made| matches!(made, Err(ControllerError::InvalidName { name }) if name == "front"),
        ),
        (1, |made| {
            matches!(made, Err(ControllerError::Failure { .. }))
        }),
        (5, |made| {
            matches!(made, Err(ControllerError::UnknownStatus { number: 5, .. }))
        }),
    ];
    for (number, expected) in cases {
        peer.on("createStream", [status(number)]);
        let made = client
            .create_stream(&stream(), &StreamConfiguration::default())
            .await;
        assert!(expected(&made), "{number}: {made:?}");
    }
    let sent: api::StreamConfig = peer.last();
    assert_eq!(sent.stream_info.unwrap().stream, "front");
    assert_eq!(sent.scaling_policy.unwrap().min_num_segments, 1);
    assert_eq!(sent.retention_policy, None);

    let cases: [(i32, fn(&Outcome<bool>) -> bool); 5] = [
        (0, |gone| matches!(gone, Ok(true))),
        (2, |gone| matches!(gone, Ok(false))),
        (3, |gone| {
            matches!(gone, Err(ControllerError::StreamNotSealed { .. }))
        }),
        (1, |gone| {
            matches!(gone, Err(ControllerError::Failure { .. }))
        }),
        (4, |gone| {
            matches!(gone, Err(ControllerError::UnknownStatus { .. }))
        }),
    ];
    for (number, expected) in cases {
        peer.on("deleteStream", [status(number)]);
        let gone = client.delete_stream(&stream()).await;
        assert!(expected(&gone), "{number}: {gone:?}");
    }
    peer.on("checkStreamExists", [exists(true), exists(false)]);
    assert!(client.stream_exists(&stream()).await.unwrap());
    assert!(!client.stream_exists(&stream()).await.unwrap());
}

/// Status 4 of these calls is one that an older schema reads as success.
#[tokio::test(start_paused = true)]
async fn streams_are_changed_truncated_and_sealed() {
    let (client, peer) = pair();
    peer.on("checkScopeExists", [exists(true)]);
    let cases: [(i32, fn(&Outcome<()>) -> bool); 6] = [
        (0, |done| done.is_ok()),
        (2, |done| {
            matches!(done, Err(ControllerError::StreamNotFound { .. }))
        }),
        (3, |done| {
            matches!(done, Err(ControllerError::ScopeNotFound { .. }))
        }),
        (4, |done| {
            matches!(done, Err(ControllerError::StreamSealed { .. }))
        }),
        (1, |done| {
            matches!(done, Err(ControllerError::Failure { .. }))
        }),
        (5, |done| {
            matches!(done, Err(ControllerError::UnknownStatus { .. }))
        }),
    ];
    let configuration = StreamConfiguration::fixed(2);
    let cut = StreamCut::from([(id(0), 7), (id(1), 0)]);
    for (number, expected) in cases {
        for call in ["updateStream", "truncateStream", "sealStream"] {
            peer.on(call, [status(number)]);
        }
        let updated = client.update_stream(&stream(), &configuration).await;
        let truncated = client.truncate_stream(&stream(), &cut).await;
        let sealed = client.seal_stream(&stream()).await;
        for done in [updated, truncated, sealed] {
            assert!(expected(&done), "{number}: {done:?}");
        }
    }
    peer.on("truncateStream", [status(0)]);
    client.truncate_stream(&stream(), &cut).await.unwrap();
    assert_eq!(
        peer.last::<api::StreamCut>().cut,
        BTreeMap::from([(0, 7), (1, 0)])
    );
}

#[tokio::test(start_paused = true)]
async fn a_configuration_comes_back_as_it_went_out() {
    let (client, peer) = pair();
    peer.on("updateStream", [status(0)]);
    let second = Duration::from_secs(1);
    let configurations = [
        StreamConfiguration::default(),
        StreamConfiguration::fixed(3)
            .with_tag("a")
            .with_tag("b")
            .with_rollover_size_bytes(9),
        StreamConfiguration::default()
            .with_scaling(Scaling::ByKilobytes {
                target_per_second: 5,
                factor: 2,
                min_segments: 3,
            })
            .with_retention(Retention::Time {
                min: second,
                max: Some(2 * second),
            }),
        StreamConfiguration::default()
            .with_scaling(Scaling::ByEvents {
                target_per_second: 1,
                factor: 9,
                min_segments: 1,
            })
            .with_retention(Retention::Bytes { min: 1, max: None }),
    ];
    for configuration in configurations {
        client
            .update_stream(&stream(), &configuration)
            .await
            .unwrap();
        let sent: api::StreamConfig = peer.last();
        peer.on("getStreamConfiguration", [Step::reply(&sent)]);
        assert_eq!(
            client.stream_configuration(&stream()).await.unwrap(),
            configuration
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_not_sent() {
    let (client, peer) = pair();
    let plain = StreamConfiguration::default;
    let many = |configuration: StreamConfiguration| {
        (0..129).fold(configuration, |configuration, number| {
            configuration.with_tag(number.to_string())
        })
    };
    let bad = [
        StreamConfiguration::fixed(0),
        StreamConfiguration::fixed(1 << 31),
        plain().with_tag("x".repeat(256)),
        many(plain()),
        plain().with_rollover_size_bytes(1 << 63),
        plain().with_retention(Retention::Bytes {
            min: 2,
            max: Some(1),
        }),
        plain().with_retention(Retention::Time {
            min: Duration::MAX,
            max: None,
        }),
        plain().with_scaling(Scaling::ByEvents {
            target_per_second: 0,
            factor: 1,
            min_segments: 1,
        }),
    ];
    for configuration in bad {
        let made = client.create_stream(&stream(), &configuration).await;
        assert!(
            matches!(made, Err(ControllerError::InvalidArgument { .. })),
            "{made:?}"
        );
    }
    let cut = StreamCut::from([(id(0), u64::MAX)]);
    let error = client.truncate_stream(&stream(), &cut).await.unwrap_err();
    assert!(matches!(error, ControllerError::InvalidArgument { .. }));
    assert!(peer.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn odd_configurations_are_errors() {
    let (client, peer) = pair();
    let policy = |scale_type, segments| api::ScalingPolicy {
        scale_type,
        min_num_segments: segments,
        ..Default::default()
    };
    let with = |policy| api::StreamConfig {
        scaling_policy: Some(policy),
        ..Default::default()
    };
    let retention = |retention_type, retention_param| api::StreamConfig {
        scaling_policy: Some(policy(0, 1)),
        retention_policy: Some(api::RetentionPolicy {
            retention_type,
            retention_param,
            retention_max: 0,
        }),
        ..Default::default()
    };
    let odd = [
        api::StreamConfig::default(),
        with(policy(3, 1)),
        with(policy(0, -1)),
        retention(9, 1),
        retention(1, -1),
        api::StreamConfig {
            rollover_size_bytes: -1,
            ..with(policy(0, 1))
        },
    ];
    for config in odd {
        peer.on("getStreamConfiguration", [Step::reply(&config)]);
        let read = client.stream_configuration(&stream()).await;
        assert!(
            matches!(read, Err(ControllerError::BadReply { .. })),
            "{read:?}"
        );
    }
    for none in [retention(0, 5), with(policy(0, 1))] {
        peer.on("getStreamConfiguration", [Step::reply(&none)]);
        assert_eq!(
            client
                .stream_configuration(&stream())
                .await
                .unwrap()
                .retention,
            None
        );
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

#[tokio::test(start_paused = true)]
async fn listings_go_through_all_pages() {
    let (client, peer) = pair();
    let mark = |token: &str| {
        Some(api::ContinuationToken {
            token: token.to_owned(),
        })
    };
    let page = |names: &[&str], token| {
        let scopes = names.iter().map(ToString::to_string).collect();
        Step::reply(&api::ScopesResponse {
            scopes,
            continuation_token: mark(token),
        })
    };
    peer.on(
        "listScopes",
        [
            page(&["a", "_system"], "1"),
            page(&["b"], "2"),
            page(&[], "2"),
        ],
    );
    let scopes: Vec<_> = client.list_scopes().try_collect().await.unwrap();
    assert_eq!(
        scopes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["a", "_system", "b"]
    );
    assert_eq!(
        peer.last::<api::ScopesRequest>()
            .continuation_token
            .unwrap()
            .token,
        "2"
    );

    let page = |names: &[&str], status| {
        let stream = |name: &&str| api::StreamInfo {
            stream: (*name).to_owned(),
            ..Default::default()
        };
        let streams = names.iter().map(stream).collect();
        let continuation_token = mark("next");
        Step::reply(&api::StreamsInScopeResponse {
            streams,
            continuation_token,
            status,
        })
    };
    peer.on(
        "listStreamsInScope",
        [page(&["x", "_MARKx"], 0), page(&[], 0)],
    );
    let streams: Vec<_> = client.list_streams(&scope()).try_collect().await.unwrap();
    let names: Vec<_> = streams.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["camera/x", "camera/_MARKx"]);

    peer.on("listStreamsInScopeForTag", [page(&["x"], 0), page(&[], 0)]);
    let tagged: Vec<_> = client
        .list_streams_with_tag(&scope(), "t")
        .try_collect()
        .await
        .unwrap();
    assert_eq!(tagged.len(), 1);
    assert_eq!(peer.last::<api::StreamsInScopeWithTagRequest>().tag, "t");

    for (number, is_missing) in [(2, true), (3, false)] {
        peer.on("listStreamsInScope", [page(&[], number)]);
        let error = client
            .list_streams(&scope())
            .try_collect::<Vec<_>>()
            .await
            .unwrap_err();
        assert_eq!(
            matches!(error, ControllerError::ScopeNotFound { .. }),
            is_missing,
            "{error:?}"
        );
    }
}

/// Every call can be awaited in a task, and waiting costs no more than a call.
#[test]
fn calls_are_send() {
    fn is_send<T: Send>(_: &T) {}
    fn check(client: &crate::ControllerClient) {
        let (scope, stream) = (scope(), stream());
        let segment = ScopedSegment::new(stream.clone(), id(0));
        let (cut, configuration) = (StreamCut::new(), StreamConfiguration::default());
        is_send(client);
        is_send(&client.create_scope(&scope));
        is_send(&client.list_scopes());
        is_send(&client.list_streams(&scope));
        is_send(&client.create_stream(&stream, &configuration));
        is_send(&client.truncate_stream(&stream, &cut));
        is_send(&client.current_segments(&stream));
        is_send(&client.endpoint(&segment));
        is_send(&client.token(&stream, crate::Access::Read));
    }
    let config = super::peer::config("localhost:9090").build().unwrap();
    // Needs no runtime: this test has none.
    check(&crate::ControllerClient::new(&config).unwrap());
}
