//! Questions beside the writer and the readers: dropped half-way, answered late, on connections that others use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use pravega_byte_stream::{ByteReader, ClientFactory, ScopedSegment};
use tokio::time::timeout;

use super::Script;
use crate::{
    Pattern, Random,
    campaign::{Harm, Violation},
    proxy::{reading::Pieces, stage::Stage},
    relay::{Fault, Frames, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("p14_questions_dropped_half_way", dropped),
    Script::new("p14_answers_behind_the_timeout", late),
];

/// The most bytes asked for at once.
const MOST_BYTES: usize = 2_000;
/// Enough for many questions beside them.
const MANY_APPENDS: u32 = 100;
/// Bytes of the other segment, which has its last one from the beginning.
const OTHER_BYTES: usize = 3_000;

/// Asks about two segments in turn: that of the run, and one that does not change.
struct Asking {
    random: Random,
    own: ByteReader,
    own_tail: u64,
    other: ByteReader,
    other_bytes: Vec<u8>,
    /// What was read of the run's segment, to be compared in the end.
    seen: Arc<Mutex<Pieces>>,
    /// The first answer that was another question's.
    wrong: Arc<Mutex<Option<Violation>>>,
}

impl Asking {
    /// Each question is waited for a few milliseconds at most. Who drops one may get no answer, and nobody else
    /// may get it.
    async fn go_on(mut self) {
        loop {
            let patience = Duration::from_millis(self.random.next() % 4);
            timeout(patience, self.ask()).await.ok();
            tokio::task::yield_now().await;
        }
    }

    async fn ask(&mut self) {
        match self.random.below(6) {
            0 => {
                if let Ok(info) = self.own.info().await {
                    self.own_tail = info.tail.max(self.own_tail);
                }
            }
            1 | 2 => self.ask_own().await,
            3 | 4 => self.ask_other().await,
            _ => self.ask_tail_of_other().await,
        }
    }

    async fn ask_own(&mut self) {
        let at = self.random.next().checked_rem(self.own_tail).unwrap_or(0);
        let len = 1 + self.random.below(MOST_BYTES);
        if let Ok(bytes) = self.own.read_at(at, len).await {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((at, bytes));
        }
    }

    async fn ask_other(&mut self) {
        let at = self.random.below(OTHER_BYTES);
        let len = 1 + self.random.below(MOST_BYTES);
        let offset = u64::try_from(at).unwrap_or_default();
        if let Ok(bytes) = self.other.read_at(offset, len).await {
            let rest = self.other_bytes.get(at..).unwrap_or_default();
            if !rest.starts_with(&bytes) {
                self.complain(format!(
                    "a read of another segment at {at} gave other bytes"
                ));
            }
        }
    }

    async fn ask_tail_of_other(&mut self) {
        if let Ok(info) = self.other.info().await
            && usize::try_from(info.tail) != Ok(self.other_bytes.len())
        {
            self.complain(format!("another segment is said to end at {}", info.tail));
        }
    }

    fn complain(&self, what: String) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get_or_insert(Violation::new(Harm::FalselyReported, 1, what));
    }
}

/// Makes the other segment.
async fn make(relay: &Relay, clean: &ClientFactory, bytes: Vec<u8>) -> Option<ScopedSegment> {
    let segment = relay.backend().fresh_segment(clean).await;
    let mut writer = clean.open_byte_writer(segment.clone()).await.ok()?;
    let bytes = Bytes::from(bytes);
    writer.append(bytes.clone()).await.ok()?;
    let end = writer.close().await.ok()?;
    // Acknowledged is one thing, readable is another.
    let reader = clean.create_byte_reader(segment.clone()).await;
    reader.read_range(0..end).await.ok()?;
    Some(segment)
}

fn begin(stage: &mut Stage) {
    let wrong = Arc::new(Mutex::new(None));
    for _ in 0..2 {
        let (factory, own) = (stage.factory(), stage.segment.clone());
        let (relay, clean) = (Arc::downgrade(&stage.relay), stage.clean.clone());
        let (random, seen) = (Random::new(stage.random.next()), Arc::clone(&stage.seen));
        let wrong = Arc::clone(&wrong);
        let other_bytes = Pattern::new(14).bytes(0, OTHER_BYTES);
        stage.beside(async move {
            let Some(relay) = relay.upgrade() else { return };
            let Some(other) = make(&relay, &clean, other_bytes.clone()).await else {
                return;
            };
            drop(relay);
            let asking = Asking {
                random,
                own: factory.create_byte_reader(own).await,
                own_tail: 0,
                other: factory.create_byte_reader(other).await,
                other_bytes,
                seen,
                wrong,
            };
            asking.go_on().await;
        });
    }
    stage.check_at_the_end(move || {
        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.take().map_or(Ok(()), Err)
    });
}

fn dropped(stage: &mut Stage) {
    stage.appends = MANY_APPENDS;
    stage.share_connections();
    begin(stage);
    let times = stage.dice(4);
    stage.cut_sometimes(times);
    let replies = Frames::replies().nth(1 + stage.dice(20)).times(5);
    stage.arm("answer to a dropped question", replies, Fault::Watch);
}

/// Answers are held until those who asked are gone.
fn late(stage: &mut Stage) {
    stage.appends = MANY_APPENDS;
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
