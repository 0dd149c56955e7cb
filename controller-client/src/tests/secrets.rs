//! No secret in anything that is printed, whatever the flow and however loud the log.

use std::{
    io,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
    time::Duration,
};

use pravega_client_config::Credentials;
use pravega_client_shared::ScopedSegment;
use pravega_controller_api as api;
use tonic::Code;
use tracing_subscriber::fmt::MakeWriter;

use super::peer::{HERE, Network, Step, client_of, config, scope, status, stream};
use crate::Access;

/// Keeps what is logged on one thread; the other tests' lines are dropped.
#[derive(Clone)]
struct Log {
    thread: ThreadId,
    lines: Arc<Mutex<Vec<u8>>>,
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if thread::current().id() == self.thread {
            self.lines.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_printed() {
    let log = Log {
        thread: thread::current().id(),
        lines: Arc::default(),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // For all threads: a subscriber of one thread misses what another thread has found switched off.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let network = Network::default();
    let peer = network.host(HERE);
    let config = config(HERE).credentials(Credentials::basic("planted-user", "planted-password"));
    let config = config
        .request_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let client = client_of(&network, &config);
    let secret = api::DelegationToken {
        delegation_token: "planted-token".to_owned(),
    };
    peer.on(
        "getDelegationToken",
        [Step::Status(Code::Internal), Step::reply(&secret)],
    );
    peer.on(
        "createScope",
        [Step::Hang, Step::Status(Code::Unauthenticated)],
    );
    peer.on("createStream", [status(9)]);
    peer.on(
        "getCurrentSegments",
        [Step::reply(&api::SegmentRanges {
            segment_ranges: vec![api::SegmentRange::default()],
            delegation_token: "planted-token".to_owned(),
        })],
    );

    let mut printed = Vec::new();
    printed.push(format!("{client:?} {config:?}"));
    let issued = client.token(&stream(), Access::Read).await.unwrap();
    printed.push(format!("{issued:?}"));
    let error = client.create_scope(&scope()).await.unwrap_err();
    printed.push(format!("{error:?} {error}"));
    let error = client
        .create_stream(&stream(), &crate::StreamConfiguration::default())
        .await;
    printed.push(format!("{error:?}"));
    printed.push(format!("{:?}", client.current_segments(&stream()).await));
    let error = client
        .endpoint(&ScopedSegment::from("camera/front/0"))
        .await
        .unwrap_err();
    printed.push(format!("{error:?}"));
    printed.push(String::from_utf8(log.lines.lock().unwrap().clone()).unwrap());

    let printed = printed.concat();
    assert!(printed.contains("an attempt failed"), "the log is empty");
    // base64 of planted-user:planted-password
    let encoded = "cGxhbnRlZC11c2VyOnBsYW50ZWQtcGFzc3dvcmQ";
    for secret in ["planted-user", "planted-password", "planted-token", encoded] {
        assert!(!printed.contains(secret), "{secret} was printed: {printed}");
    }
}
