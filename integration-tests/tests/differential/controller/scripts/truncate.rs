//! Truncation through the controller.

use pravega_controller_api::{GetSegmentsRequest, StreamCut, StreamInfo};

use crate::controller::{
    Script, compare,
    scene::{Scene, cut, stream},
};

#[tokio::test]
async fn truncate() {
    compare("truncate", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("forward", forward),
    ("at-zero", at_zero),
    ("to-the-tail", to_the_tail),
    ("beyond-the-tail", beyond_the_tail),
    ("backward", backward),
    ("twice-at-the-same", twice_at_the_same),
    ("bad-cuts", bad_cuts),
    ("negative", negative),
    ("absent", absent),
    ("sealed", sealed),
    ("two-segments", two_segments),
    ("half-of-two-segments", half_of_two_segments),
];

/// A stream of one segment that holds ten bytes.
fn filled(s: &Scene) -> StreamInfo {
    let filled = s.stream(1);
    s.append(&filled, 0, b"0123456789");
    filled
}

fn heads(s: &Scene, stream: &StreamInfo) {
    s.get_segments(GetSegmentsRequest {
        stream_info: Some(stream.clone()),
        timestamp: 0,
    });
    s.look(stream, 0);
}

fn forward(s: &Scene) {
    let stream = filled(s);
    for offset in [3, 7] {
        s.truncate_stream(cut(&stream, [(0, offset)]));
        heads(s, &stream);
    }
}

fn at_zero(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, [(0, 0)]));
    heads(s, &stream);
}

fn to_the_tail(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, [(0, 10)]));
    heads(s, &stream);
    s.append(&stream, 0, b"more");
    heads(s, &stream);
}

fn beyond_the_tail(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, [(0, 11)]));
    heads(s, &stream);
}

fn backward(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, [(0, 7)]));
    s.truncate_stream(cut(&stream, [(0, 3)]));
    heads(s, &stream);
}

fn twice_at_the_same(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, [(0, 7)]));
    s.truncate_stream(cut(&stream, [(0, 7)]));
    heads(s, &stream);
}

fn bad_cuts(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, []));
    s.truncate_stream(cut(&stream, [(1, 3)]));
    s.truncate_stream(cut(&stream, [(1 << 32, 3)]));
    s.truncate_stream(cut(&stream, [(0, 3), (1, 0)]));
    s.truncate_stream(StreamCut::default());
    heads(s, &stream);
}

fn negative(s: &Scene) {
    let stream = filled(s);
    s.truncate_stream(cut(&stream, [(0, -1)]));
    heads(s, &stream);
}

fn absent(s: &Scene) {
    s.truncate_stream(cut(&stream(&s.scope(), "s"), [(0, 0)]));
    s.truncate_stream(cut(&stream(&s.absent_scope(), "s"), [(0, 0)]));
    s.truncate_stream(cut(&stream("", "s"), [(0, 0)]));
}

fn sealed(s: &Scene) {
    let stream = filled(s);
    s.seal_stream(stream.clone());
    s.truncate_stream(cut(&stream, [(0, 3)]));
    heads(s, &stream);
}

fn two_segments(s: &Scene) {
    let stream = s.stream(2);
    s.append(&stream, 0, b"0123456789");
    s.append(&stream, 1, b"abcdef");
    s.truncate_stream(cut(&stream, [(0, 4), (1, 2)]));
    heads(s, &stream);
    s.look(&stream, 1);
}

fn half_of_two_segments(s: &Scene) {
    let stream = s.stream(2);
    s.append(&stream, 0, b"0123456789");
    s.truncate_stream(cut(&stream, [(0, 4)]));
    heads(s, &stream);
}
