//! Many threads on one connection: nothing is lost between a queue that fills and a writer that leaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use pravega_connection_pool::{ConnectionError, FlowHandler, ProtocolError};
use pravega_wire_protocol::Reply;
use tokio::sync::Notify;

use crate::support::{
    config, handler, info, info_reply,
    peer::{Joined, join_through},
};

const TASKS: usize = 8;
const ROUNDS: u32 = 500;

#[derive(Default)]
struct Counter {
    count: AtomicUsize,
    changed: Notify,
}

impl FlowHandler for Counter {
    fn on_reply(&self, _: Instant, _: Reply) -> Result<(), ProtocolError> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
        Ok(())
    }

    fn on_disconnect(&self, cause: &ConnectionError) {
        panic!("unexpected end: {cause}");
    }
}

/// Ping-pong from many threads over narrow pipes: a wake-up lost once would hang it until a keep-alive.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ping_pong_from_many_threads_never_stalls() {
    for capacity in [3, 64, 4_096] {
        let Joined {
            // A pool that is dropped would close the connection in a moment without flows.
            pool: _pool,
            connection,
            mut peer,
            ..
        } = join_through(&config(), capacity).await;
        let echo = tokio::spawn(async move {
            while let Some(request) = peer.next().await {
                let id = request
                    .request_id()
                    .expect("a keep-alive: something had stalled");
                peer.send(info_reply(id, 0)).await;
            }
        });
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let counter = Arc::new(Counter::default());
                let flow = connection.open_flow(handler(&counter)).unwrap();
                tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        flow.enqueue(&info(flow.id().request(round))).unwrap();
                        flow.pump();
                        counter.changed.notified().await;
                    }
                    counter.count.load(Ordering::SeqCst)
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), usize::try_from(ROUNDS).unwrap());
        }
        let endpoint = connection.endpoint().clone();
        connection.close(ConnectionError::ShutDown { endpoint });
        echo.await.unwrap();
    }
}
