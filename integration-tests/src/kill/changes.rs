//! Changes other than appends, and that what was confirmed of them stays so.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use pravega_byte_stream::{ClientFactory, ScopedSegment, ScopedStream, SegmentHandle};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{clients::ended, server::broken};
use crate::{
    Random,
    campaign::{Harm, Verdict, Violation},
    evidence::{Block, blocks_in},
};

/// A task that makes changes, one after the other.
pub(super) struct Changing {
    is_busy: Arc<AtomicBool>,
    stop: CancellationToken,
    task: JoinHandle<Verdict>,
}

impl Changing {
    /// Appends to a segment and truncates it.
    pub(super) fn truncate(factory: &ClientFactory, segment: ScopedSegment, seed: u64) -> Self {
        let (factory, random) = (factory.clone(), Random::new(seed));
        Self::begin(|busy, stop| truncate(factory, segment, random, busy, stop))
    }

    /// Makes streams, writes to them, seals them and deletes some.
    pub(super) fn make_and_seal(factory: &ClientFactory, scope: String) -> Self {
        let factory = factory.clone();
        Self::begin(|busy, stop| make_and_seal(factory, scope, busy, stop))
    }

    fn begin<F>(task: impl FnOnce(Busy, CancellationToken) -> F) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let (is_busy, stop) = (Arc::default(), CancellationToken::new());
        let task = tokio::spawn(task(Busy(Arc::clone(&is_busy)), stop.clone()));
        Self {
            is_busy,
            stop,
            task,
        }
    }

    /// True while a change is being made.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// Ends after the change that is being made, and checks that all that were confirmed took place.
    pub(super) async fn finish(self) -> Verdict {
        self.stop.cancel();
        ended(self.task).await
    }
}

/// Says whether a change is being made.
struct Busy(Arc<AtomicBool>);

impl Busy {
    async fn during<T>(&self, change: impl Future<Output = T>) -> T {
        self.0.store(true, Ordering::Relaxed);
        let changed = change.await;
        self.0.store(false, Ordering::Relaxed);
        changed
    }
}

fn failed<E: std::error::Error>(what: &'static str) -> impl Fn(E) -> Violation {
    move |error| {
        let mut story = format!("{what}: {error}");
        let mut source = error.source();
        while let Some(error) = source {
            story.push_str(&format!(": {error}"));
            source = error.source();
        }
        broken(story)
    }
}

async fn truncate(
    factory: ClientFactory,
    segment: ScopedSegment,
    mut random: Random,
    busy: Busy,
    stop: CancellationToken,
) -> Verdict {
    let opening = factory.open_byte_writer(segment.clone());
    let mut writer = opening.await.map_err(failed("opening a writer"))?;
    let handle = factory
        .segment(segment.clone())
        .map_err(failed("a handle"))?;
    let (mut blocks, mut starts, mut head) = (Vec::new(), Vec::new(), 0);
    for number in 1.. {
        let block = Block::new(1, 0, number, 30 + random.below(5_000));
        starts.push(writer.position());
        blocks.push(block);
        writer
            .append(block.bytes())
            .await
            .map_err(failed("appending"))?;
        writer.flush().await.map_err(failed("flushing"))?;
        if stop.is_cancelled() {
            break;
        }
        if random.one_in(2) {
            let goal = random.pick(&starts).copied().unwrap_or_default();
            let truncated = busy.during(handle.truncate_data_before(goal)).await;
            truncated.map_err(failed("truncating"))?;
            head = goal.max(head);
            let at = handle.info().await.map_err(failed("asking"))?.head;
            same_head(at, head)?;
        }
    }
    let info = handle.info().await.map_err(failed("asking"))?;
    same_head(info.head, head)?;
    let reader = factory.create_byte_reader(segment).await;
    let content = reader
        .read_range(head..info.tail)
        .await
        .map_err(failed("reading"))?;
    let found: Vec<Block> = blocks_in(&content)?
        .into_iter()
        .map(|(_, block)| block)
        .collect();
    let kept = starts
        .iter()
        .zip(&blocks)
        .filter(|(start, _)| **start >= head);
    let kept: Vec<Block> = kept.map(|(_, block)| *block).collect();
    match found == kept {
        true => Ok(()),
        false => {
            let what = format!("{} blocks behind the head, not {}", found.len(), kept.len());
            Err(Violation::new(Harm::Lost, 1, what))
        }
    }
}

fn same_head(got: u64, wanted: u64) -> Verdict {
    match got == wanted {
        true => Ok(()),
        false => {
            let what = format!("the head is {got}, truncated to {wanted}");
            Err(Violation::new(
                Harm::FalselyReported,
                got.abs_diff(wanted),
                what,
            ))
        }
    }
}

/// What was confirmed of a stream.
enum Confirmed {
    Sealed(SegmentHandle, Bytes),
    Deleted(ScopedStream),
}

async fn make_and_seal(
    factory: ClientFactory,
    scope: String,
    busy: Busy,
    stop: CancellationToken,
) -> Verdict {
    let mut confirmed = Vec::new();
    for number in 1_u32.. {
        if stop.is_cancelled() {
            break;
        }
        let name = format!("{scope}/s-{number}");
        let stream: ScopedStream = name.parse().map_err(failed("a name"))?;
        let is_to_go = number.is_multiple_of(2);
        confirmed.push(
            busy.during(one_stream(&factory, stream, number, is_to_go))
                .await?,
        );
        // A few are enough to come back to after each death.
        while confirmed.len() > 10 {
            check(&factory, &confirmed.remove(0)).await?;
        }
    }
    for fact in &confirmed {
        check(&factory, fact).await?;
    }
    Ok(())
}

async fn one_stream(
    factory: &ClientFactory,
    stream: ScopedStream,
    number: u32,
    is_to_go: bool,
) -> Verdict<Confirmed> {
    let is_new = factory.ensure_byte_stream(&stream).await;
    let is_new = is_new.map_err(failed("making a stream"))?;
    if !is_new {
        return Err(broken(format!("{stream} was there before it was made")));
    }
    let segment = factory
        .segment_of(&stream)
        .await
        .map_err(failed("a segment"))?;
    let opening = factory.open_byte_writer(segment.clone());
    let mut writer = opening.await.map_err(failed("opening a writer"))?;
    let bytes = Block::new(1, 0, number, 200).bytes();
    writer
        .append(bytes.clone())
        .await
        .map_err(failed("appending"))?;
    writer.seal().await.map_err(failed("sealing"))?;
    if is_to_go {
        let controller = factory
            .controller()
            .map_err(failed("a controller client"))?;
        let sealed = controller.seal_stream(&stream).await;
        sealed.map_err(failed("sealing a stream"))?;
        let deleted = controller.delete_stream(&stream).await;
        deleted.map_err(failed("deleting a stream"))?;
        return Ok(Confirmed::Deleted(stream));
    }
    let handle = factory.segment(segment).map_err(failed("a handle"))?;
    Ok(Confirmed::Sealed(handle, bytes))
}

async fn check(factory: &ClientFactory, fact: &Confirmed) -> Verdict {
    match fact {
        Confirmed::Sealed(handle, bytes) => {
            let info = handle.info().await.map_err(failed("asking"))?;
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if !info.is_sealed || info.tail != length {
                let what = format!("sealed at {length}, now {info:?}");
                return Err(Violation::new(Harm::FalselyReported, 1, what));
            }
            let reader = factory.create_byte_reader(handle.segment().clone()).await;
            let read = reader
                .read_range(0..length)
                .await
                .map_err(failed("reading"))?;
            match read == bytes {
                true => Ok(()),
                false => Err(Violation::new(
                    Harm::Lost,
                    length,
                    "the bytes of a sealed segment",
                )),
            }
        }
        Confirmed::Deleted(stream) => {
            let controller = factory
                .controller()
                .map_err(failed("a controller client"))?;
            let exists = controller.stream_exists(stream).await;
            match exists.map_err(failed("asking for a stream"))? {
                false => Ok(()),
                true => Err(broken(format!("{stream} was deleted and is there"))),
            }
        }
    }
}
