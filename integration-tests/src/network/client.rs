//! A client's host: one factory, and the parts that use it.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, join_all};
use pravega_byte_stream::{ClientConfig, ClientFactory, Environment, ScopedStream};
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use super::{
    ask,
    board::Board,
    cluster::Cluster,
    plan::{Plan, Role},
    read,
    record::Record,
    wires::{Dialer, Wires},
    write,
};
use crate::{Random, campaign::Violation};

/// How much later than its deadline a call may end: a step of the simulation and the time of a time-out's own
/// precision.
const SLACK: Duration = Duration::from_millis(500);

/// How long after its end a client may keep connections and tasks.
const SETTLING: Duration = Duration::from_secs(30);

/// A place for a client: what outlives its process.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) number: usize,
    pub(super) plan: Arc<Plan>,
    pub(super) config: ClientConfig,
    pub(super) cluster: Arc<Cluster>,
    pub(super) record: Arc<Record>,
    pub(super) wires: Arc<Wires>,
    pub(super) stage: Arc<Board<Stage>>,
    pub(super) activity: Activity,
    pub(super) lives: AtomicU32,
}

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Faults happen.
    Storm,
    /// No more faults begin or last.
    Calm,
    /// All writers have finished.
    Written,
    /// All clients have left.
    Left,
}

/// What a client is doing at the moment.
#[derive(Debug, Default)]
pub(super) struct Activity {
    pub(super) unflushed: AtomicU64,
    pub(super) calls: AtomicU32,
    pub(super) reads: AtomicU32,
}

impl Activity {
    /// The state that a fault meets.
    pub(super) fn state(&self) -> &'static str {
        if self.unflushed.load(Ordering::Relaxed) > 0 {
            "append in flight"
        } else if self.calls.load(Ordering::Relaxed) > 0 {
            "call in flight"
        } else if self.reads.load(Ordering::Relaxed) > 0 {
            "read waiting"
        } else {
            "idle"
        }
    }
}

/// One life of a client.
pub(super) struct Client {
    pub(super) seat: Arc<Seat>,
    pub(super) factory: ClientFactory,
    pub(super) stream: ScopedStream,
}

impl Seat {
    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Waits for a stage.
    pub(super) async fn reached(&self, stage: Stage) {
        self.stage.until(|now| now >= stage).await;
    }

    /// Sleeps, but not beyond the storm.
    pub(super) async fn pause(&self, time: Duration) {
        timeout(time, self.reached(Stage::Calm)).await.ok();
    }

    /// Waits for a call that must have ended by a deadline; none when it has not, which is a violation.
    pub(super) async fn within<T>(
        &self,
        what: &'static str,
        limit: Duration,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        let answer = timeout(limit + SLACK, call).await.ok();
        if answer.is_none() {
            let now = turmoil::sim_elapsed().unwrap_or_default();
            let text = format!("{what} did not end within {limit:?}, at {now:?}");
            self.record.violate(Violation::broken(text));
        }
        answer
    }
}

/// The number of a client's part in the whole run.
pub(super) fn part_number(client: usize, role: usize) -> u32 {
    u32::try_from(client * 100 + role + 1).unwrap_or(u32::MAX)
}

/// The number of a client's leave, as of a part.
pub(super) fn leave_number(client: usize) -> u32 {
    part_number(client, 90)
}

/// The program of a client's host.
pub(super) async fn run(seat: Arc<Seat>) -> turmoil::Result {
    let life = seat.lives.fetch_add(1, Ordering::Relaxed);
    seat.activity.unflushed.store(0, Ordering::Relaxed);
    seat.activity.calls.store(0, Ordering::Relaxed);
    seat.activity.reads.store(0, Ordering::Relaxed);
    let dialer = Dialer {
        wires: Arc::clone(&seat.wires),
        limit: seat.plan.pace.connect,
    };
    let number = u64::try_from(seat.number).unwrap_or_default();
    let seed = seat.plan.seed.wrapping_mul(1_000) ^ (number << 32) ^ u64::from(life);
    let environment = Environment::system()
        .with_dialer(Arc::new(dialer))
        .with_seed(Random::new(seed).next());
    let client = Client {
        factory: ClientFactory::in_environment(seat.config.clone(), environment),
        stream: stream(),
        seat: Arc::clone(&seat),
    };
    client.ensure_stream().await;
    let roles = seat.plan.clients.get(seat.number).cloned();
    let roles = roles.unwrap_or_default();
    let mut parts: Vec<BoxFuture<'_, ()>> = Vec::new();
    for (at, role) in roles.iter().enumerate() {
        let part = part_number(seat.number, at);
        if !seat.record.has_finished(part) {
            let random = Random::new(seed ^ (u64::from(part) << 16));
            parts.push(Box::pin(client.play(part, *role, random)));
        }
    }
    if seat.number == 0 && !seat.record.has_finished(ask::CLOSER) {
        parts.push(Box::pin(ask::close(&client)));
    }
    join_all(parts).await;
    client.leave().await;
    seat.record.finish(leave_number(seat.number));
    Ok(())
}

/// The stream that everything is about.
pub(super) fn stream() -> ScopedStream {
    ScopedStream::from("sim/stream")
}

impl Client {
    async fn play(&self, part: u32, role: Role, random: Random) {
        match role {
            Role::Write(writing) => write::run(self, part, writing, random).await,
            Role::Read(reading) => read::run(self, part, reading, random).await,
            Role::Ask => ask::run(self, part, random).await,
            Role::Truncate => ask::truncate(self, part, random).await,
            Role::Seal(at) => ask::seal(self, at).await,
        }
        self.seat.record.finish(part);
    }

    /// Makes the stream, however long that takes.
    async fn ensure_stream(&self) {
        let pace = self.seat.plan.pace;
        loop {
            let was_calm = self.seat.stage() >= Stage::Calm;
            let made = self.factory.ensure_byte_stream(&self.stream);
            // Two calls to the controller, the scope and the stream.
            let limit = pace.operation * 2;
            match self.seat.within("ensure_byte_stream", limit, made).await {
                Some(Ok(_)) => return,
                Some(Err(error)) if was_calm => {
                    let text = format!("no stream in calm weather: {error:?}");
                    self.seat.record.violate(Violation::broken(text));
                }
                _ => {}
            }
        }
    }

    /// Ends the client in order. No connection and no task of it may be left.
    async fn leave(self) {
        let Self { seat, factory, .. } = self;
        let soon = Duration::from_secs(5);
        seat.within("shutdown", soon, factory.shutdown()).await;
        let wires = seat.wires.count();
        // The connection to the controller ends with the factory.
        drop(factory);
        let step = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        while left_over() > 0 && waited < SETTLING {
            sleep(step).await;
            waited += step;
        }
        let tasks = left_over();
        if wires > 0 || tasks > 0 {
            let text = format!(
                "client {} left {wires} connections, {tasks} tasks",
                seat.number
            );
            seat.record.violate(Violation::broken(text));
        }
    }
}

/// Tasks that there are on this host.
fn left_over() -> usize {
    Handle::current().metrics().num_alive_tasks()
}
