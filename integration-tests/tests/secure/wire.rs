//! What a store says to tokens of every kind.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use pravega_client_shared::{DelegationToken, RequestId, WriterId};
use pravega_connection_pool::Connection;
use pravega_controller_client::Access;
use pravega_wire_protocol::{
    AuthTokenCheckFailed, GetStreamSegmentInfo, Reply, Request, SetupAppend,
};

use crate::house::{House, OWNER, READER};

/// Writers so far: each setup is another's.
static WRITERS: AtomicU64 = AtomicU64::new(1);

const PATIENCE: Duration = Duration::from_secs(30);

fn info(segment: &str, token: &DelegationToken, id: RequestId) -> Request {
    GetStreamSegmentInfo {
        request_id: id.to_wire(),
        segment: segment.into(),
        delegation_token: token.clone(),
    }
    .into()
}

fn setup(segment: &str, token: &DelegationToken, id: RequestId) -> Request {
    SetupAppend {
        request_id: id.to_wire(),
        writer_id: WriterId::from_wire(WRITERS.fetch_add(1, Ordering::Relaxed).into()),
        segment: segment.into(),
        delegation_token: token.clone(),
    }
    .into()
}

async fn ask(connection: &Connection, request: impl Fn(RequestId) -> Request) -> Reply {
    connection.call(request, PATIENCE).await.unwrap()
}

fn is_refused(reply: &Reply) -> bool {
    matches!(reply, Reply::AuthTokenCheckFailed(refused)
        if refused.error_code == AuthTokenCheckFailed::CHECK_FAILED)
}

#[tokio::test]
async fn a5_tokens_that_are_none_or_of_another_stream_are_refused() {
    let house = House::open().await;
    let (segment, connection) = house.segment().await;
    let name = segment.to_string();
    let other = house.stream().await.segment(segment.id());
    let bad = [
        DelegationToken::default(),
        DelegationToken::new("x"),
        DelegationToken::new("a.b.c"),
        DelegationToken::new(&"x".repeat(60_000)),
        // HS256 with the key "secret" and everything allowed, for ever; HS512 with another key.
        DelegationToken::new(
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4IiwiYXVkIjoic2VnbWVudHN0b3JlIiwiKiI6IlJFQURfVVBEQVRFIn0.AAAA",
        ),
        house.token(OWNER, &other, Access::ReadWrite).await,
    ];
    for token in &bad {
        let reply = ask(&connection, |id| info(&name, token, id)).await;
        assert!(is_refused(&reply), "{reply:?}");
        let reply = ask(&connection, |id| setup(&name, token, id)).await;
        assert!(is_refused(&reply), "{reply:?}");
    }
}

#[tokio::test]
async fn a5_the_right_to_read_opens_no_append() {
    let house = House::open().await;
    let (segment, connection) = house.segment().await;
    let name = segment.to_string();
    for user in [OWNER, READER] {
        let token = house.token(user, &segment, Access::Read).await;
        let reply = ask(&connection, |id| info(&name, &token, id)).await;
        assert!(matches!(reply, Reply::StreamSegmentInfo(_)), "{reply:?}");
        let reply = ask(&connection, |id| setup(&name, &token, id)).await;
        assert!(is_refused(&reply), "{reply:?}");
    }
    let token = house.token(OWNER, &segment, Access::ReadWrite).await;
    let reply = ask(&connection, |id| setup(&name, &token, id)).await;
    assert!(matches!(reply, Reply::AppendSetup(_)), "{reply:?}");
}
