//! Connections, below everything else.

use std::time::Duration;

use futures::FutureExt as _;
use pravega_client_shared::{DelegationToken, Endpoint, RequestId, ScopedSegment};
use pravega_connection_pool::{ConnectionPool, Dial as _, Dialed, TcpDialer};
use pravega_wire_protocol::{GetStreamSegmentInfo, Reply, Request};

use super::{Case, asking::expect_eq};
use crate::{
    campaign::{Verdict, Violation},
    cancel::{
        knife::repeat,
        scene::{Trial, failed, in_a_hurry, story},
    },
};

/// Longer than any reply takes.
const LONG: Duration = Duration::from_secs(60);

pub(super) const CASES: &[Case] = &[
    Case::new("ConnectionPool::connect", "none open", |it| {
        connect(it, Purpose::Flow).boxed()
    }),
    Case::new("ConnectionPool::connect_for_calls", "none open", |it| {
        connect(it, Purpose::Calls).boxed()
    }),
    Case::new("ConnectionPool::shutdown", "a connection open", |it| {
        shutdown(it).boxed()
    }),
    Case::new("Connection::call", "nothing owed", |it| call(it).boxed()),
    Case::new("Connection::closed", "open", |it| closed(it).boxed()).parking(),
    Case::new("TcpDialer as Dial::dial", "a store there", |it| {
        dial(it).boxed()
    }),
];

#[derive(Clone, Copy)]
enum Purpose {
    Flow,
    Calls,
}

/// A pool that nobody has used, and a connection's worth of address.
async fn pool(trial: &Trial) -> Verdict<(ConnectionPool, Endpoint)> {
    let pool = ConnectionPool::new(&trial.scene.relay.config_with(in_a_hurry));
    let controller = trial
        .factory
        .controller()
        .map_err(failed("a controller client"))?;
    let located = controller.endpoint(&trial.scene.segment).await;
    let endpoint = located.map_err(failed("the store"))?.endpoint;
    Ok((pool.map_err(failed("a pool"))?, endpoint))
}

/// A question whose answer is known.
fn question(segment: &ScopedSegment, id: RequestId) -> Request {
    GetStreamSegmentInfo {
        request_id: id.to_wire(),
        segment: segment.to_string().into(),
        delegation_token: DelegationToken::default(),
    }
    .into()
}

/// Connections may be cut at any time here; then the question is asked on another one.
async fn is_answered(trial: &Trial, pool: &ConnectionPool, endpoint: &Endpoint) -> Verdict {
    let mut last = String::new();
    for _ in 0..20 {
        let connection = match pool.connect_for_calls(endpoint).await {
            Ok(connection) => connection,
            Err(error) => {
                last = story(&error);
                continue;
            }
        };
        match connection
            .call(|id| question(&trial.scene.segment, id), LONG)
            .await
        {
            Ok(Reply::StreamSegmentInfo(_)) => return Ok(()),
            Ok(other) => return Err(Violation::broken(format!("the reply is {other:?}"))),
            Err(error) => last = story(&error),
        }
    }
    Err(Violation::broken(format!(
        "no answer in twenty attempts, the last one: {last}"
    )))
}

async fn connect(trial: &mut Trial, purpose: Purpose) -> Verdict {
    let (pool, endpoint) = pool(trial).await?;
    let connected = match purpose {
        Purpose::Flow => trial.knife.cut(pool.connect(&endpoint)).await,
        Purpose::Calls => trial.knife.cut(pool.connect_for_calls(&endpoint)).await,
    };
    drop(connected);
    trial.some_moment().await;
    is_answered(trial, &pool, &endpoint).await?;
    // What was being made for the one that was dropped is what the next one has got.
    let open = pool.stats().connections;
    expect_eq("more than two connections", open > 2, false)?;
    pool.shutdown().await;
    expect_eq("tasks left", pool.stats().tasks, 0)
}

async fn shutdown(trial: &mut Trial) -> Verdict {
    let (pool, endpoint) = pool(trial).await?;
    is_answered(trial, &pool, &endpoint).await?;
    let has_ended = trial.knife.cut(pool.shutdown()).await.is_some();
    if trial.knife.polls > 0 {
        let refused = pool.connect(&endpoint).await.is_err();
        expect_eq("refused after the end has begun", refused, true)?;
    }
    if !has_ended {
        pool.shutdown().await;
    }
    expect_eq("tasks left", pool.stats().tasks, 0)
}

async fn call(trial: &mut Trial) -> Verdict {
    let (pool, endpoint) = pool(trial).await?;
    let connection = pool.connect_for_calls(&endpoint).await;
    let connection = connection.map_err(failed("a connection"))?;
    let segment = trial.scene.segment.clone();
    let asked = connection.call(|id| question(&segment, id), LONG);
    drop(trial.knife.cut(asked).await);
    trial.some_moment().await;
    is_answered(trial, &pool, &endpoint).await?;
    pool.shutdown().await;
    Ok(())
}

async fn closed(trial: &mut Trial) -> Verdict {
    let (pool, endpoint) = pool(trial).await?;
    let connection = pool
        .connect(&endpoint)
        .await
        .map_err(failed("a connection"))?;
    drop(trial.knife.cut(connection.closed()).await);
    pool.close();
    // Somebody may have cut it before.
    connection.closed().await;
    expect_eq("closed", connection.is_closed(), true)
}

async fn dial(trial: &mut Trial) -> Verdict {
    let (_, endpoint) = pool(trial).await?;
    let dialer = TcpDialer::new(&trial.scene.relay.config_with(in_a_hurry));
    let dialer = dialer.map_err(failed("a dialer"))?;
    let dialed = repeat!(trial.knife, dialer.dial(&endpoint));
    let Dialed { .. } = dialed.map_err(failed("dialing"))?;
    Ok(())
}
