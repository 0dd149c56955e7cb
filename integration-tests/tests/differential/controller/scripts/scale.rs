//! Scaling by hand, of which the embedded server does nothing.

use pravega_controller_api::{
    ScaleRequest, ScaleStatusRequest, StreamInfo, scale_request::KeyRangeEntry,
};

use crate::controller::{
    Script, compare,
    scene::{Scene, stream},
};

#[tokio::test]
async fn scale() {
    compare("scale", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("bad-ranges", bad_ranges),
    ("absent", absent),
    ("sealed", sealed),
    ("split", split),
    ("progress-without-a-scale", progress_without_a_scale),
];

fn request(about: &StreamInfo, sealed: &[i64], ranges: &[(f64, f64)]) -> ScaleRequest {
    let range = |&(start, end): &(f64, f64)| KeyRangeEntry { start, end };
    ScaleRequest {
        stream_info: Some(about.clone()),
        sealed_segments: sealed.to_vec(),
        new_key_ranges: ranges.iter().map(range).collect(),
        scale_timestamp: 0,
    }
}

fn bad_ranges(s: &Scene) {
    // A stream for each: a scale that failed leaves traces on the real server.
    s.scale(request(&s.stream(1), &[0], &[(0.0, 0.5)]));
    s.scale(request(&s.stream(1), &[7], &[(0.0, 1.0)]));
    s.scale(request(&s.stream(1), &[0], &[]));
    s.scale(request(&s.stream(1), &[], &[(0.0, 1.0)]));
    s.scale(ScaleRequest::default());
}

fn absent(s: &Scene) {
    let about = stream(&s.scope(), "s");
    s.scale(request(&about, &[0], &[(0.0, 1.0)]));
    s.check_scale(ScaleStatusRequest {
        stream_info: Some(about),
        epoch: 0,
    });
}

fn sealed(s: &Scene) {
    let about = s.stream(1);
    s.seal_stream(about.clone());
    s.scale(request(&about, &[0], &[(0.0, 1.0)]));
}

fn split(s: &Scene) {
    let about = s.stream(1);
    s.scale(request(&about, &[0], &[(0.0, 0.5), (0.5, 1.0)]));
}

fn progress_without_a_scale(s: &Scene) {
    let stream_info = Some(s.stream(1));
    for epoch in [0, 1, 2, i32::MAX, -1] {
        s.check_scale(ScaleStatusRequest {
            stream_info: stream_info.clone(),
            epoch,
        });
    }
    s.check_scale(ScaleStatusRequest::default());
}
