//! How many connections are served, and how many of them may be silent: at the limit, and one above it.

use std::{sync::Arc, time::Duration};

use futures::stream;
use pravega_wire_protocol::{Hello, Request};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    sync::mpsc,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::serve;
use crate::{Limits, connection::tests::shared};

/// Bytes in a pipe: any.
const PIPE: usize = 256;

/// A server that somebody wants to connect to at any time. What it accepts comes out of the channel.
fn crowded() -> mpsc::UnboundedReceiver<DuplexStream> {
    let (accepted, comes) = mpsc::unbounded_channel();
    let incoming = stream::unfold(accepted, async |accepted| {
        let (client, server) = duplex(PIPE);
        accepted.send(client).ok()?;
        Some((Ok(server), accepted))
    });
    tokio::spawn(serve(
        incoming,
        Arc::new(shared(|_| {})),
        CancellationToken::new(),
    ));
    comes
}

/// Those that are accepted until nothing happens any more. The clock stands still meanwhile.
async fn come(comes: &mut mpsc::UnboundedReceiver<DuplexStream>) -> Vec<DuplexStream> {
    sleep(Duration::from_millis(1)).await;
    let mut clients = Vec::new();
    while let Ok(client) = comes.try_recv() {
        clients.push(client);
    }
    clients
}

async fn greet(client: &mut DuplexStream) {
    let hello = Request::from(Hello::current()).encode_to_bytes().unwrap();
    client.write_all(&hello).await.unwrap();
    let mut answer = vec![0; hello.len()];
    client.read_exact(&mut answer).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a4_128_connections_may_be_silent() {
    let limit = Limits::default().max_silent_connections;
    assert_eq!(limit, 128);
    let mut comes = crowded();
    let mut silent = come(&mut comes).await;
    assert_eq!(silent.len(), limit);
    // One that speaks makes room for one, and so does one that goes.
    greet(silent.first_mut().unwrap()).await;
    silent.extend(come(&mut comes).await);
    assert_eq!(silent.len(), limit + 1);
    drop(silent.pop());
    assert_eq!(come(&mut comes).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a4_1024_connections_are_served() {
    let limit = Limits::default().max_connections;
    assert_eq!(limit, 1_024);
    let mut comes = crowded();
    let mut served = Vec::new();
    loop {
        let mut next = come(&mut comes).await;
        if next.is_empty() {
            break;
        }
        for client in &mut next {
            greet(client).await;
        }
        served.append(&mut next);
    }
    assert_eq!(served.len(), limit);
    drop(served.pop());
    assert_eq!(come(&mut comes).await.len(), 1);
}
