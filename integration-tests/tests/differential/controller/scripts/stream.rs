//! Making streams.

use pravega_controller_api::{ScalingPolicy, StreamConfig, StreamInfo};

use crate::controller::{
    Script, compare,
    scene::{Scene, fixed, named, stream},
};

#[tokio::test]
async fn stream_() {
    compare("stream", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("create", create),
    ("create-twice", create_twice),
    ("create-in-no-scope", create_in_no_scope),
    ("several-segments", several_segments),
    ("very-many-segments", very_many_segments),
    ("no-segments", |s| {
        half_made(s, Some(ScalingPolicy::default()))
    }),
    ("negative-segments", |s| half_made(s, policy(0, 0, 0, -1))),
    ("no-policy", |s| half_made(s, None)),
    ("by-bytes", |s| made(s, policy(1, 100, 2, 2))),
    ("by-events", |s| made(s, policy(2, 1000, 3, 1))),
    ("by-nothing", |s| made(s, policy(1, 0, 0, 1))),
    ("fixed-with-rates", |s| made(s, policy(0, 7, 8, 1))),
    ("without-info", without_info),
    ("without-names", without_names),
    ("negative-rollover", negative_rollover),
    ("absent", absent),
    ("empty-names", empty_names),
    ("no-names", no_names),
];

fn policy(
    scale_type: i32,
    target_rate: i32,
    scale_factor: i32,
    min_num_segments: i32,
) -> Option<ScalingPolicy> {
    Some(ScalingPolicy {
        scale_type,
        target_rate,
        scale_factor,
        min_num_segments,
    })
}

fn create(s: &Scene) {
    let new = s.stream(1);
    s.check_stream_exists(new.clone());
    s.get_stream_configuration(new.clone());
    s.get_current_segments(new.clone());
    s.look(&new, 0);
    s.check_stream_exists(stream(&new.scope, "another"));
}

fn create_twice(s: &Scene) {
    let new = s.stream(1);
    s.create_stream(fixed(&new, 1));
    s.create_stream(fixed(&new, 3));
    s.create_stream(fixed(&new, 0));
    s.get_current_segments(new);
}

fn create_in_no_scope(s: &Scene) {
    let scope = s.absent_scope();
    s.create_stream(fixed(&stream(&scope, "s"), 1));
    s.create_stream(fixed(&stream(&scope, "s"), 0));
    s.check_stream_exists(stream(&scope, "s"));
}

fn several_segments(s: &Scene) {
    let new = s.stream(3);
    s.get_current_segments(new.clone());
    s.get_stream_configuration(new.clone());
    s.look(&new, 2);
    s.look(&new, 3);
}

fn very_many_segments(s: &Scene) {
    let new = s.stream(1_001);
    s.get_stream_configuration(new.clone());
    s.look(&new, 1_000);
}

fn half_made(s: &Scene, scaling_policy: Option<ScalingPolicy>) {
    let scope = s.scope();
    let new = stream(&scope, "s");
    s.create_stream(StreamConfig {
        scaling_policy,
        ..fixed(&new, 1)
    });
    s.list_streams_to_the_end(&scope, None);
    s.check_stream_exists(new);
}

fn made(s: &Scene, scaling_policy: Option<ScalingPolicy>) {
    let scope = s.scope();
    let new = stream(&scope, "s");
    s.create_stream(StreamConfig {
        scaling_policy,
        ..fixed(&new, 1)
    });
    s.get_stream_configuration(new.clone());
    s.get_current_segments(new);
}

fn without_info(s: &Scene) {
    let config = StreamConfig {
        stream_info: None,
        ..fixed(&StreamInfo::default(), 1)
    };
    s.create_stream(config.clone());
    s.update_stream(config);
}

fn without_names(s: &Scene) {
    let scope = s.scope();
    s.create_stream(fixed(&stream("", "s"), 1));
    s.create_stream(fixed(&stream(&scope, ""), 1));
    s.create_stream(fixed(&stream("", ""), 1));
}

fn negative_rollover(s: &Scene) {
    let new = s.stream(1);
    let other = stream(&new.scope, "other");
    s.create_stream(StreamConfig {
        rollover_size_bytes: -1,
        ..fixed(&other, 1)
    });
    s.update_stream(StreamConfig {
        rollover_size_bytes: -1,
        ..fixed(&new, 1)
    });
    s.check_stream_exists(other);
}

fn absent(s: &Scene) {
    let scope = s.scope();
    for absent in [stream(&scope, "s"), stream(&s.absent_scope(), "s")] {
        s.check_stream_exists(absent.clone());
        s.get_stream_configuration(absent.clone());
        s.update_stream(fixed(&absent, 1));
        s.seal_stream(absent.clone());
        s.delete_stream(absent);
    }
}

fn empty_names(s: &Scene) {
    let scope = s.scope();
    for nobody in [stream(&scope, ""), stream("", "s")] {
        s.check_stream_exists(nobody.clone());
        s.get_stream_configuration(nobody.clone());
        s.update_stream(fixed(&nobody, 1));
        s.seal_stream(nobody.clone());
        s.delete_stream(nobody.clone());
        s.get_delegation_token(nobody);
    }
}

fn no_names(s: &Scene) {
    let nobody = StreamInfo::default;
    s.check_stream_exists(nobody());
    s.get_stream_configuration(nobody());
    s.seal_stream(nobody());
    s.delete_stream(nobody());
    s.list_streams_to_the_end("", None);
    s.delete_scope(named(""));
}
