//! The end of streams, and new ones under old names.

use pravega_controller_api::GetSegmentsRequest;

use crate::controller::{
    Script, compare,
    scene::{Scene, fixed, named, segment, stream},
};

#[tokio::test]
async fn seal_and_delete() {
    compare("seal_and_delete", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("seal", seal),
    ("seal-twice", seal_twice),
    ("create-sealed-again", create_sealed_again),
    ("delete", delete),
    ("delete-active", delete_active),
    ("delete-twice", delete_twice),
    ("create-again", create_again),
    (
        "create-again-with-more-segments",
        create_again_with_more_segments,
    ),
    ("create-again-in-a-new-scope", create_again_in_a_new_scope),
];

fn seal(s: &Scene) {
    let done = s.stream(2);
    s.append(&done, 0, b"hello");
    s.seal_stream(done.clone());
    s.get_current_segments(done.clone());
    s.get_segments(GetSegmentsRequest {
        stream_info: Some(done.clone()),
        timestamp: 0,
    });
    s.check_stream_exists(done.clone());
    s.is_segment_valid(segment(&done, 0));
    s.list_streams_to_the_end(&done.scope, None);
    s.look(&done, 0);
    s.look(&done, 1);
}

fn seal_twice(s: &Scene) {
    let done = s.stream(1);
    s.seal_stream(done.clone());
    s.seal_stream(done);
}

fn create_sealed_again(s: &Scene) {
    let done = s.stream(1);
    s.seal_stream(done.clone());
    s.create_stream(fixed(&done, 1));
    s.look(&done, 0);
}

fn delete(s: &Scene) {
    let done = s.stream(2);
    s.append(&done, 0, b"hello");
    s.seal_stream(done.clone());
    s.delete_stream(done.clone());
    s.check_stream_exists(done.clone());
    s.get_current_segments(done.clone());
    s.get_stream_configuration(done.clone());
    s.seal_stream(done.clone());
    s.list_streams_to_the_end(&done.scope, None);
    s.look(&done, 0);
    s.look(&done, 1);
}

fn delete_active(s: &Scene) {
    let done = s.stream(1);
    s.delete_stream(done.clone());
    s.check_stream_exists(done.clone());
    s.look(&done, 0);
}

fn delete_twice(s: &Scene) {
    let done = s.stream(1);
    s.seal_stream(done.clone());
    s.delete_stream(done.clone());
    s.delete_stream(done);
}

/// Numbers of segments go on.
fn create_again(s: &Scene) {
    let done = s.stream(1);
    for number in 1..=2 {
        s.seal_stream(done.clone());
        s.delete_stream(done.clone());
        s.create_stream(fixed(&done, 1));
        s.get_current_segments(done.clone());
        s.get_segments(GetSegmentsRequest {
            stream_info: Some(done.clone()),
            timestamp: 0,
        });
        s.is_segment_valid(segment(&done, 0));
        s.look(&done, number);
    }
}

fn create_again_with_more_segments(s: &Scene) {
    let done = s.stream(2);
    s.seal_stream(done.clone());
    s.delete_stream(done.clone());
    s.create_stream(fixed(&done, 3));
    s.get_current_segments(done);
}

fn create_again_in_a_new_scope(s: &Scene) {
    let done = s.stream(1);
    s.seal_stream(done.clone());
    s.delete_stream(done.clone());
    s.delete_scope(named(&done.scope));
    s.create_scope(named(&done.scope));
    s.create_stream(fixed(&stream(&done.scope, "s"), 1));
    s.get_current_segments(done);
}
