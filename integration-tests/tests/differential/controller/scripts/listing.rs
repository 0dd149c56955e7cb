//! Lists, page by page.

use pravega_controller_api::{
    ContinuationToken, StreamConfig, StreamsInScopeRequest, StreamsInScopeWithTagRequest, Tags,
};

use crate::controller::{
    Script, compare,
    scene::{Scene, fixed, named, stream},
};

#[tokio::test]
async fn listing() {
    compare("listing", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("scopes", scopes),
    ("streams", streams),
    ("no-streams", no_streams),
    ("streams-with-a-tag", streams_with_a_tag),
    ("without-a-token", without_a_token),
    ("without-a-scope", without_a_scope),
];

fn scopes(s: &Scene) {
    let (first, second) = (s.scope(), s.scope());
    s.list_scopes_to_the_end();
    s.delete_scope(named(&first));
    s.list_scopes_to_the_end();
    s.delete_scope(named(&second));
    s.list_scopes_to_the_end();
}

fn streams(s: &Scene) {
    let scope = s.scope();
    for name in ["b", "a", "c-2.x", "0"] {
        s.create_stream(fixed(&stream(&scope, name), 1));
    }
    s.list_streams_to_the_end(&scope, None);
    s.seal_stream(stream(&scope, "a"));
    s.list_streams_to_the_end(&scope, None);
    s.delete_stream(stream(&scope, "a"));
    s.list_streams_to_the_end(&scope, None);
}

fn no_streams(s: &Scene) {
    let scope = s.scope();
    s.list_streams_to_the_end(&scope, None);
    s.list_streams_to_the_end(&scope, Some("t"));
}

fn streams_with_a_tag(s: &Scene) {
    let scope = s.scope();
    for (name, tags) in [("one", &["x"][..]), ("two", &["x", "y"]), ("three", &[])] {
        let tag = tags.iter().map(ToString::to_string).collect();
        let config = fixed(&stream(&scope, name), 1);
        s.create_stream(StreamConfig {
            tags: Some(Tags { tag }),
            ..config
        });
    }
    for tag in ["x", "y", "z", ""] {
        s.list_streams_to_the_end(&scope, Some(tag));
    }
}

fn without_a_token(s: &Scene) {
    let scope = s.scope();
    s.create_stream(fixed(&stream(&scope, "a"), 1));
    s.list_streams_in_scope(StreamsInScopeRequest {
        scope: Some(named(&scope)),
        continuation_token: None,
    });
}

fn without_a_scope(s: &Scene) {
    let continuation_token = Some(ContinuationToken::default());
    let request = StreamsInScopeRequest {
        scope: None,
        continuation_token,
    };
    s.list_streams_in_scope(request);
    s.list_streams_in_scope_for_tag(StreamsInScopeWithTagRequest::default());
}
