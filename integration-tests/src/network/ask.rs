//! The parts of a client that ask about the segment, change it, and have the controller make streams.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, ConnectError, Dial, Dialed, Endpoint, Environment,
    ScopedSegment, ScopedStream, SegmentHandle, SegmentId, StreamConfiguration,
};
use tokio::io::duplex;

use super::{
    client::{Client, Stage},
    plan::between,
    read,
    record::Event,
};
use crate::{
    Random,
    campaign::{Harm, Violation},
};

/// The part that ends the run.
pub(super) const CLOSER: u32 = 999;

/// The segment that everything is about.
fn segment(client: &Client) -> Option<ScopedSegment> {
    Some(client.stream.segment(SegmentId::new(0, 0).ok()?))
}

fn handle(client: &Client) -> Option<SegmentHandle> {
    client.factory.segment(segment(client)?).ok()
}

/// Asks now and then, and in calm weather once more.
pub(super) async fn run(client: &Client, part: u32, mut random: Random) {
    let seat = &client.seat;
    let number = seat.record.new_life();
    let mut round = 0;
    while seat.stage() == Stage::Storm {
        seat.activity.calls.fetch_add(1, Ordering::Relaxed);
        match random.below(3) {
            0 => make_and_delete(client, number * 1_000 + round).await,
            _ => info(client, number).await,
        }
        seat.activity.calls.fetch_sub(1, Ordering::Relaxed);
        round += 1;
        let pause = between(&mut random, Duration::ZERO, Duration::from_secs(1));
        seat.pause(pause).await;
    }
    info(client, number).await;
    make_and_delete(client, number * 1_000 + round).await;
    seat.record.note(Event::Answered, part, u64::from(round));
}

/// In calm weather every call must succeed.
fn expect_answer<E: std::fmt::Debug>(client: &Client, was_calm: bool, what: &str, error: &E) {
    client.seat.record.note(Event::Unanswered, 0, 0);
    if was_calm {
        let text = format!("{what} failed in calm weather: {error:?}");
        client.seat.record.violate(Violation::broken(text));
    }
}

async fn info(client: &Client, number: u32) {
    let seat = &client.seat;
    let Some(handle) = handle(client) else { return };
    let was_calm = seat.stage() >= Stage::Calm;
    let asked = seat.record.with(|book| book.history.ask(number));
    match seat
        .within("info", seat.plan.pace.operation, handle.info())
        .await
    {
        Some(Ok(info)) => {
            seat.record.note(Event::Answered, number, info.tail);
            seat.record.with(|book| book.history.tail(asked, info.tail));
        }
        Some(Err(error)) => expect_answer(client, was_calm, "info", &error),
        None => {}
    }
}

/// Makes a stream and deletes it again (K3).
async fn make_and_delete(client: &Client, number: u32) {
    let seat = &client.seat;
    let Ok(controller) = client.factory.controller() else {
        return;
    };
    let Ok(stream) = format!("sim/other-{number}").parse::<ScopedStream>() else {
        return;
    };
    let configuration = StreamConfiguration::default();
    let limit = seat.plan.pace.operation;
    let was_calm = seat.stage() >= Stage::Calm;
    let made = controller.create_stream(&stream, &configuration);
    match seat.within("create_stream", limit, made).await {
        Some(Ok(true)) => {}
        Some(Ok(false)) => {
            let text = format!("{stream} is new and was said to exist");
            let violation = Violation::new(Harm::FalselyReported, 1, text);
            return seat.record.violate(violation);
        }
        Some(Err(error)) => return expect_answer(client, was_calm, "create_stream", &error),
        None => return,
    }
    let was_calm = seat.stage() >= Stage::Calm;
    let sealed = seat
        .within("seal_stream", limit, controller.seal_stream(&stream))
        .await;
    match sealed {
        Some(Ok(_)) => {}
        Some(Err(error)) => return expect_answer(client, was_calm, "seal_stream", &error),
        None => return,
    }
    let was_calm = seat.stage() >= Stage::Calm;
    let deleted = seat
        .within("delete_stream", limit, controller.delete_stream(&stream))
        .await;
    if let Some(Err(error)) = deleted {
        expect_answer(client, was_calm, "delete_stream", &error);
    }
}

/// Seals the segment in the middle of everything (S2).
pub(super) async fn seal(client: &Client, at: Duration) {
    let seat = &client.seat;
    seat.pause(at.saturating_sub(turmoil::sim_elapsed().unwrap_or_default()))
        .await;
    let Some(handle) = handle(client) else { return };
    loop {
        let was_calm = seat.stage() >= Stage::Calm;
        match seat
            .within("seal", seat.plan.pace.operation, handle.seal())
            .await
        {
            Some(Ok(())) => return,
            Some(Err(error)) if was_calm => return expect_answer(client, true, "seal", &error),
            _ => {}
        }
    }
}

/// Truncates now and then, what it has read before by a way of its own.
pub(super) async fn truncate(client: &Client, part: u32, mut random: Random) {
    let seat = &client.seat;
    let Some(handle) = handle(client) else { return };
    while seat.stage() == Stage::Storm {
        let pause = between(
            &mut random,
            Duration::from_millis(200),
            Duration::from_secs(2),
        );
        seat.pause(pause).await;
        let Some(offset) = keep(client, &mut random).await else {
            continue;
        };
        let limit = seat.plan.pace.operation;
        let truncating = handle.truncate_data_before(offset);
        let answer = seat.within("truncate_data_before", limit, truncating).await;
        if matches!(answer, Some(Ok(()))) {
            seat.record.note(Event::Answered, part, offset);
            seat.record
                .with(|book| book.tally.count("truncated", seat.activity.state()));
        }
    }
}

/// Puts away more of the segment's first bytes. Returns the offset behind them.
async fn keep(client: &Client, random: &mut Random) -> Option<u64> {
    let (kept, tail, factory) = behind_the_scenes(client).await?;
    let more = usize::try_from(tail.saturating_sub(kept)).ok()?;
    let more = random.below(more + 1);
    let to = kept + u64::try_from(more).ok()?;
    put_away(client, &factory, kept, to).await;
    Some(to)
}

/// Reads from `from` to `to` and keeps it.
async fn put_away(client: &Client, factory: &ClientFactory, from: u64, to: u64) -> Option<()> {
    let reader = factory.open_byte_reader(segment(client)?).await.ok()?;
    let bytes = reader.read_range(from..to).await.ok()?;
    client.seat.record.with(|book| {
        if u64::try_from(book.kept.len()).is_ok_and(|kept| kept == from) {
            book.kept.extend_from_slice(&bytes);
        }
    });
    drop(reader);
    factory.shutdown().await;
    Some(())
}

/// A way to the segment that no fault meets: how much of it is kept, where it ends, and who reads it.
async fn behind_the_scenes(client: &Client) -> Option<(u64, u64, ClientFactory)> {
    let config = ClientConfigBuilder::default()
        .controller_uri("tcp://behind:1")
        .build()
        .ok()?;
    let backdoor = Backdoor(Arc::clone(&client.seat.cluster));
    let environment = Environment::system()
        .with_dialer(Arc::new(backdoor))
        .with_seed(1);
    let factory = ClientFactory::in_environment(config, environment);
    let info = factory.segment(segment(client)?).ok()?.info().await.ok()?;
    let kept = client.seat.record.with(|book| book.kept.len());
    Some((u64::try_from(kept).ok()?, info.tail, factory))
}

/// Ends the run: when all have written, seals the segment, and reads all of it with a new reader.
pub(super) async fn close(client: &Client) {
    let seat = &client.seat;
    seat.reached(Stage::Written).await;
    seal(client, Duration::ZERO).await;
    let Some((kept, tail, factory)) = behind_the_scenes(client).await else {
        return seat
            .record
            .violate(Violation::broken("the store itself does not answer"));
    };
    if put_away(client, &factory, kept, tail).await.is_none() {
        return seat
            .record
            .violate(Violation::broken("the store itself cannot be read"));
    }
    seat.record.with(|book| book.sealed_at = Some(tail));
    // What was flushed is there for a new reader.
    let seen = read::range(client, kept, tail).await;
    let is_same = seat.record.with(|book| {
        let kept = usize::try_from(kept).unwrap_or_default();
        seen.as_deref() == book.kept.get(kept..)
    });
    if !is_same {
        let text = format!("a new reader does not see {kept}..{tail} as it is");
        seat.record
            .violate(Violation::new(Harm::Lost, tail - kept, text));
    }
    seat.record.finish(CLOSER);
}

/// The way in behind the network.
struct Backdoor(Arc<super::cluster::Cluster>);

impl Dial for Backdoor {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        async move {
            let (here, there) = duplex(64 * 1024);
            let services = self.0.services.clone();
            let incoming = futures::stream::iter([Ok(there)]);
            let own = endpoint.clone();
            tokio::spawn(async move {
                if own.port() == 1 {
                    let store = Endpoint::new("behind", 2).unwrap_or_else(|_| own.clone());
                    let forever = std::future::pending();
                    services
                        .serve_controller(incoming, &store, &own, forever)
                        .await
                        .ok();
                } else {
                    services.serve_store(incoming, std::future::pending()).await;
                }
            });
            Ok(Dialed::from(here))
        }
        .boxed()
    }
}
