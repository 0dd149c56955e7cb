//! A store's host: the embedded segment store, on the connections that the simulated network brings.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream, duplex},
    time::sleep,
};
use turmoil::net::{TcpListener, TcpStream};

use super::{
    cluster::{Cluster, Door, Host, STORE_PORT},
    gate,
};

/// Bytes between a gate and the store behind it.
const PIPE: usize = 64 * 1024;

/// What another program says to whoever connects.
const STRANGERS_WORD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

/// The program of a store's host.
pub(super) async fn run(cluster: Arc<Cluster>, host: Host) -> turmoil::Result {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, STORE_PORT)).await?;
    let services = cluster.services.clone();
    let incoming = accept(listener, cluster, host);
    services.serve_store(incoming, std::future::pending()).await;
    Ok(())
}

fn accept(
    listener: TcpListener,
    cluster: Arc<Cluster>,
    host: Host,
) -> impl Stream<Item = io::Result<DuplexStream>> + Send {
    let next = move |listener: TcpListener| {
        let cluster = Arc::clone(&cluster);
        async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else {
                    continue;
                };
                match cluster.door() {
                    None => {
                        let (outside, inside) = duplex(PIPE);
                        tokio::spawn(gate::run(Arc::clone(&cluster), host, socket, outside));
                        return Some((Ok(inside), listener));
                    }
                    Some(Door::Slams) => drop(socket),
                    Some(Door::IsMute) => drop(tokio::spawn(mute(socket))),
                    Some(Door::IsAnothers) => drop(tokio::spawn(stranger(socket))),
                }
            }
        }
    };
    stream::unfold(listener, next)
}

/// How long a silent store keeps a connection; longer than any client waits for a hello.
const SILENCE: Duration = Duration::from_secs(20);

/// Keeps a connection, reads nothing and says nothing. The client must have enough of it first.
async fn mute(socket: TcpStream) {
    sleep(SILENCE).await;
    drop(socket);
}

async fn stranger(mut socket: TcpStream) {
    socket.write_all(STRANGERS_WORD).await.ok();
    socket.shutdown().await.ok();
}
