//! A Pravega for one test whose segment store says what the test makes it say: replies that a healthy store
//! never gives, replies held back, connections that end.
//!
//! The script is a function that is run for each connection. It sees the requests, decoded, and answers as
//! it likes; an [`Honest`] segment gives the right answer to start from. Hellos and keep-alives are answered
//! for it. The controller beside it knows every stream, all on that one store.
//!
//! ```
//! use pravega_integration_tests::{Honest, ScriptedPravega};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pravega = ScriptedPravega::start(|mut wire| async move {
//!     let segment = Honest::sealed("four words of text");
//!     while let Some(request) = wire.next().await? {
//!         wire.send_all(segment.answer(&request)).await?;
//!     }
//!     Ok(())
//! })
//! .await;
//!
//! let factory = pravega.factory();
//! let reader = factory.create_byte_reader(pravega.segment()).await;
//! assert_eq!(reader.read_range(5..10).await?, "words");
//! assert_eq!(pravega.record().connections, 1);
//! # Ok(()) }
//! ```

mod controller;
mod honest;
mod wire;

use std::{future::Future, io, sync::Arc};

use pravega_byte_stream::{ClientConfigBuilder, ClientFactory, ScopedSegment};
use pravega_wire_protocol::{ReadSegment, Reply, Request};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub use self::{honest::Honest, wire::Wire};
use crate::backend;

/// Any free port, on this machine only.
const ANY_PORT: &str = "127.0.0.1:0";

/// A controller, and a segment store that follows a script. All of it ends when this is dropped.
#[derive(Debug)]
pub struct ScriptedPravega {
    uri: String,
    record: watch::Receiver<Record>,
    _tasks: JoinSet<()>,
}

/// What the store has seen.
#[derive(Debug, Default, Clone)]
pub struct Record {
    /// Connections accepted.
    pub connections: usize,
    /// Keep-alives received.
    pub keep_alives: usize,
    /// All other requests but hellos, in the order in which they were taken off their connections.
    pub requests: Vec<Request>,
}

impl Record {
    /// The reads among the requests.
    pub fn reads(&self) -> impl Iterator<Item = &ReadSegment> {
        self.requests.iter().filter_map(|request| match request {
            Request::ReadSegment(read) => Some(read),
            _ => None,
        })
    }
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up fails"
)]
impl ScriptedPravega {
    /// Starts both. `script` is called for each connection; when its future ends, the connection does.
    pub async fn start<S, F>(script: S) -> Self
    where
        S: Fn(Wire) -> F + Send + 'static,
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (sender, record) = watch::channel(Record::default());
        let mut tasks = JoinSet::new();
        let store = TcpListener::bind(ANY_PORT)
            .await
            .expect("a port for the store");
        let address = store.local_addr().expect("the store has an address");
        tasks.spawn(accept(store, sender, script));
        let uri = controller::serve(address, &mut tasks)
            .await
            .expect("a port for the controller");
        Self {
            uri,
            record,
            _tasks: tasks,
        }
    }

    /// A store that does nothing unusual.
    pub async fn honest(segment: Honest) -> Self {
        Self::answering(move |request, _| segment.answer(request)).await
    }

    /// A store that answers each request at once, in order. `answer` is told how many requests the
    /// connection had before.
    pub async fn answering<A, R>(answer: A) -> Self
    where
        A: Fn(&Request, usize) -> R + Send + Sync + 'static,
        R: IntoIterator<Item = Reply, IntoIter: Send> + Send + 'static,
    {
        let answer = Arc::new(answer);
        Self::start(move |mut wire| {
            let answer = Arc::clone(&answer);
            async move {
                let mut number = 0;
                while let Some(request) = wire.next().await? {
                    wire.send_all(answer(&request, number)).await?;
                    number += 1;
                }
                Ok(())
            }
        })
        .await
    }

    /// The controller's address.
    pub fn controller_uri(&self) -> &str {
        &self.uri
    }

    /// A factory with the default configuration.
    pub fn factory(&self) -> ClientFactory {
        self.factory_with(|config| config)
    }

    /// A factory with a configuration that `change` changes.
    pub fn factory_with(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> ClientFactory {
        backend::factory_at(&self.uri, change)
    }

    /// The name of a segment. Any other would do.
    pub fn segment(&self) -> ScopedSegment {
        "scripted/stream/0.#epoch.0"
            .parse()
            .expect("a segment's name")
    }

    /// What the store has seen so far.
    pub fn record(&self) -> Record {
        self.record.borrow().clone()
    }

    /// Waits until the store has seen what `is_enough` looks for.
    pub async fn seen(&self, is_enough: impl FnMut(&Record) -> bool) -> Record {
        self.record
            .clone()
            .wait_for(is_enough)
            .await
            .expect("the store runs")
            .clone()
    }
}

async fn accept<S, F>(listener: TcpListener, record: watch::Sender<Record>, script: S)
where
    S: Fn(Wire) -> F + Send + 'static,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let record = Arc::new(record);
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let number = record.borrow().connections;
        record.send_modify(|record| record.connections += 1);
        connections.spawn(script(Wire::new(number, socket, Arc::clone(&record))));
    }
}
