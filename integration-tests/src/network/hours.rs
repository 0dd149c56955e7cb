//! Hours in simulated time, each about one thing.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientFactory, Environment, ReadFrom, WriteMode,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    client::stream,
    cluster::{Cluster, Door},
    plan::Plan,
    wires::{Dialer, Spoil, Way, Wires},
    world::{self, World},
};
use crate::{
    Pattern,
    campaign::{Tally, Verdict, Violation},
};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// A client in a world without other faults than those that it makes itself.
#[derive(Clone)]
struct Alone {
    factory: ClientFactory,
    wires: Arc<Wires>,
    cluster: Arc<Cluster>,
}

type Failure = Box<dyn std::error::Error>;

/// Runs one client until it has done what it does.
fn alone<T, F, Fut>(plan: Plan, act: F) -> Verdict<T>
where
    T: Clone + Send + Sync + 'static,
    F: FnOnce(Alone) -> Fut + 'static,
    Fut: Future<Output = Result<T, Failure>> + 'static,
{
    let config = plan.config();
    let config = config.map_err(|error| Violation::broken(error.to_string()))?;
    let limit = plan.pace.connect;
    let mut world = World::new(plan)?;
    let wires = Arc::new(Wires::default());
    let dialer = Dialer {
        wires: Arc::clone(&wires),
        limit,
    };
    let environment = Environment::system()
        .with_dialer(Arc::new(dialer))
        .with_seed(1);
    let client = Alone {
        factory: ClientFactory::in_environment(config, environment),
        wires,
        cluster: Arc::clone(&world.cluster),
    };
    let (done, result) = watch::channel(None);
    world.sim.client("alone", async move {
        client.factory.ensure_byte_stream(&stream()).await?;
        let factory = client.factory.clone();
        done.send_replace(Some(act(client).await?));
        factory.shutdown().await;
        Ok(())
    });
    while result.borrow().is_none() {
        world.step()?;
    }
    let result = result.borrow().clone();
    result.ok_or_else(|| Violation::broken("no result"))
}

impl Alone {
    async fn writer(&self) -> Result<ByteWriter, Failure> {
        let opening = self.factory.open_byte_writer(stream());
        Ok(opening.mode(WriteMode::Exclusive).await?)
    }

    async fn reader(&self, from: ReadFrom) -> Result<ByteReader, Failure> {
        Ok(self.factory.open_byte_reader(stream()).from(from).await?)
    }
}

/// Stores accept and close at once for an hour while a writer has something to write (T33). Returns how often it
/// dialled in that hour, and how long it took to get through afterwards.
///
/// # Errors
/// When the writer did not get through.
pub fn stores_slam_for_an_hour() -> Verdict<(u64, Duration)> {
    alone(Plan::quiet(100 * MS), async |client: Alone| {
        let mut writer = client.writer().await?;
        writer.write_all(b"before").await?;
        writer.flush().await?;
        client.cluster.set_door(Door::Slams, true);
        client.wires.spoil(Way::Replies, Some(Spoil::Cut(0)));
        let before = client.wires.dials();
        writer.write_all(b"behind").await?;
        sleep(HOUR).await;
        let dials = client.wires.dials() - before;
        client.cluster.set_door(Door::Slams, false);
        let opened = Instant::now();
        writer.flush().await?;
        Ok((dials, opened.elapsed()))
    })
}

/// A consumer takes one byte a second for an hour while much more is there (T43). Returns the most bytes that
/// were held for it, and how often stores were dialled.
///
/// # Errors
/// When a byte was wrong, or reading failed.
pub fn slow_consumer_for_an_hour(read_ahead: usize) -> Verdict<(usize, u64)> {
    const CONTENT: usize = 16 * 1024 * 1024;
    alone(Plan::quiet(100 * MS), async move |client: Alone| {
        let content = Pattern::new(43).bytes(0, CONTENT);
        let mut writer = client.writer().await?;
        writer.write_all(&content).await?;
        writer.close().await?;
        let opening = client.factory.open_byte_reader(stream());
        let mut reader = opening.read_ahead(read_ahead).await?;
        let mut most = 0;
        for _ in 0..3_600 {
            let at = reader.position();
            let byte = reader.read_chunk(1).await?.ok_or("an end")?;
            if Pattern::new(43).differs(at, &byte).is_some() {
                return Err(format!("a wrong byte at {at}").into());
            }
            most = most.max(reader.available());
            sleep(S).await;
        }
        Ok((most, client.wires.dials()))
    })
}

/// A writer and a reader at the tail do nothing for so long, and then a byte goes from one to the other (T51).
/// Returns how long that takes, and how often stores were dialled for it.
///
/// # Errors
/// When writing or reading failed.
pub fn after_idling(time: Duration) -> Verdict<(Duration, u64)> {
    alone(Plan::quiet(S), async move |client: Alone| {
        let mut writer = client.writer().await?;
        writer.write_all(b"before").await?;
        writer.flush().await?;
        let mut reader = client.reader(ReadFrom::Head).await?;
        reader.read_chunk(6).await?;
        let (woken, mut seen) = watch::channel(None::<Instant>);
        let reading = tokio::spawn(async move {
            let read = reader.read_chunk(1).await;
            woken.send_replace(Some(Instant::now()));
            read
        });
        sleep(time).await;
        let (before, began) = (client.wires.dials(), Instant::now());
        writer.write_all(b"x").await?;
        writer.flush().await?;
        let read = seen.wait_for(Option::is_some).await?.unwrap_or(began);
        let took = read.max(Instant::now()) - began;
        if reading.await??.as_deref() != Some(b"x".as_slice()) {
            return Err("another byte".into());
        }
        Ok((took, client.wires.dials() - before))
    })
}

/// A connection is reset while an append is on its way, again and again. Returns how long each time passes until
/// the writer is writing again: until its bytes are acknowledged. The way to the store and back takes four
/// steps of a millisecond.
///
/// # Errors
/// When a byte is not as it was written.
pub fn recoveries(times: usize) -> Verdict<Vec<Duration>> {
    alone(Plan::quiet(MS), async move |client: Alone| {
        let mut writer = client.writer().await?;
        let mut written = Vec::new();
        let mut took = Vec::new();
        for number in 0..times {
            writer.write_all(b"steady ").await?;
            writer.flush().await?;
            let spoiled = match number % 2 {
                0 => Way::Requests,
                _ => Way::Replies,
            };
            client.wires.spoil(spoiled, Some(Spoil::Cut(number % 40)));
            let began = Instant::now();
            writer.write_all(b"cut ").await?;
            writer.flush().await?;
            took.push(began.elapsed());
            written.extend_from_slice(b"steady cut ");
        }
        let read = client.reader(ReadFrom::Head).await?;
        let end = writer.durable_offset();
        let read: Bytes = read.read_range(0..end).await?;
        match read == written {
            true => Ok(took),
            false => Err("the content is another one".into()),
        }
    })
}

/// How long a sequential read of `content` bytes takes with a window of `window` bytes and so much latency each
/// way (T44).
///
/// # Errors
/// When a byte is wrong.
pub fn sequential_read(content: usize, window: usize, latency: Duration) -> Verdict<Duration> {
    let plan = Plan {
        latency,
        ..Plan::quiet(MS)
    };
    alone(plan, async move |client: Alone| {
        let bytes = Pattern::new(44).bytes(0, content);
        let mut writer = client.writer().await?;
        writer.write_all(&bytes).await?;
        writer.close().await?;
        let opening = client.factory.open_byte_reader(stream());
        let mut reader = opening.read_ahead(window).await?;
        let began = Instant::now();
        let mut read = 0;
        while read < content {
            let at = reader.position();
            let chunk = reader.read_chunk(usize::MAX).await?.ok_or("an end")?;
            if bytes
                .get(read..)
                .is_none_or(|rest| !rest.starts_with(&chunk))
            {
                return Err(format!("wrong bytes at {at}").into());
            }
            read += chunk.len();
        }
        Ok(began.elapsed())
    })
}

/// An hour of everything (T89): a writer, a reader at the tail and one that follows, with reconnects, moves,
/// tokens that end, and truncation behind the readers. Returns the hash of the trace.
///
/// # Errors
/// What the hour found.
pub fn everything(seed: u64, tally: &mut Tally) -> Verdict<u64> {
    world::run(Plan::hour(seed), tally)
}
