//! The four clients: a writer in each mode, a reader that always has more to read, one that waits at the tail.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientConfigBuilder, ClientFactory, DurabilityWatch, WriteMode,
};
use tokio::{
    io::SeekFrom,
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    content::{Follower, Stream},
    delays::Interruption,
    pulse::Pulse,
    watch::within,
};
use crate::campaign::{Tally, Verdict, Violation};

/// Longer than any outage here. What a call would do at its deadline is not the question.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(900);
/// Blocks in the shared stream before the first store is killed, so that there is always more to read.
const FIRST_BLOCKS: u32 = 2000;
/// Between two blocks of a writer, so that there is room on the disk for ten runs.
const WRITE_PAUSE: Duration = Duration::from_millis(40);
/// One chunk of the reader, the pause behind it, and the most that it has received and not handed out: so that
/// it has nothing left half a second after a store was lost.
const CHUNK: usize = 64 << 10;
const READ_PAUSE: Duration = Duration::from_millis(10);
const READ_AHEAD: usize = 1 << 20;

/// What a writer has done.
#[derive(Debug)]
struct Written {
    stream: Stream,
    /// How many blocks it has handed over.
    blocks: AtomicU32,
    /// How many bytes those are.
    bytes: AtomicU64,
    watch: DurabilityWatch,
}

impl Written {
    fn is_in_flight(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.watch.durable_offset()
    }

    /// The next block was handed over.
    fn add(&self, bytes: usize) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
        let bytes = u64::try_from(bytes).unwrap_or_default();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The four, at work.
#[derive(Debug)]
pub(super) struct Four {
    uri: String,
    pulses: [Arc<Pulse>; 4],
    written: [Arc<Written>; 2],
    is_parked: Arc<AtomicBool>,
    stop: CancellationToken,
    failure: Arc<Failure>,
    tasks: JoinSet<()>,
}

/// What one of the four could not go on from.
#[derive(Debug, Default)]
struct Failure {
    first: Mutex<Option<Violation>>,
    news: Notify,
}

fn broken(what: &str, error: &dyn std::error::Error) -> Violation {
    let mut text = format!("{what}: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    Violation::broken(text)
}

fn factory(uri: &str) -> Verdict<ClientFactory> {
    let config = ClientConfigBuilder::default()
        .controller_uri(uri)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
        .map_err(|error| broken("the configuration", &error))?;
    Ok(ClientFactory::new(config))
}

async fn open_writer(factory: &ClientFactory, stream: Stream) -> Verdict<ByteWriter> {
    let name = stream.name()?;
    let made = factory.ensure_byte_stream(&name).await;
    made.map_err(|error| broken("making a stream", &error))?;
    let mode = match stream {
        Stream::Shared => WriteMode::Shared,
        Stream::Exclusive => WriteMode::Exclusive,
    };
    let opened = factory.open_byte_writer(name).mode(mode).await;
    opened.map_err(|error| broken("opening a writer", &error))
}

async fn open_reader(factory: &ClientFactory, stream: Stream) -> Verdict<ByteReader> {
    let opened = factory
        .open_byte_reader(stream.name()?)
        .read_ahead(READ_AHEAD)
        .await;
    opened.map_err(|error| broken("opening a reader", &error))
}

impl Four {
    /// Makes the streams and puts the four to work.
    pub(super) async fn start(uri: &str) -> Verdict<Self> {
        let factory = factory(uri)?;
        let mut shared = open_writer(&factory, Stream::Shared).await?;
        let exclusive = open_writer(&factory, Stream::Exclusive).await?;
        let written = [
            written_by(&shared, Stream::Shared)?,
            written_by(&exclusive, Stream::Exclusive)?,
        ];
        let mut four = Self {
            uri: uri.to_owned(),
            pulses: Default::default(),
            written,
            is_parked: Arc::default(),
            stop: CancellationToken::new(),
            failure: Arc::default(),
            tasks: JoinSet::new(),
        };
        let [shared_written, exclusive_written] = four.written.clone();
        for _ in 0..FIRST_BLOCKS {
            append(&mut shared, &shared_written).await?;
        }
        let flushed = shared.flush().await;
        flushed.map_err(|error| broken("the first blocks", &error))?;
        let sequential = open_reader(&factory, Stream::Shared).await?;
        let at_tail = open_reader(&factory, Stream::Exclusive).await?;

        let [p0, p1, p2, p3] = four.pulses.clone();
        let (stop, is_parked) = (four.stop.clone(), Arc::clone(&four.is_parked));
        let enough = Arc::clone(&shared_written);
        let last = Arc::clone(&exclusive_written);
        four.spawn(write_shared(shared, shared_written, p0, stop.clone()));
        four.spawn(write_exclusive(
            exclusive,
            exclusive_written,
            p1,
            stop.clone(),
        ));
        four.spawn(read_on(sequential, enough, p2, stop.clone()));
        four.spawn(wait_at_tail(at_tail, last, p3, is_parked, stop));
        Ok(four)
    }

    fn spawn(&mut self, work: impl Future<Output = Verdict> + Send + 'static) {
        let failure = Arc::clone(&self.failure);
        self.tasks.spawn(async move {
            if let Err(violation) = work.await {
                failure.note(violation);
            }
        });
    }

    /// Waits for the first of the four that cannot go on.
    pub(super) fn failure(&self) -> impl Future<Output = Violation> + use<> {
        let failure = Arc::clone(&self.failure);
        async move {
            loop {
                let news = failure.news.notified();
                if let Some(violation) = failure.get() {
                    return violation;
                }
                news.await;
            }
        }
    }

    /// Counts what the store is killed under.
    pub(super) fn note_states(&self, tally: &mut Tally) {
        let states = ["shared block in flight", "exclusive block in flight"];
        for (written, state) in self.written.iter().zip(states) {
            if written.is_in_flight() {
                tally.count("owner killed", state);
            }
        }
        if self.is_parked.load(Ordering::Relaxed) {
            tally.count("owner killed", "read parked at the tail");
        }
        tally.count("owner killed", "sequential read");
    }

    /// When each of the four has got on for the first time since `moment`.
    pub(super) fn progress_since(&self, moment: Instant) -> [Option<Instant>; 4] {
        self.pulses
            .each_ref()
            .map(|pulse| pulse.first_since(moment))
    }

    /// Waits until each of the four has gone on after an interruption.
    pub(super) async fn go_on_after(&self, over: &Interruption, patience: Duration) -> Verdict {
        let names = [
            "shared writer",
            "exclusive writer",
            "reader",
            "reader at the tail",
        ];
        for (pulse, name) in self.pulses.iter().zip(names) {
            let what = format!("the {name} goes on");
            within(patience, &what, pulse.since(over.settled())).await?;
        }
        Ok(())
    }

    /// Lets the four end, and compares the content of both streams with what was acknowledged.
    pub(super) async fn finish(mut self) -> Verdict<String> {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        within(OPERATION_TIMEOUT, "the four end", ended).await?;
        if let Some(violation) = self.failure.get() {
            return Err(violation);
        }
        // Nothing is shared with those whose work is judged.
        let factory = factory(&self.uri)?;
        let mut said = Vec::new();
        for written in &self.written {
            let reader = open_reader(&factory, written.stream).await?;
            let end = reader
                .info()
                .await
                .map_err(|error| broken("the end", &error))?;
            let content = reader.read_range(end.head..end.tail).await;
            let content = content.map_err(|error| broken("reading all", &error))?;
            let blocks = written.blocks.load(Ordering::Relaxed);
            let account = written.stream.judge(blocks, &content)?;
            let (stream, bytes) = (written.stream, content.len());
            said.push(format!(
                "{stream:?}: {} blocks, {bytes} bytes",
                account.durable
            ));
        }
        Ok(format!(
            "all acknowledged, once and in order: {}",
            said.join("; ")
        ))
    }
}

impl Failure {
    fn note(&self, violation: Violation) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(violation);
        drop(first);
        self.news.notify_waiters();
    }

    fn get(&self) -> Option<Violation> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.clone()
    }
}

fn written_by(writer: &ByteWriter, stream: Stream) -> Verdict<Arc<Written>> {
    let watch = writer.watch();
    Ok(Arc::new(Written {
        stream,
        blocks: AtomicU32::new(0),
        bytes: AtomicU64::new(0),
        watch: watch.map_err(|error| broken("watching a writer", &error))?,
    }))
}

/// Hands over the next block.
async fn append(writer: &mut ByteWriter, written: &Written) -> Verdict {
    let number = written.blocks.load(Ordering::Relaxed) + 1;
    let block = written.stream.block(number).bytes();
    let len = block.len();
    let taken = writer.append(block).await;
    taken.map_err(|error| broken("an append", &error))?;
    written.add(len);
    Ok(())
}

async fn close(writer: ByteWriter) -> Verdict {
    let closed = writer.close().await;
    closed.map_err(|error| broken("closing a writer", &error))?;
    Ok(())
}

/// Writes without waiting for acknowledgements; beside it, notes when they come.
async fn write_shared(
    mut writer: ByteWriter,
    written: Arc<Written>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
) -> Verdict {
    let writing = async {
        while !stop.is_cancelled() {
            append(&mut writer, &written).await?;
            sleep(WRITE_PAUSE).await;
        }
        Ok(())
    };
    let noting = async {
        let mut durable = written.watch.durable_offset();
        while !stop.is_cancelled() {
            let flushed = written.watch.flush().await;
            let flushed = flushed.map_err(|error| broken("acknowledgements", &error))?;
            if flushed > durable {
                durable = flushed;
                pulse.beat();
            }
            // Who watches must not be in the way of who writes.
            sleep(WRITE_PAUSE / 8).await;
        }
        Ok(())
    };
    tokio::try_join!(writing, noting)?;
    close(writer).await
}

/// Writes block after block, each acknowledged before the next.
async fn write_exclusive(
    mut writer: ByteWriter,
    written: Arc<Written>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
) -> Verdict {
    while !stop.is_cancelled() {
        append(&mut writer, &written).await?;
        let flushed = writer.flush().await;
        flushed.map_err(|error| broken("a flush", &error))?;
        pulse.beat();
        sleep(WRITE_PAUSE).await;
    }
    close(writer).await
}

/// Reads and compares, from the head to what was written last, and again from the head.
async fn read_on(
    mut reader: ByteReader,
    written: Arc<Written>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
) -> Verdict {
    let mut follower = Follower::new(Stream::Shared);
    while !stop.is_cancelled() {
        let chunk = reader.read_chunk(CHUNK).await;
        let chunk = chunk.map_err(|error| broken("reading on", &error))?;
        let chunk = chunk.ok_or_else(|| Violation::broken("an end of an open segment"))?;
        follower.take(&chunk)?;
        pulse.beat();
        if reader.position() >= written.watch.durable_offset() {
            let sought = reader.seek(SeekFrom::Start(0)).await;
            sought.map_err(|error| broken("seeking", &error))?;
            follower = Follower::new(Stream::Shared);
        }
        sleep(READ_PAUSE).await;
    }
    Ok(())
}

/// Reads and compares whatever comes, until all of it has come.
async fn wait_at_tail(
    mut reader: ByteReader,
    written: Arc<Written>,
    pulse: Arc<Pulse>,
    is_parked: Arc<AtomicBool>,
    stop: CancellationToken,
) -> Verdict {
    let mut follower = Follower::new(Stream::Exclusive);
    // The writer hands over one block more at most after it was told to stop.
    while !stop.is_cancelled() || reader.position() < written.bytes.load(Ordering::Relaxed) {
        is_parked.store(true, Ordering::Relaxed);
        let chunk = tokio::select! {
            chunk = reader.read_chunk(CHUNK) => chunk,
            () = stop.cancelled(), if !stop.is_cancelled() => continue,
        };
        is_parked.store(false, Ordering::Relaxed);
        let chunk = chunk.map_err(|error| broken("reading at the tail", &error))?;
        let chunk = chunk.ok_or_else(|| Violation::broken("an end of an open segment"))?;
        follower.take(&chunk)?;
        pulse.beat();
    }
    Ok(())
}
