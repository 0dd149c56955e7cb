//! Connections as they come: a stream of byte streams, of which TCP is one kind.

use std::{io, time::Duration};

use futures::{Stream, StreamExt, stream};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tracing::warn;

/// The first pause after an accept that failed, for example for want of file descriptors.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest of these pauses; each is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What a listener accepts.
pub(crate) fn tcp(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> + Send {
    let next = async |listener: TcpListener| {
        let accepted = listener.accept().await.map(|(socket, _)| {
            // Replies are small and somebody waits for each. Without the option they are only later.
            socket.set_nodelay(true).ok();
            socket
        });
        Some((accepted, listener))
    };
    stream::unfold(listener, next)
}

/// The next connection; none when no more will come. A failure is followed by a pause and another attempt.
///
/// # Cancel safety
/// Cancel safe: a connection that came is not lost.
pub(crate) async fn next<S>(
    incoming: &mut (impl Stream<Item = io::Result<S>> + Unpin),
) -> Option<S> {
    let mut pause = FIRST_PAUSE;
    loop {
        match incoming.next().await? {
            Ok(socket) => return Some(socket),
            Err(error) => {
                warn!(name: "server.accept_failed", %error, "cannot accept a connection");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
