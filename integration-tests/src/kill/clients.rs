//! A writer and two readers of one stream, who are told nothing of the server's deaths.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pravega_byte_stream::{
    Certainty, ClientFactory, ReadFrom, ReadUntil, Receipt, ScopedSegment, WriteError, WriteMode,
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::server::broken;
use crate::{
    Random,
    campaign::{Harm, Verdict, Violation},
    evidence::{Block, Fate, Ledger},
};

/// Between two passes of a reader that begins again and again.
const PAUSE: Duration = Duration::from_millis(20);

/// A stream with its writer and its readers.
pub(super) struct Clients {
    factory: ClientFactory,
    segment: ScopedSegment,
    mode: WriteMode,
    seed: u64,
    ledger: Arc<Mutex<Ledger>>,
    life: u32,
    writer: Life,
    goal: watch::Sender<Option<usize>>,
    readers: [JoinHandle<Verdict<Vec<u8>>>; 2],
}

/// One life of the writer.
struct Life {
    /// Bytes are on their way.
    is_busy: Arc<AtomicBool>,
    /// It is to flush and to end.
    stop: CancellationToken,
    /// It is to end as it is.
    crash: CancellationToken,
    task: JoinHandle<Verdict>,
}

impl Clients {
    /// Starts all three.
    pub(super) fn start(
        factory: &ClientFactory,
        segment: ScopedSegment,
        mode: WriteMode,
        seed: u64,
    ) -> Self {
        let ledger = Arc::default();
        let goal = watch::Sender::new(None);
        let (factory, known) = (factory.clone(), goal.subscribe());
        let at_the_tail = tokio::spawn(follow(factory.clone(), segment.clone(), known.clone()));
        let in_sequence = tokio::spawn(read_again(factory.clone(), segment.clone(), known));
        let writer = Life::begin(&factory, &segment, mode, seed, &ledger, 0);
        Self {
            factory,
            segment,
            mode,
            seed,
            ledger,
            life: 0,
            writer,
            goal,
            readers: [at_the_tail, in_sequence],
        }
    }

    /// True while the writer has unacknowledged bytes.
    pub(super) fn is_writing(&self) -> bool {
        self.writer.is_busy.load(Ordering::Relaxed)
    }

    /// The writer dies without a flush, and another one takes its place.
    pub(super) async fn replace_writer(&mut self) -> Verdict {
        self.life += 1;
        self.writer.crash.cancel();
        let life = (self.life, self.seed.wrapping_add(u64::from(self.life)));
        let (factory, segment) = (&self.factory, &self.segment);
        let next = Life::begin(factory, segment, self.mode, life.1, &self.ledger, life.0);
        ended(std::mem::replace(&mut self.writer, next).task).await
    }

    /// The writer flushes and ends, the readers read to the end, and everything is compared. Gives the length.
    pub(super) async fn finish(self) -> Verdict<usize> {
        self.writer.stop.cancel();
        ended(self.writer.task).await?;
        let reader = self.factory.create_byte_reader(self.segment.clone()).await;
        let failed = |error| broken(format!("the content: {error}"));
        let tail = reader.current_tail().await.map_err(failed)?;
        let content = reader.read_range(0..tail).await.map_err(failed)?;
        self.goal.send_replace(Some(content.len()));
        lock(&self.ledger).judge(&content)?;
        for reader in self.readers {
            let read = ended(reader).await?;
            if read != content {
                let (read, all) = (read.len(), content.len());
                let what = format!("a reader has {read} bytes, not the {all} of the segment");
                return Err(Violation::new(Harm::Lost, 1, what));
            }
        }
        Ok(content.len())
    }
}

impl Life {
    fn begin(
        factory: &ClientFactory,
        segment: &ScopedSegment,
        mode: WriteMode,
        seed: u64,
        ledger: &Arc<Mutex<Ledger>>,
        life: u32,
    ) -> Self {
        let (stop, crash) = (CancellationToken::new(), CancellationToken::new());
        let is_busy = Arc::new(AtomicBool::new(false));
        let writing = Writing {
            factory: factory.clone(),
            segment: segment.clone(),
            mode,
            random: Random::new(seed),
            ledger: Arc::clone(ledger),
            life,
            number: 0,
            receipts: Vec::new(),
            is_busy: Arc::clone(&is_busy),
        };
        let task = tokio::spawn(writing.run(stop.clone(), crash.clone()));
        Self {
            is_busy,
            stop,
            crash,
            task,
        }
    }
}

struct Writing {
    factory: ClientFactory,
    segment: ScopedSegment,
    mode: WriteMode,
    random: Random,
    ledger: Arc<Mutex<Ledger>>,
    life: u32,
    number: u32,
    /// Not known to be durable.
    receipts: Vec<(Block, Receipt)>,
    is_busy: Arc<AtomicBool>,
}

impl Writing {
    async fn run(mut self, stop: CancellationToken, crash: CancellationToken) -> Verdict {
        let written = crash
            .clone()
            .run_until_cancelled_owned(self.write(stop))
            .await;
        self.is_busy.store(false, Ordering::Relaxed);
        // A writer that died leaves receipts behind, which know what it knew.
        self.as_receipts_say();
        written.unwrap_or(Ok(()))
    }

    async fn write(&mut self, stop: CancellationToken) -> Verdict {
        let failed = |error| broken(format!("opening a writer: {error}"));
        let opening = self.factory.open_byte_writer(self.segment.clone());
        let mut writer = opening.mode(self.mode).await.map_err(failed)?;
        let mut is_last = false;
        while !is_last {
            is_last = stop.is_cancelled();
            self.is_busy.store(true, Ordering::Relaxed);
            for _ in 0..=self.random.below(6) {
                let len = match self.random.one_in(12) {
                    true => self.random.below(40_000),
                    false => self.random.below(400),
                };
                self.number += 1;
                let block = Block::new(self.life + 1, 0, self.number, len);
                lock(&self.ledger).tried(block);
                let receipt = writer
                    .append(block.bytes())
                    .await
                    .map_err(|error| refused(&error))?;
                self.receipts.push((block, receipt));
            }
            let flushed = writer.flush().await;
            let is_moved_by_the_dead = self.life > 0 && self.mode == WriteMode::Exclusive;
            match flushed {
                Ok(_) => self.all_durable()?,
                // Bytes of the life before arrived after this one had asked where the segment ends.
                Err(error) if is_moved_by_the_dead && is_conflict(&error) => {
                    self.as_receipts_say();
                    writer.resync().await.map_err(|error| refused(&error))?;
                }
                Err(error) => return Err(refused(&error)),
            }
            self.is_busy.store(false, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn all_durable(&mut self) -> Verdict {
        for (block, receipt) in self.receipts.drain(..) {
            if !matches!(receipt.try_durable(), Some(Ok(()))) {
                let what = format!("{block:?} is flushed and not durable");
                return Err(Violation::new(Harm::FalselyReported, 1, what));
            }
            lock(&self.ledger).told(block, Fate::Durable);
        }
        Ok(())
    }

    fn as_receipts_say(&mut self) {
        for (block, receipt) in self.receipts.drain(..) {
            let fate = match receipt.try_durable() {
                Some(Ok(())) => Fate::Durable,
                Some(Err(error)) if error.certainty() == Certainty::Definite => Fate::NotStored,
                Some(Err(_)) | None => Fate::Unknown,
            };
            lock(&self.ledger).told(block, fate);
        }
    }
}

fn is_conflict(error: &WriteError) -> bool {
    matches!(error, WriteError::Conflict { .. })
}

fn refused(error: &WriteError) -> Violation {
    match is_conflict(error) {
        true => Violation::new(
            Harm::FalselyReported,
            1,
            format!("a conflict with nobody: {error}"),
        ),
        false => broken(format!("the writer failed: {error}")),
    }
}

/// Waits at the tail from the first byte on.
async fn follow(
    factory: ClientFactory,
    segment: ScopedSegment,
    mut goal: watch::Receiver<Option<usize>>,
) -> Verdict<Vec<u8>> {
    let mut reader = factory.create_byte_reader(segment).await;
    let mut read = Vec::new();
    loop {
        if goal
            .borrow_and_update()
            .is_some_and(|goal| read.len() >= goal)
        {
            return Ok(read);
        }
        tokio::select! {
            chunk = reader.read_chunk(usize::MAX) => {
                let chunk = chunk.map_err(|error| broken(format!("following: {error}")))?;
                let chunk = chunk.ok_or_else(|| broken("the end of a segment that has none"))?;
                read.extend_from_slice(&chunk);
            }
            // The campaign is over when nobody sets a goal any more.
            changed = goal.changed() => changed.map_err(|_| broken("nobody waits for a reader"))?,
        }
    }
}

/// Reads everything that is there, again and again. What was seen once must not change.
async fn read_again(
    factory: ClientFactory,
    segment: ScopedSegment,
    mut goal: watch::Receiver<Option<usize>>,
) -> Verdict<Vec<u8>> {
    let failed = |error| broken(format!("reading: {error}"));
    let mut seen = Vec::new();
    loop {
        let opening = factory.open_byte_reader(segment.clone());
        let opening = opening.from(ReadFrom::Head).until(ReadUntil::TailAtOpen);
        let mut reader = opening
            .await
            .map_err(|error| broken(format!("opening a reader: {error}")))?;
        let mut at = 0;
        while let Some(chunk) = reader.read_chunk(100_000).await.map_err(failed)? {
            let known = seen.len().min(at + chunk.len());
            let (old, new) = chunk.split_at(known.saturating_sub(at).min(chunk.len()));
            if seen.get(at..known).unwrap_or_default() != old {
                let what = format!("bytes at {at} are not what they were");
                return Err(Violation::new(Harm::Reordered, 1, what));
            }
            seen.extend_from_slice(new);
            at += chunk.len();
        }
        if at < seen.len() {
            let (lost, what) = (seen.len() - at, format!("the tail went back to {at}"));
            return Err(Violation::new(
                Harm::Lost,
                u64::try_from(lost).unwrap_or(1),
                what,
            ));
        }
        if goal
            .borrow_and_update()
            .is_some_and(|goal| seen.len() >= goal)
        {
            return Ok(seen);
        }
        // Somebody else needs the machine too.
        if let Ok(Err(_)) = timeout(PAUSE, goal.changed()).await {
            return Err(broken("nobody waits for a reader"));
        }
    }
}

pub(super) async fn ended<T>(task: JoinHandle<Verdict<T>>) -> Verdict<T> {
    task.await
        .map_err(|error| broken(format!("a task ended: {error}")))?
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
