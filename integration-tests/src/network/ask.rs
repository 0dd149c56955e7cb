//! The parts of a client that ask about the segment, change it, and have the controller make streams.

use std::{sync::atomic::Ordering, time::Duration};

use pravega_byte_stream::{
    ScopedSegment, ScopedStream, SegmentHandle, SegmentId, StreamConfiguration,
};

use super::{
    client::{Client, Stage},
    plan::between,
    read,
    record::Event,
    truth::Truth,
};
use crate::{
    Random,
    campaign::{Harm, Violation},
};

/// The part that ends the run.
pub(super) const CLOSER: u32 = 999;

/// The segment that everything is about.
pub(super) fn segment(client: &Client) -> Option<ScopedSegment> {
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
    let truth = Truth::behind(client).await?;
    let more = usize::try_from(truth.tail.saturating_sub(truth.kept)).ok()?;
    let more = random.below(more + 1);
    let to = truth.kept + u64::try_from(more).ok()?;
    truth.keep_to(client, to).await?;
    Some(to)
}

/// Ends the run: when all have written, seals the segment, and reads all of it with a new reader.
pub(super) async fn close(client: &Client) {
    let seat = &client.seat;
    seat.reached(Stage::Written).await;
    seal(client, Duration::ZERO).await;
    let Some(truth) = Truth::behind(client).await else {
        return seat
            .record
            .violate(Violation::broken("the store itself does not answer"));
    };
    let (kept, tail) = (truth.kept, truth.tail);
    if truth.keep_to(client, tail).await.is_none() {
        return seat
            .record
            .violate(Violation::broken("the store itself cannot be read"));
    }
    seat.record.with(|book| book.sealed_at = Some(tail));
    // What was flushed is there for a new reader.
    let seen = read::range(client, kept, tail).await;
    let is_other = seat.record.with(|book| {
        let kept = usize::try_from(kept).unwrap_or_default();
        seen.is_some() && seen.as_deref() != book.kept.get(kept..)
    });
    if is_other {
        let text = format!("a new reader does not see {kept}..{tail} as it is");
        seat.record
            .violate(Violation::new(Harm::Lost, tail - kept, text));
    }
    seat.record.finish(CLOSER);
}
