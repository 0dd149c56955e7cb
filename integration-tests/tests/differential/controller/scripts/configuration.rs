//! What a stream is configured with, and changes of it.

use pravega_controller_api::{RetentionPolicy, ScalingPolicy, StreamConfig, Tags};

use crate::controller::{
    Script, compare,
    scene::{Scene, fixed, stream},
};

#[tokio::test]
async fn configuration() {
    compare("configuration", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("everything", everything),
    ("empty-tags-and-retention", empty_tags_and_retention),
    ("tags-in-any-order", |s| tagged(s, &["b", "a", "C"])),
    ("tags-twice", |s| tagged(s, &["a", "b", "a"])),
    ("odd-tags", |s| tagged(s, &["", " ", "\u{e4}", "a/b"])),
    ("retention-by-time", |s| retained(s, 1, 60_000, 120_000)),
    ("retention-by-size", |s| retained(s, 2, 1, i64::MAX)),
    ("retention-of-unknown-kind", |s| retained(s, 0, 5, 6)),
    ("update", update),
    (
        "update-does-not-change-segments",
        update_does_not_change_segments,
    ),
    ("update-to-more-segments", update_to_more_segments),
    ("update-sealed", update_sealed),
    ("update-to-the-same", update_to_the_same),
];

fn everything(s: &Scene) {
    let scope = s.scope();
    let new = stream(&scope, "s");
    s.create_stream(StreamConfig {
        stream_info: Some(new.clone()),
        scaling_policy: Some(ScalingPolicy {
            scale_type: 0,
            target_rate: 0,
            scale_factor: 0,
            min_num_segments: 2,
        }),
        retention_policy: Some(RetentionPolicy {
            retention_type: 1,
            retention_param: 1_000_000,
            retention_max: 2_000_000,
        }),
        tags: Some(Tags {
            tag: vec!["two".to_owned(), "one".to_owned()],
        }),
        timestamp_aggregation_timeout: 1234,
        rollover_size_bytes: 5_000_000,
    });
    s.get_stream_configuration(new);
}

fn empty_tags_and_retention(s: &Scene) {
    let scope = s.scope();
    let new = stream(&scope, "s");
    s.create_stream(StreamConfig {
        tags: Some(Tags::default()),
        retention_policy: Some(RetentionPolicy::default()),
        ..fixed(&new, 1)
    });
    s.get_stream_configuration(new);
}

fn tagged(s: &Scene, tags: &[&str]) {
    let scope = s.scope();
    let new = stream(&scope, "s");
    let tag = tags.iter().map(ToString::to_string).collect();
    s.create_stream(StreamConfig {
        tags: Some(Tags { tag }),
        ..fixed(&new, 1)
    });
    s.get_stream_configuration(new);
}

fn retained(s: &Scene, retention_type: i32, retention_param: i64, retention_max: i64) {
    let scope = s.scope();
    let new = stream(&scope, "s");
    let policy = RetentionPolicy {
        retention_type,
        retention_param,
        retention_max,
    };
    s.create_stream(StreamConfig {
        retention_policy: Some(policy),
        ..fixed(&new, 1)
    });
    s.get_stream_configuration(new);
}

fn update(s: &Scene) {
    let old = s.stream(1);
    let tags = Some(Tags {
        tag: vec!["t".to_owned()],
    });
    s.update_stream(StreamConfig {
        tags: tags.clone(),
        rollover_size_bytes: 77,
        timestamp_aggregation_timeout: 88,
        ..fixed(&old, 1)
    });
    s.get_stream_configuration(old.clone());
    s.list_streams_to_the_end(&old.scope, Some("t"));
    s.update_stream(fixed(&old, 1));
    s.get_stream_configuration(old.clone());
    s.list_streams_to_the_end(&old.scope, Some("t"));
}

fn update_does_not_change_segments(s: &Scene) {
    let old = s.stream(2);
    s.update_stream(fixed(&old, 2));
    s.get_stream_configuration(old.clone());
    s.get_current_segments(old);
}

fn update_to_more_segments(s: &Scene) {
    let old = s.stream(1);
    s.update_stream(fixed(&old, 2));
    s.get_stream_configuration(old.clone());
    s.get_current_segments(old);
}

fn update_sealed(s: &Scene) {
    let old = s.stream(1);
    s.seal_stream(old.clone());
    s.update_stream(fixed(&old, 1));
    s.get_stream_configuration(old);
}

fn update_to_the_same(s: &Scene) {
    let old = s.stream(1);
    s.update_stream(fixed(&old, 1));
    s.update_stream(fixed(&old, 1));
    s.get_stream_configuration(old);
}
