//! Plays one run: a writer, a reader in sequence, a reader parked at the tail, and the judgement.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use pravega_byte_stream::ReadFrom;
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    reading::{self, Pieces},
    scripts::Script,
    stage::{Stage, broken},
    writing::{self, Written, story},
};
use crate::{
    Backend,
    campaign::{Harm, Tally, Verdict, Violation},
};

/// No run takes that long, unless one of its calls never ends. A real store under pressure may keep an ack for
/// 25 s.
const LONGEST_RUN: Duration = Duration::from_secs(60);

/// Makes the run of a seed by a script. Gives the hash of what the seed has chosen.
pub(super) async fn play(
    script: &'static Script,
    backend: Backend,
    seed: u64,
    tally: &mut Tally,
) -> Verdict<u64> {
    let playing = async {
        let mut stage = Stage::set(backend, seed).await;
        stage.trace.add_bytes(script.name.as_bytes());
        (script.prepare)(&mut stage);
        let ended = run(&mut stage, tally).await;
        stage.count(tally);
        let mode = stage.mode;
        ended.map_err(|violation| Violation {
            what: format!("{}, {mode:?}: {}", script.name, violation.what),
            ..violation
        })?;
        Ok(stage.trace.value())
    };
    let played = timeout(LONGEST_RUN, Box::pin(playing)).await;
    let endless = |_| broken(format!("{}: a call has no end", script.name));
    played.map_err(endless)?
}

async fn run(stage: &mut Stage, tally: &mut Tally) -> Verdict {
    let factory = stage.factory();
    let (known_goal, goal) = watch::channel(None);
    let follow = |from| {
        let (factory, segment) = (factory.clone(), stage.segment.clone());
        reading::follow(factory, segment, from, goal.clone(), stage.allowed)
    };
    let at_tail = tokio::spawn(follow(ReadFrom::Tail));
    let in_sequence = follow(ReadFrom::Head);
    let half_way = Arc::new(Notify::new());
    let waited = Arc::clone(&half_way);
    let in_sequence = tokio::spawn(async move {
        waited.notified().await;
        in_sequence.await
    });
    let begin = Arc::clone(&half_way);
    stage.at_once(stage.appends / 2, None, move |_| begin.notify_one());
    let mut beside: JoinSet<()> = stage.beside.drain(..).collect();
    let written = writing::write(stage, &factory, tally).await;
    stage.heal().await;
    half_way.notify_one();
    let written = written?;
    let content = content(stage).await?;
    known_goal.send_replace(Some(u64::try_from(content.len()).unwrap_or(u64::MAX)));
    let read = (ended(at_tail).await?, ended(in_sequence).await?);
    beside.shutdown().await;
    factory.shutdown().await;
    stage.check()?;
    if stage.allowed.is_gone {
        return Ok(());
    }
    judge(stage, written, &content)?;
    reading::compare(&read.0, &content)?;
    reading::compare(&read.1, &content)?;
    let seen = stage.seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.iter()
        .try_for_each(|(at, piece)| reading::compare(&vec![(*at, piece.clone())], &content))
}

async fn ended(reader: JoinHandle<Verdict<Pieces>>) -> Verdict<Pieces> {
    let lost = |error| broken(format!("a reader ended: {error}"));
    reader.await.map_err(lost)?
}

/// All that was ever in the segment, through a connection without faults. Nothing when it is gone.
pub(super) async fn content(stage: &Stage) -> Verdict<Vec<u8>> {
    let mut content = stage
        .kept
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if stage.allowed.is_gone {
        return Ok(content);
    }
    let failed = |error| broken(format!("the content: {}", story(&error)));
    let reader = stage.clean.create_byte_reader(stage.segment.clone()).await;
    let info = reader.info().await.map_err(failed)?;
    let head = usize::try_from(info.head).unwrap_or(usize::MAX);
    content.truncate(head);
    if content.len() != head {
        return Err(broken(format!(
            "the head is {head}, which nobody asked for"
        )));
    }
    let rest = reader.read_range(info.head..info.tail).await;
    content.extend_from_slice(&rest.map_err(failed)?);
    Ok(content)
}

fn judge(stage: &Stage, written: Written, content: &[u8]) -> Verdict {
    let ledger = stage.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    ledger.judge(content)?;
    let end = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let durable = written.durable_offset.unwrap_or_default();
    if durable > end {
        let what = format!("durable up to {durable}, but the segment ends at {end}");
        return Err(Violation::new(Harm::FalselyReported, durable - end, what));
    }
    Ok(())
}
