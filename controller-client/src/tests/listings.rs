//! Listings, page by page.

use futures::TryStreamExt;
use pravega_controller_api as api;

use super::peer::{Step, pair, scope};
use crate::ControllerError;

fn mark(token: &str) -> Option<api::ContinuationToken> {
    Some(api::ContinuationToken {
        token: token.to_owned(),
    })
}

fn scopes(names: &[&str], token: &str) -> Step {
    let scopes = names.iter().map(ToString::to_string).collect();
    Step::reply(&api::ScopesResponse {
        scopes,
        continuation_token: mark(token),
    })
}

fn streams(names: &[&str], status: i32) -> Step {
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
}

#[tokio::test(start_paused = true)]
async fn scopes_come_page_by_page() {
    let (client, peer) = pair();
    let pages = [
        scopes(&["a", "_system"], "1"),
        scopes(&["b"], "2"),
        scopes(&[], "2"),
    ];
    peer.on("listScopes", pages);
    let listed: Vec<_> = client.list_scopes().try_collect().await.unwrap();
    assert_eq!(
        listed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["a", "_system", "b"]
    );
    assert_eq!(
        peer.last::<api::ScopesRequest>()
            .continuation_token
            .unwrap()
            .token,
        "2"
    );
    let first: api::ScopesRequest = prost::Message::decode(&*peer.asked()[0].body).unwrap();
    assert_eq!(first.continuation_token.unwrap().token, "");
}

#[tokio::test(start_paused = true)]
async fn streams_come_page_by_page() {
    let (client, peer) = pair();
    peer.on(
        "listStreamsInScope",
        [streams(&["x", "_MARKx"], 0), streams(&[], 0)],
    );
    let listed: Vec<_> = client.list_streams(&scope()).try_collect().await.unwrap();
    let names: Vec<_> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["camera/x", "camera/_MARKx"]);
    assert_eq!(
        peer.last::<api::StreamsInScopeRequest>()
            .scope
            .unwrap()
            .scope,
        "camera"
    );

    peer.on(
        "listStreamsInScopeForTag",
        [streams(&["x"], 0), streams(&[], 0)],
    );
    let tagged: Vec<_> = client
        .list_streams_with_tag(&scope(), "t")
        .try_collect()
        .await
        .unwrap();
    assert_eq!(tagged.len(), 1);
    assert_eq!(peer.last::<api::StreamsInScopeWithTagRequest>().tag, "t");
}

#[tokio::test(start_paused = true)]
async fn a_listing_without_a_scope_is_an_error() {
    let (client, peer) = pair();
    for (number, is_missing) in [(2, true), (3, false)] {
        peer.on("listStreamsInScope", [streams(&[], number)]);
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
    // A failure is repeated, and the listing goes on.
    peer.on(
        "listStreamsInScope",
        [streams(&[], 1), streams(&["x"], 0), streams(&[], 0)],
    );
    let listed: Vec<_> = client.list_streams(&scope()).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
}
