//! A connection to a store that looks at tokens.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{
    AuthTokenCheckFailed, GetStreamSegmentInfo, ReadSegment, Reply, SetupAppend,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Client, SEGMENT, append, connect, connect_to};
use crate::{
    Accounts,
    connection::Shared,
    handler::CloseReason,
    limits::Limits,
    security::{Guard, Resource, Right},
};

const STREAM: Resource<'_> = Resource::Stream("s", "b");
const LIFETIME: Duration = Duration::from_secs(30);

async fn guarded() -> (Client, Arc<Guard>) {
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$BbbKj4A4toOIetSRZTOFi0nLUgQBJsE09Mbp2HEbjAk";
    let accounts = Accounts::parse(&format!("ann:{hash}:prn::*,READ_UPDATE")).unwrap();
    let guard = Arc::new(Guard::new(accounts, LIFETIME).unwrap());
    let open = connect(1024, |_| {}).await;
    let shared = Arc::new(Shared {
        segments: open.shared.segments.clone(),
        limits: Limits::default(),
        counters: Arc::default(),
        guard: Some(Arc::clone(&guard)),
        append_memory: open.shared.append_memory.clone(),
        next_connection: 2.into(),
    });
    let mut client = connect_to(64 * 1024, shared).await;
    client.greet().await;
    (client, guard)
}

fn token(guard: &Guard, right: Right) -> DelegationToken {
    DelegationToken::new(&guard.token(STREAM, right).unwrap())
}

fn setup(writer: u128, token: &DelegationToken) -> SetupAppend {
    SetupAppend {
        request_id: 5,
        delegation_token: token.clone(),
        ..super::setup(writer)
    }
}

fn refused(request_id: i64, error_code: i32) -> Option<Reply> {
    let server_stack_trace = String::new();
    let refusal = AuthTokenCheckFailed {
        request_id,
        server_stack_trace,
        error_code,
    };
    Some(refusal.into())
}

#[tokio::test(start_paused = true)]
async fn a5_a_refused_request_is_told_and_changes_nothing() {
    let (mut client, guard) = guarded().await;
    let reading = token(&guard, Right::Read);
    client.send(setup(1, &DelegationToken::default())).await;
    assert_eq!(
        client.next().await,
        refused(5, AuthTokenCheckFailed::CHECK_FAILED)
    );
    client.send(setup(1, &reading)).await;
    assert_eq!(
        client.next().await,
        refused(5, AuthTokenCheckFailed::CHECK_FAILED)
    );
    let read = |delegation_token| ReadSegment {
        segment: SEGMENT.into(),
        offset: 3,
        suggested_length: 8,
        delegation_token,
        request_id: 99,
    };
    // The id of a refused read is its offset, as with a real store.
    client.send(read(DelegationToken::default())).await;
    assert_eq!(
        client.next().await,
        refused(3, AuthTokenCheckFailed::CHECK_FAILED)
    );
    let info = GetStreamSegmentInfo {
        request_id: 6,
        segment: SEGMENT.into(),
        delegation_token: reading,
    };
    client.send(info).await;
    let reply = client.next().await;
    assert!(
        matches!(&reply, Some(Reply::StreamSegmentInfo(info)) if info.write_offset == 0),
        "{reply:?}"
    );
    // No writer was set up: an append is against the rules.
    client.send(append(1, Bytes::from_static(b"never"))).await;
    assert_eq!(client.next().await, None);
    drop(client.pipe);
    assert_eq!(client.connection.await.unwrap(), CloseReason::BadAppend);
}

#[tokio::test(start_paused = true)]
async fn t79_the_connection_of_a_writer_is_closed_without_a_word_when_its_token_ends() {
    let (mut client, guard) = guarded().await;
    let first = Instant::now();
    client
        .send(setup(1, &token(&guard, Right::ReadUpdate)))
        .await;
    assert!(matches!(client.next().await, Some(Reply::AppendSetup(_))));
    sleep(LIFETIME / 2).await;
    // A later token, of another writer and of the same, changes nothing about the first.
    for writer in [2, 1] {
        client
            .send(setup(writer, &token(&guard, Right::ReadUpdate)))
            .await;
        assert!(matches!(client.next().await, Some(Reply::AppendSetup(_))));
    }
    sleep_until(first + LIFETIME - Duration::from_millis(1)).await;
    client.send(append(1, Bytes::from_static(b"in time"))).await;
    assert!(matches!(client.next().await, Some(Reply::DataAppended(_))));
    assert_eq!(client.next().await, None);
    let after = first.elapsed();
    // Tokens count in seconds.
    assert!(
        after >= LIFETIME && after <= LIFETIME + Duration::from_secs(1),
        "{after:?}"
    );
    assert_eq!(client.connection.await.unwrap(), CloseReason::TokenExpired);
}

#[tokio::test(start_paused = true)]
async fn t79_an_expired_token_is_told_to_a_reader_and_closes_on_a_setup() {
    let (mut client, guard) = guarded().await;
    let old = token(&guard, Right::ReadUpdate);
    sleep(LIFETIME + Duration::from_secs(1)).await;
    let info = GetStreamSegmentInfo {
        request_id: 6,
        segment: SEGMENT.into(),
        delegation_token: old.clone(),
    };
    client.send(info).await;
    assert_eq!(
        client.next().await,
        refused(6, AuthTokenCheckFailed::EXPIRED)
    );
    client.send(setup(1, &old)).await;
    assert_eq!(client.next().await, None);
    drop(client.pipe);
    assert_eq!(client.connection.await.unwrap(), CloseReason::TokenExpired);
}
