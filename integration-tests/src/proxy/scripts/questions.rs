//! Questions beside the writer and the readers: dropped half-way, answered late, on connections that others use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pravega_byte_stream::{ByteReader, ClientFactory, ScopedSegment};
use tokio::time::timeout;

use super::Script;
use crate::{
    Random,
    proxy::{reading::Pieces, stage::Stage},
    relay::{Fault, Frames},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("p14_questions_dropped_half_way", dropped),
    Script::new("p14_answers_behind_the_timeout", late),
];

/// The most bytes asked for at once.
const MOST_BYTES: usize = 2_000;

/// Asks one thing after the other, each for at most so many milliseconds. What was read is compared in the end.
async fn ask(
    factory: ClientFactory,
    segment: ScopedSegment,
    mut random: Random,
    seen: Arc<Mutex<Pieces>>,
) {
    let reader = factory.create_byte_reader(segment).await;
    let mut tail = 0;
    loop {
        let patience = Duration::from_millis(random.next() % 4);
        let asked = ask_once(&reader, &mut random, &mut tail, &seen);
        // Whoever drops a question may get no answer, and nobody else may get it.
        timeout(patience, asked).await.ok();
        tokio::task::yield_now().await;
    }
}

async fn ask_once(reader: &ByteReader, random: &mut Random, tail: &mut u64, seen: &Mutex<Pieces>) {
    if random.one_in(3) {
        if let Ok(info) = reader.info().await {
            *tail = info.tail.max(*tail);
        }
        return;
    }
    let len = 1 + random.below(MOST_BYTES);
    let at = random.next().checked_rem(*tail).unwrap_or_default();
    if let Ok(bytes) = reader.read_at(at, len).await {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((at, bytes));
    }
}

fn begin(stage: &mut Stage) {
    for _ in 0..2 {
        let (factory, segment) = (stage.factory(), stage.segment.clone());
        let random = Random::new(stage.random.next());
        let seen = Arc::clone(&stage.seen);
        stage.beside(ask(factory, segment, random, seen));
    }
}

fn dropped(stage: &mut Stage) {
    stage.share_connections();
    begin(stage);
    let times = stage.dice(4);
    stage.cut_sometimes(times);
    let replies = Frames::replies().nth(1 + stage.dice(20)).times(5);
    stage.arm("answer to a dropped question", replies, Fault::Watch);
}

/// Answers are held until those who asked are gone.
fn late(stage: &mut Stage) {
    stage.share_connections();
    begin(stage);
    let name = match stage.dice(2) {
        0 => "StreamSegmentInfo",
        _ => "SegmentRead",
    };
    for _ in 0..4 {
        let gate = stage.gate();
        let frames = Frames::replies().named(name).nth(2 + stage.dice(30));
        let held = stage.arm("answer comes late", frames, Fault::Hold(gate.clone()));
        let pause = Duration::from_millis(4 + stage.dice(8));
        stage.beside(async move {
            held.struck().await;
            tokio::time::sleep(pause).await;
            gate.open();
        });
    }
}
