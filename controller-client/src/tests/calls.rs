//! Every call about scopes and streams: what goes out, and what each answer is read as.

use std::{collections::BTreeMap, time::Duration};

use pravega_client_shared::ScopedSegment;
use pravega_controller_api as api;

use super::peer::{Step, exists, pair, scope, segment_id as id, status, stream};
use crate::{ControllerError, Retention, Scaling, StreamConfiguration, StreamCut};

/// Statuses, and what each is read as.
type Cases<T, const N: usize> = [(i32, fn(&Result<T, ControllerError>) -> bool); N];

#[tokio::test(start_paused = true)]
async fn scopes_are_made_and_deleted() {
    let (client, peer) = pair();
    let cases: Cases<bool, 5> = [
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

    let cases: Cases<bool, 5> = [
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
    let cases: Cases<bool, 6> = [
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

    let cases: Cases<bool, 5> = [
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
    let cases: Cases<(), 6> = [
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
