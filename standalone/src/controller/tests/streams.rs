//! The life of a stream, as the real controller tells it.

use pravega_controller_api::{
    self as api, create_stream_status::Status as Created, delete_stream_status::Status as Deleted,
    update_stream_status::Status as Updated,
};
use tonic::Code;

use super::support::{answer, cut, fixed, scope, start, stream};

#[tokio::test]
async fn streams_are_created_with_all_their_segments() {
    let mut running = start().await;
    let client = &mut running.client;
    client.create_scope(scope("s")).await.unwrap();
    for (config, expected) in [
        (fixed("s", "t", 1), Created::Success),
        (fixed("s", "t", 1), Created::StreamExists),
        (fixed("s", "t", 5), Created::StreamExists),
        (fixed("s", "t", 0), Created::StreamExists),
        (fixed("x", "t", 1), Created::ScopeNotFound),
        (fixed("x", "t", 0), Created::ScopeNotFound),
        (fixed("a/b", "t", 1), Created::ScopeNotFound),
        (fixed("s", "two", 2), Created::Success),
        (fixed("s", "_x", 1), Created::Success),
        (fixed("s", &"x".repeat(255), 1), Created::Success),
        (fixed("s", &"x".repeat(256), 1), Created::InvalidStreamName),
        (fixed("s", "x_y", 1), Created::InvalidStreamName),
        (fixed("s", "", 1), Created::InvalidStreamName),
        (fixed("s", ".", 1), Created::InvalidStreamName),
        (fixed("s", "..", 1), Created::InvalidStreamName),
        (fixed("x", "..", 1), Created::InvalidStreamName),
        (fixed("s", "a/b", 1), Created::InvalidStreamName),
        (fixed("s", "ü", 1), Created::InvalidStreamName),
    ] {
        let name = config.stream_info.clone();
        let reply = answer(client.create_stream(config).await).unwrap();
        assert_eq!(reply.status(), expected, "{name:?}");
    }
    let segments = running.fake.disk().segments;
    for name in [
        "s/t/0.#epoch.0",
        "s/two/0.#epoch.0",
        "s/two/1.#epoch.0",
        "s/_x/0.#epoch.0",
    ] {
        assert!(segments.contains_key(name), "{name}");
    }
    assert_eq!(segments.len(), 5);
}

#[tokio::test]
async fn a_stream_that_cannot_be_created_leaves_nothing_behind() {
    let mut running = start().await;
    let client = &mut running.client;
    client.create_scope(scope("s")).await.unwrap();
    let before = running.fake.disk();
    let without_policy = api::StreamConfig {
        scaling_policy: None,
        ..fixed("s", "t", 1)
    };
    let mut odd_policy = fixed("s", "t", 1);
    odd_policy.scaling_policy.as_mut().unwrap().scale_type = 9;
    let odd_retention = api::StreamConfig {
        retention_policy: Some(api::RetentionPolicy {
            retention_type: 9,
            ..Default::default()
        }),
        ..fixed("s", "t", 1)
    };
    let many = fixed("s", "t", i32::MAX);
    for config in [
        fixed("s", "t", 0),
        fixed("s", "t", -1),
        without_policy,
        odd_policy,
        odd_retention,
        many,
    ] {
        let reply = answer(client.create_stream(config.clone()).await).unwrap();
        assert_eq!(reply.status(), Created::Failure, "{config:?}");
    }
    let nameless = api::StreamConfig {
        stream_info: None,
        ..fixed("s", "t", 1)
    };
    let negative = api::StreamConfig {
        rollover_size_bytes: -1,
        ..fixed("s", "t", 1)
    };
    for config in [nameless, negative, fixed("", "t", 1)] {
        let code = answer(client.create_stream(config.clone()).await).unwrap_err();
        assert_eq!(code, Code::Internal, "{config:?}");
    }
    running.fake.fill_up();
    let reply = answer(client.create_stream(fixed("s", "t", 2)).await).unwrap();
    assert_eq!(reply.status(), Created::Failure);
    assert!(
        !answer(client.check_stream_exists(stream("s", "t")).await)
            .unwrap()
            .exists
    );
    assert_eq!(running.fake.disk(), before);
}

#[tokio::test]
async fn a_stream_may_have_a_thousand_segments() {
    let mut client = start().await.with_stream(1_001).await.client;
    let reply = answer(client.get_current_segments(stream("s", "t")).await).unwrap();
    assert_eq!(reply.segment_ranges.len(), 1_001);
}

#[tokio::test]
async fn a_configuration_comes_back_as_it_was_given() {
    let mut client = start().await.with_stream(1).await.client;
    let plain = answer(client.get_stream_configuration(stream("s", "t")).await).unwrap();
    assert_eq!(plain, fixed("s", "t", 1));

    let full = api::StreamConfig {
        scaling_policy: Some(api::ScalingPolicy {
            scale_type: 2,
            target_rate: 100,
            scale_factor: 3,
            min_num_segments: 2,
        }),
        retention_policy: Some(api::RetentionPolicy {
            retention_type: 1,
            retention_param: 5,
            retention_max: i64::MAX,
        }),
        tags: Some(api::Tags {
            tag: vec!["b".into(), "a".into()],
        }),
        timestamp_aggregation_timeout: 7,
        rollover_size_bytes: 8,
        ..fixed("s", "u", 1)
    };
    client.create_stream(full.clone()).await.unwrap();
    let sorted = api::Tags {
        tag: vec!["a".into(), "b".into()],
    };
    let expected = api::StreamConfig {
        tags: Some(sorted),
        ..full
    };
    let reply = answer(client.get_stream_configuration(stream("s", "u")).await).unwrap();
    assert_eq!(reply, expected);

    // The official Rust client sends a policy of type 0 for none, and no tags.
    let mut odd = fixed("s", "v", 1);
    odd.retention_policy = Some(api::RetentionPolicy {
        retention_max: i64::MAX,
        ..Default::default()
    });
    odd.tags = None;
    client.create_stream(odd).await.unwrap();
    let reply = answer(client.get_stream_configuration(stream("s", "v")).await).unwrap();
    assert_eq!(reply, fixed("s", "v", 1));

    for (scope, name, code) in [
        ("s", "x", Code::NotFound),
        ("x", "t", Code::NotFound),
        ("", "t", Code::Internal),
    ] {
        let reply = answer(client.get_stream_configuration(stream(scope, name)).await);
        assert_eq!(reply.unwrap_err(), code);
    }
}

#[tokio::test]
async fn an_update_replaces_the_configuration() {
    let mut client = start().await.with_stream(1).await.client;
    let mut update = fixed("s", "t", 1);
    update.retention_policy = Some(api::RetentionPolicy {
        retention_type: 2,
        retention_param: 1,
        retention_max: 2,
    });
    let reply = answer(client.update_stream(update.clone()).await).unwrap();
    assert_eq!(reply.status(), Updated::Success);
    let reply = answer(client.get_stream_configuration(stream("s", "t")).await).unwrap();
    assert_eq!(reply, update);
    for (config, expected) in [
        (fixed("s", "x", 1), Updated::StreamNotFound),
        (fixed("x", "t", 1), Updated::StreamNotFound),
        (fixed("s", "x", 0), Updated::StreamNotFound),
        (fixed("s", "t", 0), Updated::Failure),
    ] {
        let reply = answer(client.update_stream(config).await).unwrap();
        assert_eq!(reply.status(), expected);
    }
    client.seal_stream(stream("s", "t")).await.unwrap();
    let reply = answer(client.update_stream(fixed("s", "t", 1)).await).unwrap();
    assert_eq!(reply.status(), Updated::StreamSealed);
}

#[tokio::test]
async fn a_truncation_must_lie_in_the_stream() {
    let mut running = start().await.with_stream(2).await;
    running.fake.grow("s/t/0.#epoch.0", 10);
    let client = &mut running.client;
    for (offsets, expected) in [
        (&[(0, 0), (1, 0)][..], Updated::Success),
        (&[(0, 11), (1, 0)], Updated::Failure),
        (&[(0, 10), (1, 1)], Updated::Failure),
        (&[(0, i64::MAX), (1, 0)], Updated::Failure),
        (&[(0, 4), (7, 0)], Updated::Failure),
        (&[(0, 4)], Updated::Failure),
        (&[], Updated::Failure),
        (&[(0, -1), (1, 0)], Updated::Failure),
        (&[(0, 4), (1, 0)], Updated::Success),
        (&[(0, 4), (1, 0)], Updated::Success),
        (&[(0, 3), (1, 0)], Updated::Failure),
        (&[(0, 10), (1, 0)], Updated::Success),
    ] {
        let reply = answer(client.truncate_stream(cut("s", "t", offsets)).await).unwrap();
        assert_eq!(reply.status(), expected, "{offsets:?}");
    }
    assert_eq!(running.fake.disk().segments["s/t/0.#epoch.0"].head, 10);
    let request = api::GetSegmentsRequest {
        stream_info: Some(stream("s", "t")),
        timestamp: 0,
    };
    let reply = answer(client.get_segments(request).await).unwrap();
    let offsets: Vec<i64> = reply
        .segments
        .iter()
        .map(|segment| segment.offset)
        .collect();
    assert_eq!(offsets, [10, 0]);

    for name in ["x", "..", "a/b"] {
        let reply = answer(client.truncate_stream(cut("s", name, &[(0, 0)])).await).unwrap();
        assert_eq!(reply.status(), Updated::StreamNotFound);
    }
    client.seal_stream(stream("s", "t")).await.unwrap();
    let reply = answer(
        client
            .truncate_stream(cut("s", "t", &[(0, 10), (1, 0)]))
            .await,
    )
    .unwrap();
    assert_eq!(reply.status(), Updated::StreamSealed);
}

#[tokio::test]
async fn a_truncation_behind_that_of_the_segment_store_is_a_success() {
    use crate::controller::storage::Storage;

    let mut running = start().await.with_stream(1).await;
    running.fake.grow("s/t/0.#epoch.0", 10);
    running.fake.truncate("s/t/0.#epoch.0", 8).await.unwrap();
    let reply = answer(
        running
            .client
            .truncate_stream(cut("s", "t", &[(0, 5)]))
            .await,
    )
    .unwrap();
    assert_eq!(reply.status(), Updated::Success);
    assert_eq!(running.fake.disk().segments["s/t/0.#epoch.0"].head, 8);
}

#[tokio::test]
async fn a_stream_is_sealed_and_then_deleted() {
    let mut running = start().await.with_stream(2).await;
    let client = &mut running.client;
    let active = answer(client.delete_stream(stream("s", "t")).await).unwrap();
    assert_eq!(active.status(), Deleted::StreamNotSealed);
    for _ in 0..2 {
        let reply = answer(client.seal_stream(stream("s", "t")).await).unwrap();
        assert_eq!(reply.status(), Updated::Success);
    }
    assert!(
        running
            .fake
            .disk()
            .segments
            .values()
            .all(|segment| segment.sealed)
    );
    let exists = answer(client.check_stream_exists(stream("s", "t")).await)
        .unwrap()
        .exists;
    assert!(exists);
    let again = answer(client.create_stream(fixed("s", "t", 1)).await).unwrap();
    assert_eq!(again.status(), Created::StreamExists);

    let deleted = answer(client.delete_stream(stream("s", "t")).await).unwrap();
    assert_eq!(deleted.status(), Deleted::Success);
    assert!(running.fake.disk().segments.is_empty());
    for (scope, name) in [("s", "t"), ("x", "t"), ("s", ".."), ("s", "a b")] {
        let reply = answer(client.delete_stream(stream(scope, name)).await).unwrap();
        assert_eq!(reply.status(), Deleted::StreamNotFound);
        let reply = answer(client.seal_stream(stream(scope, name)).await).unwrap();
        assert_eq!(reply.status(), Updated::StreamNotFound);
        let reply = answer(client.check_stream_exists(stream(scope, name)).await).unwrap();
        assert!(!reply.exists);
    }
    for (scope, name) in [("", "t"), ("s", "")] {
        let code = answer(client.delete_stream(stream(scope, name)).await).unwrap_err();
        assert_eq!(code, Code::Internal);
        let code = answer(client.seal_stream(stream(scope, name)).await).unwrap_err();
        assert_eq!(code, Code::Internal);
    }

    client.create_stream(fixed("s", "t", 1)).await.unwrap();
    let reply = answer(client.get_current_segments(stream("s", "t")).await).unwrap();
    let ids: Vec<_> = reply
        .segment_ranges
        .iter()
        .map(|range| range.segment_id.clone())
        .collect();
    assert_eq!(ids, [Some(super::support::segment("s", "t", 2))]);
    assert!(running.fake.disk().segments.contains_key("s/t/2.#epoch.0"));
}
