//! What the tests share: a scripted segment store, and a handler that writes down what it is told.

pub(crate) mod peer;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use pravega_client_config::{ClientConfig, ClientConfigBuilder};
use pravega_client_shared::{DelegationToken, Endpoint, RequestId};
use pravega_connection_pool::{ConnectionError, FlowHandler, ProtocolError};
use pravega_wire_protocol::{
    GetStreamSegmentInfo, NoSuchSegment, Reply, Request, StreamSegmentInfo,
};
use tokio::sync::Notify;

/// Long enough that only a hang comes near it, on a clock that jumps over waiting.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) fn builder() -> ClientConfigBuilder {
    ClientConfigBuilder::default().controller_uri("tcp://localhost:9090")
}

pub(crate) fn config() -> ClientConfig {
    builder().build().unwrap()
}

pub(crate) fn endpoint() -> Endpoint {
    "store:12345".parse().unwrap()
}

/// A request that any flow or call can make.
pub(crate) fn info(id: RequestId) -> Request {
    Request::from(GetStreamSegmentInfo {
        request_id: id.to_wire(),
        segment: "s/t/0.#epoch.0".into(),
        delegation_token: DelegationToken::default(),
    })
}

/// Its reply. `mark` tells replies apart.
pub(crate) fn info_reply(id: i64, mark: i64) -> Reply {
    Reply::from(StreamSegmentInfo {
        request_id: id,
        segment: "s/t/0.#epoch.0".into(),
        exists: true,
        is_sealed: false,
        is_deleted: false,
        last_modified: 0,
        write_offset: mark,
        start_offset: 0,
    })
}

pub(crate) fn failure(id: i64) -> Reply {
    Reply::from(NoSuchSegment {
        request_id: id,
        segment: "s/t/0.#epoch.0".into(),
        server_stack_trace: String::new(),
        offset: -1,
    })
}

/// The mark in a reply made by [`info_reply`].
pub(crate) fn mark(reply: &Reply) -> i64 {
    match reply {
        Reply::StreamSegmentInfo(info) => info.write_offset,
        other => panic!("unexpected {other:?}"),
    }
}

/// The same handler, as flows take it.
pub(crate) fn handler<H: FlowHandler>(of: &Arc<H>) -> Arc<dyn FlowHandler> {
    let same: Arc<H> = Arc::clone(of);
    same
}

/// A flow's handler that keeps everything it is told.
#[derive(Default)]
pub(crate) struct Recorder {
    seen: Mutex<Seen>,
    changed: Notify,
    /// Fails the first reply with this text.
    complaint: Option<&'static str>,
}

#[derive(Default)]
struct Seen {
    replies: Vec<Reply>,
    causes: Vec<ConnectionError>,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn that_complains(text: &'static str) -> Arc<Self> {
        Arc::new(Self {
            complaint: Some(text),
            ..Self::default()
        })
    }

    pub(crate) fn replies(&self) -> Vec<Reply> {
        self.seen.lock().unwrap().replies.clone()
    }

    pub(crate) fn causes(&self) -> Vec<ConnectionError> {
        self.seen.lock().unwrap().causes.clone()
    }

    /// Waits for so many replies in all.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Reply> {
        self.wait(|seen| (seen.replies.len() >= count).then(|| seen.replies.clone()))
            .await
    }

    /// Waits until the connection is closed.
    pub(crate) async fn wait_for_end(&self) -> ConnectionError {
        self.wait(|seen| seen.causes.first().cloned()).await
    }

    async fn wait<T>(&self, look: impl Fn(&Seen) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if let Some(found) = look(&self.seen.lock().unwrap()) {
                    return found;
                }
                changed.await;
            }
        };
        // A bound for a test that hangs; far beyond every deadline of the code.
        tokio::time::timeout(Duration::from_secs(3_600), waiting)
            .await
            .expect("nothing more happened")
    }
}

impl FlowHandler for Recorder {
    fn on_reply(&self, now: Instant, reply: Reply) -> Result<(), ProtocolError> {
        // Handed out in the moment in which it was received, on the clock that tests move.
        assert_eq!(now, tokio::time::Instant::now().into_std());
        let mut seen = self.seen.lock().unwrap();
        assert!(seen.causes.is_empty(), "a reply after the end");
        seen.replies.push(reply);
        self.changed.notify_waiters();
        match self.complaint {
            Some(text) => Err(ProtocolError::new(text)),
            None => Ok(()),
        }
    }

    fn on_disconnect(&self, cause: &ConnectionError) {
        self.seen.lock().unwrap().causes.push(cause.clone());
        self.changed.notify_waiters();
    }
}
