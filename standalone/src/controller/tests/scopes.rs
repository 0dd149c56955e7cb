//! Scopes and listings, as the real controller answers.

use pravega_controller_api::{
    self as api, controller_service_client::ControllerServiceClient,
    create_scope_status::Status as Created, delete_scope_status::Status as Deleted,
    streams_in_scope_response::Status as Listed,
};
use tonic::{Code, transport::Channel};

use super::support::{answer, fixed, scope, start, stream};

#[tokio::test]
async fn scopes_are_created_found_and_deleted() {
    let mut client = start().await.client;
    for (name, expected) in [
        ("s", Created::Success),
        ("s", Created::ScopeExists),
        ("_internal", Created::Success),
        (&"x".repeat(255), Created::Success),
        (&"x".repeat(256), Created::InvalidScopeName),
        ("a_b", Created::InvalidScopeName),
        ("a/b", Created::InvalidScopeName),
        ("a#b", Created::InvalidScopeName),
        (" ", Created::InvalidScopeName),
        ("ü", Created::InvalidScopeName),
        (".", Created::InvalidScopeName),
        ("..", Created::InvalidScopeName),
        ("a\0", Created::InvalidScopeName),
    ] {
        let reply = answer(client.create_scope(scope(name)).await).unwrap();
        assert_eq!(reply.status(), expected, "{name}");
    }
    let empty = answer(client.create_scope(scope("")).await);
    assert_eq!(empty.unwrap_err(), Code::Internal);

    for (name, expected) in [("s", true), ("x", false), ("a/b", false), ("..", false)] {
        let reply = answer(client.check_scope_exists(scope(name)).await).unwrap();
        assert_eq!(reply.exists, expected, "{name}");
    }
    let empty = answer(client.check_scope_exists(scope("")).await);
    assert_eq!(empty.unwrap_err(), Code::Internal);

    client.create_stream(fixed("s", "t", 1)).await.unwrap();
    for (name, expected) in [
        ("s", Deleted::ScopeNotEmpty),
        ("x", Deleted::ScopeNotFound),
        ("..", Deleted::ScopeNotFound),
        ("_internal", Deleted::Success),
        ("_internal", Deleted::ScopeNotFound),
    ] {
        let reply = answer(client.delete_scope(scope(name)).await).unwrap();
        assert_eq!(reply.status(), expected, "{name}");
    }
    let empty = answer(client.delete_scope(scope("")).await);
    assert_eq!(empty.unwrap_err(), Code::Internal);
}

#[tokio::test]
async fn a_scope_is_deleted_with_everything_in_it() {
    let mut running = start().await.with_sealed_stream().await;
    let client = &mut running.client;
    client.create_stream(fixed("s", "active", 2)).await.unwrap();
    for _ in 0..2 {
        let reply = answer(client.delete_scope_recursive(scope("s")).await).unwrap();
        assert_eq!(reply.status(), Deleted::Success);
    }
    let empty = answer(client.delete_scope_recursive(scope("")).await);
    assert_eq!(empty.unwrap_err(), Code::Internal);
    assert!(
        !answer(client.check_scope_exists(scope("s")).await)
            .unwrap()
            .exists
    );
    assert!(running.fake.disk().segments.is_empty());
}

#[tokio::test]
async fn listing_scopes_ends_with_an_empty_page() {
    let mut client = start().await.client;
    let names: Vec<String> = (0..1_001).map(|number| format!("s{number:04}")).collect();
    for name in &names {
        client.create_scope(scope(name)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut pages = Vec::new();
    let mut continuation_token = Some(api::ContinuationToken {
        token: String::new(),
    });
    loop {
        let request = api::ScopesRequest { continuation_token };
        let page = answer(client.list_scopes(request).await).unwrap();
        pages.push(page.scopes.len());
        if page.scopes.is_empty() {
            break;
        }
        continuation_token = Some(page.continuation_token.unwrap());
        seen.extend(page.scopes);
    }
    assert_eq!(pages, [1_000, 1, 0]);
    assert_eq!(seen, names);

    let without_token = api::ScopesRequest {
        continuation_token: None,
    };
    let page = answer(client.list_scopes(without_token).await).unwrap();
    assert_eq!(page.scopes.len(), 1_000);
}

#[tokio::test]
async fn listing_streams_tells_a_missing_scope() {
    let mut client = start().await.with_stream(1).await.client;
    let mut tagged = fixed("s", "u", 1);
    tagged.tags = Some(api::Tags {
        tag: vec!["red".into(), "blue".into(), "red".into()],
    });
    client.create_stream(tagged).await.unwrap();

    let request = |scope_name: &str, token: &str| api::StreamsInScopeRequest {
        scope: Some(scope(scope_name)),
        continuation_token: Some(api::ContinuationToken {
            token: token.into(),
        }),
    };
    let page = answer(client.list_streams_in_scope(request("s", "")).await).unwrap();
    assert_eq!(page.streams, [stream("s", "t"), stream("s", "u")]);
    assert_eq!(page.status(), Listed::Success);
    let token = page.continuation_token.unwrap().token;
    let page = answer(client.list_streams_in_scope(request("s", &token)).await).unwrap();
    assert!(page.streams.is_empty() && page.continuation_token.is_some());
    let page = answer(client.list_streams_in_scope(request("x", "")).await).unwrap();
    assert_eq!(page.status(), Listed::ScopeNotFound);
    assert!(page.continuation_token.is_some());
    let page = answer(client.list_streams_in_scope(request("s", "n/a")).await).unwrap();
    assert!(page.streams.is_empty());
    let empty = answer(client.list_streams_in_scope(request("", "")).await);
    assert_eq!(empty.unwrap_err(), Code::Internal);

    let by_tag = |scope_name: &str, tag: &str| api::StreamsInScopeWithTagRequest {
        scope: Some(scope(scope_name)),
        tag: tag.into(),
        continuation_token: None,
    };
    let page = answer(
        client
            .list_streams_in_scope_for_tag(by_tag("s", "blue"))
            .await,
    )
    .unwrap();
    assert_eq!(page.streams, [stream("s", "u")]);
    let page = answer(client.list_streams_in_scope_for_tag(by_tag("s", "x")).await).unwrap();
    assert!(page.streams.is_empty() && page.continuation_token.is_some());
    let page = answer(
        client
            .list_streams_in_scope_for_tag(by_tag("x", "blue"))
            .await,
    )
    .unwrap();
    assert_eq!(page.status(), Listed::ScopeNotFound);
}

/// A1: a name that is no name reaches neither the catalog nor the segment store, by whatever call.
#[tokio::test]
async fn a1_odd_names_are_refused_at_every_entrance() {
    let mut running = start().await.with_stream(1).await;
    let before = running.fake.disk();
    let client = &mut running.client;
    let long = "x".repeat(256);
    let odd = [
        ".",
        "..",
        "../t",
        "t/..",
        "/",
        "\\",
        "a/b",
        "t\0",
        "t\n",
        "\u{1b}[2J",
        " t",
        "t ",
        "a_b",
        "__t",
        "t#0",
        "t.#epoch.0",
        "ü",
        "\u{202e}t",
        "%2e%2e",
        "a:b",
        "*",
        &long,
    ];
    for name in odd {
        let created = answer(client.create_scope(scope(name)).await).unwrap();
        assert_eq!(created.status(), Created::InvalidScopeName, "{name:?}");
        let created = answer(client.create_stream(fixed("s", name, 1)).await).unwrap();
        assert_eq!(
            created.status(),
            api::create_stream_status::Status::InvalidStreamName
        );
        refuses_the_stream(client, name, "t").await;
        refuses_the_stream(client, "s", name).await;
    }
    assert_eq!(running.fake.disk(), before);
}

async fn refuses_the_stream(
    client: &mut ControllerServiceClient<Channel>,
    scope: &str,
    name: &str,
) {
    let info = stream(scope, name);
    let statuses = [
        answer(client.create_stream(fixed(scope, name, 1)).await).map(|reply| reply.status),
        answer(client.update_stream(fixed(scope, name, 1)).await).map(|reply| reply.status),
        answer(client.seal_stream(info.clone()).await).map(|reply| reply.status),
        answer(client.delete_stream(info.clone()).await).map(|reply| reply.status),
    ];
    assert!(
        statuses.iter().all(|status| matches!(status, Ok(1..))),
        "{info:?}: {statuses:?}"
    );
    assert!(
        !answer(client.check_stream_exists(info.clone()).await)
            .unwrap()
            .exists
    );
    let current = answer(client.get_current_segments(info).await);
    assert_eq!(current.unwrap_err(), Code::NotFound, "{scope:?} {name:?}");
}
