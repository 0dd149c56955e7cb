//! Which segments a stream has, and where they are.

use pravega_controller_api::{
    GetEpochSegmentsRequest, GetSegmentsRequest, ServerRequest, StreamInfo,
    stream_info::AccessOperation,
};

use crate::controller::{
    Script, compare,
    scene::{Scene, cut, segment, stream},
};

#[tokio::test]
async fn segments() {
    compare("segments", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("of-one", |s| asked(s, &s.stream(1))),
    ("of-three", |s| asked(s, &s.stream(3))),
    ("of-a-sealed-one", of_a_sealed_one),
    ("of-an-absent-stream", |s| {
        asked(s, &stream(&s.scope(), "s"))
    }),
    ("of-an-absent-scope", |s| {
        asked(s, &stream(&s.absent_scope(), "s"))
    }),
    ("of-an-empty-name", |s| asked(s, &stream(&s.scope(), ""))),
    ("of-an-empty-scope", |s| asked(s, &stream("", "s"))),
    ("of-a-name-that-is-none", |s| {
        asked(s, &stream(&s.scope(), "a b"))
    }),
    ("of-no-stream", of_no_stream),
    ("of-other-epochs", of_other_epochs),
    ("at-any-time", at_any_time),
    ("of-any-number", of_any_number),
    ("cuts", cuts),
    ("access", access),
    ("uri", uri),
    ("server-list", |s| {
        s.get_controller_server_list(ServerRequest::default())
    }),
];

fn asked(s: &Scene, about: &StreamInfo) {
    s.get_current_segments(about.clone());
    s.get_epoch_segments(GetEpochSegmentsRequest {
        stream_info: Some(about.clone()),
        epoch: 0,
    });
    s.get_segments(GetSegmentsRequest {
        stream_info: Some(about.clone()),
        timestamp: 0,
    });
    s.get_segments_immediately_following(segment(about, 0));
    s.get_segments_immediatly_following(segment(about, 0));
    s.is_segment_valid(segment(about, 0));
    s.is_stream_cut_valid(cut(about, [(0, 0)]));
    s.get_uri(segment(about, 0));
    s.get_delegation_token(about.clone());
}

fn of_a_sealed_one(s: &Scene) {
    let sealed = s.stream(2);
    s.seal_stream(sealed.clone());
    asked(s, &sealed);
    s.is_segment_valid(segment(&sealed, 1));
    s.is_stream_cut_valid(cut(&sealed, [(0, 0), (1, 0)]));
}

fn of_no_stream(s: &Scene) {
    s.get_epoch_segments(GetEpochSegmentsRequest::default());
    s.get_segments(GetSegmentsRequest::default());
    s.get_segments_immediately_following(Default::default());
    s.is_segment_valid(Default::default());
    s.is_stream_cut_valid(Default::default());
    s.get_uri(Default::default());
    s.get_delegation_token(Default::default());
}

fn of_other_epochs(s: &Scene) {
    let stream_info = Some(s.stream(1));
    for epoch in [1, 2, i32::MAX, -1, i32::MIN] {
        s.get_epoch_segments(GetEpochSegmentsRequest {
            stream_info: stream_info.clone(),
            epoch,
        });
    }
}

fn at_any_time(s: &Scene) {
    let stream_info = Some(s.stream(2));
    for timestamp in [0, 1, 1_700_000_000_000, i64::MAX, -1, i64::MIN] {
        s.get_segments(GetSegmentsRequest {
            stream_info: stream_info.clone(),
            timestamp,
        });
    }
}

/// Segment ids: the epoch in the upper half, the number in the lower one.
fn of_any_number(s: &Scene) {
    let about = s.stream(2);
    for id in [1, 2, 1 << 32, (1 << 32) | 1, -1, i64::MAX, i64::MIN] {
        s.is_segment_valid(segment(&about, id));
        s.get_segments_immediately_following(segment(&about, id));
        s.get_uri(segment(&about, id));
    }
}

fn cuts(s: &Scene) {
    let about = s.stream(2);
    s.is_stream_cut_valid(cut(&about, [(0, 0), (1, 0)]));
    s.is_stream_cut_valid(cut(&about, [(0, 1_000), (1, 7)]));
    s.is_stream_cut_valid(cut(&about, [(0, -1), (1, 7)]));
    s.is_stream_cut_valid(cut(&about, [(0, 0)]));
    s.is_stream_cut_valid(cut(&about, []));
    s.is_stream_cut_valid(cut(&about, [(0, 0), (1, 0), (2, 0)]));
    s.is_stream_cut_valid(cut(&about, [(0, 0), (7, 0)]));
    s.is_stream_cut_valid(cut(&about, [(0, 0), (1 << 32, 0)]));
}

/// Security is off: nobody gets a token, whatever it is for.
fn access(s: &Scene) {
    let about = s.stream(1);
    for access in [
        AccessOperation::None,
        AccessOperation::Any,
        AccessOperation::Read,
        AccessOperation::Write,
        AccessOperation::ReadWrite,
    ] {
        let about = StreamInfo {
            access_operation: access.into(),
            ..about.clone()
        };
        s.get_delegation_token(about.clone());
        s.get_current_segments(about.clone());
        s.get_segments(GetSegmentsRequest {
            stream_info: Some(about),
            timestamp: 0,
        });
    }
    s.get_delegation_token(StreamInfo {
        access_operation: 77,
        ..about.clone()
    });
    s.get_delegation_token(stream(&about.scope, "absent"));
}

fn uri(s: &Scene) {
    let about = s.stream(1);
    s.get_uri(segment(&about, 0));
    s.get_uri(segment(&stream(&s.absent_scope(), "any"), 5));
    s.get_uri(segment(&stream("a b", "c/d"), 5));
}
