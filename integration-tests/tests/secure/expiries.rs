//! T79 for hours: a writer in each mode and a reader at the tail outlive many tokens and notice none of it.
//!
//! Everything is in this process, and so is the time: ten lifetimes pass as soon as nobody has anything to do.

use std::{io, sync::Arc, time::Duration};

use futures::{FutureExt as _, channel::mpsc, future::BoxFuture};
use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientConfigBuilder, ClientFactory, ConnectError, Credentials, Dial,
    Dialed, Endpoint, Environment, ReadFrom, ScopedStream, WriteMode,
};
use pravega_integration_tests::Pattern;
use pravega_standalone::Standalone;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split},
    sync::watch,
};

use crate::house::{OWNER, PASSWORD, accounts};

/// Bytes that a pipe holds.
const PIPE: usize = 16 * 1024;
const LIFETIME: Duration = Duration::from_secs(20);
const EXPIRIES: usize = 10;
const BLOCK: usize = 1_000;

/// A server in memory whose tokens are short, and what its store did.
struct Short {
    controller: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    store: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    /// Connections that the store has closed.
    closed: watch::Sender<usize>,
}

impl Short {
    async fn start() -> Arc<Self> {
        let builder = Standalone::builder().memory().accounts(accounts());
        let services = builder.token_lifetime(LIFETIME).services().await.unwrap();
        let (controller, callers) = mpsc::unbounded();
        let (store, visitors) = mpsc::unbounded();
        let (controlling, storing) = (services.clone(), services);
        tokio::spawn(async move {
            let (at, here) = ("store:2".parse().unwrap(), "controller:1".parse().unwrap());
            let never = std::future::pending();
            controlling
                .serve_controller(callers, &at, &here, never)
                .await
                .unwrap();
        });
        tokio::spawn(async move { storing.serve_store(visitors, std::future::pending()).await });
        let closed = watch::Sender::default();
        Arc::new(Self {
            controller,
            store,
            closed,
        })
    }

    fn factory(self: &Arc<Self>, connections: usize) -> ClientFactory {
        let config = ClientConfigBuilder::default()
            .controller_uri("controller:1")
            .credentials(Credentials::basic(OWNER, PASSWORD))
            .max_connections_per_endpoint(connections);
        let dialer = Arc::new(Dialer(Arc::clone(self)));
        let environment = Environment::system().with_dialer(dialer);
        ClientFactory::in_environment(config.build().unwrap(), environment)
    }
}

struct Dialer(Arc<Short>);

impl Dial for Dialer {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async move {
            let (near, client) = duplex(PIPE);
            if endpoint.port() == 1 {
                self.0.controller.unbounded_send(Ok(client)).unwrap();
            } else {
                let (store, far) = duplex(PIPE);
                self.0.store.unbounded_send(Ok(far)).unwrap();
                tokio::spawn(carry(Arc::clone(&self.0), client, store));
            }
            Ok(near.into())
        }
        .boxed()
    }
}

/// Carries bytes, until either side closes.
async fn carry(short: Arc<Short>, client: DuplexStream, store: DuplexStream) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_store, mut to_store) = split(store);
    let requests = async {
        tokio::io::copy(&mut from_client, &mut to_store).await.ok();
        to_store.shutdown().await.ok();
    };
    let replies = async {
        let mut piece = vec![0; PIPE];
        loop {
            match from_store.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(count) => to_client
                    .write_all(&piece[..count])
                    .await
                    .unwrap_or_default(),
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = replies => short.closed.send_modify(|closed| *closed += 1),
    }
}

/// Somebody who writes a block whenever the store has closed a connection, and somebody who reads it.
struct Pair {
    writer: ByteWriter,
    reader: ByteReader,
    pattern: Pattern,
    written: u64,
}

impl Pair {
    async fn open(factory: &ClientFactory, mode: WriteMode, seed: u64) -> Self {
        let stream: ScopedStream = format!("short/s-{seed}").parse().unwrap();
        factory.ensure_byte_stream(&stream).await.unwrap();
        let opening = factory.open_byte_reader(stream.clone());
        let reader = opening.from(ReadFrom::Tail).await.unwrap();
        let writer = factory.open_byte_writer(stream).mode(mode).await.unwrap();
        Self {
            writer,
            reader,
            pattern: Pattern::new(seed),
            written: 0,
        }
    }

    /// Writes a block while the reader waits for it.
    async fn goes_on(&mut self) {
        let block = self.pattern.bytes(self.written, BLOCK);
        let mut found = vec![0; BLOCK];
        let writing = async {
            self.writer.write_all(&block).await.unwrap();
            self.writer.flush().await.unwrap()
        };
        let (read, durable) = tokio::join!(self.reader.read_exact(&mut found), writing);
        read.unwrap();
        assert_eq!(self.pattern.differs(self.written, &found), None);
        self.written += u64::try_from(BLOCK).unwrap();
        assert_eq!(
            (durable, self.reader.position()),
            (self.written, self.written)
        );
    }
}

async fn outlive(connections: usize) {
    let short = Short::start().await;
    let factory = short.factory(connections);
    let mut pairs = [
        Pair::open(&factory, WriteMode::Exclusive, 1).await,
        Pair::open(&factory, WriteMode::Shared, 2).await,
    ];
    let mut closed = short.closed.subscribe();
    for expiry in 0..EXPIRIES {
        let before = *closed.borrow_and_update();
        for pair in &mut pairs {
            pair.goes_on().await;
        }
        // The readers wait at the tail meanwhile.
        let [first, second] = &mut pairs;
        let mut one = [0; 1];
        let mut other = [0; 1];
        tokio::select! {
            biased;
            ended = closed.wait_for(|closed| *closed > before) => drop(ended.unwrap()),
            read = first.reader.read(&mut one) => panic!("expiry {expiry}: {read:?}"),
            read = second.reader.read(&mut other) => panic!("expiry {expiry}: {read:?}"),
        }
    }
    for pair in pairs {
        let Pair {
            writer,
            reader,
            pattern,
            written,
        } = pair;
        assert_eq!(written, u64::try_from(EXPIRIES * BLOCK).unwrap());
        let everything = reader.read_range(0..written).await.unwrap();
        assert_eq!(everything.len(), EXPIRIES * BLOCK);
        assert_eq!(pattern.differs(0, &everything), None);
        assert_eq!(writer.close().await.unwrap(), written);
    }
    factory.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn t79_t01_writers_and_parked_readers_outlive_ten_tokens() {
    outlive(8).await;
}

#[tokio::test(start_paused = true)]
async fn t79_t01_writers_and_parked_readers_on_one_connection_outlive_ten_tokens() {
    outlive(1).await;
}
