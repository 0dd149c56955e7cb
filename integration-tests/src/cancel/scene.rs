//! Where futures are dropped: a segment behind a relay, and the account of what was written to it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use pravega_byte_stream::{
    ClientConfigBuilder, ClientFactory, RetryPolicy, ScopedSegment, ScopedStream, WriteMode,
};

use super::{knife::Knife, pen::Pen};
use crate::{
    Random,
    campaign::{Verdict, Violation},
    evidence::Ledger,
    relay::{Armed, Fault, Frames, Gate, Relay},
};

/// What the runs of one case have in common.
pub(super) struct Scene {
    pub(super) relay: Arc<Relay>,
    /// Does not pass the relay.
    pub(super) clean: ClientFactory,
    pub(super) stream: ScopedStream,
    pub(super) segment: ScopedSegment,
    ledger: Mutex<Ledger>,
    writers: AtomicU32,
}

impl Scene {
    /// A relay before the Pravega of the environment, or an embedded one, and a new segment.
    pub(super) async fn set(relay: Arc<Relay>) -> Verdict<Self> {
        let clean = relay.backend().factory_with(in_a_hurry);
        let stream = relay.backend().fresh_stream(&clean).await;
        let segment = clean
            .segment_of(&stream)
            .await
            .map_err(failed("a segment"))?;
        Ok(Self {
            relay,
            clean,
            stream,
            segment,
            ledger: Mutex::default(),
            writers: AtomicU32::new(0),
        })
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a writer.
    pub(super) fn next_writer(&self) -> u32 {
        self.writers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// All bytes of the segment, once it has `durable` of them.
    pub(super) async fn content(&self, durable: u64) -> Verdict<Vec<u8>> {
        let reader = self.clean.create_byte_reader(self.segment.clone()).await;
        let tail = reader.wait_for_tail(durable).await;
        let tail = tail.map_err(failed("the tail"))?;
        let content = reader.read_range(0..tail).await;
        Ok(content.map_err(failed("the content"))?.to_vec())
    }

    /// Compares what writers were told with the content of the segment, once it has `durable` bytes.
    pub(super) async fn judge(&self, durable: u64) -> Verdict {
        let content = self.content(durable).await?;
        self.ledger().judge(&content).map(|_| ())
    }
}

/// One run of one case.
pub(super) struct Trial {
    pub(super) scene: Arc<Scene>,
    /// Passes the relay; nobody has used it yet.
    pub(super) factory: ClientFactory,
    pub(super) knife: Knife,
    pub(super) random: Random,
    held: Vec<(Armed, Gate)>,
}

impl Trial {
    pub(super) fn new(scene: Arc<Scene>, knife: Knife, random: Random) -> Self {
        let factory = scene.relay.factory_with(in_a_hurry);
        Self {
            scene,
            factory,
            knife,
            random,
            held: Vec::new(),
        }
    }

    /// One of both modes.
    pub(super) fn some_mode(&mut self) -> WriteMode {
        match self.random.one_in(2) {
            true => WriteMode::Exclusive,
            false => WriteMode::Shared,
        }
    }

    /// A writer in one of both modes that has written and flushed something, so that it has a connection.
    pub(super) async fn warm_pen(&mut self) -> Verdict<Pen> {
        let mode = self.some_mode();
        let mut pen = Pen::open(self, mode, |opening| opening).await?;
        pen.append(100).await?;
        pen.flush().await?;
        Ok(pen)
    }

    /// From now on acks wait until [`release`](Self::release).
    pub(super) fn hold_acks(&mut self) {
        let gate = Gate::default();
        let acks = Frames::replies().named("DataAppended").times(u64::MAX);
        let armed = self.scene.relay.arm(acks, Fault::Hold(gate.clone()));
        self.held.push((armed, gate));
    }

    /// Lets acks pass that were held back, and all that come.
    pub(super) fn release(&mut self) {
        for (armed, gate) in self.held.drain(..) {
            if armed.strikes() > 0 {
                self.knife.count("acks held back");
            }
            armed.disarm();
            gate.open();
        }
    }

    /// Somebody else writes to the segment: so many bytes, or some more. Returns where it ends then.
    pub(super) async fn rival_writes(&mut self, len: usize) -> Verdict<u64> {
        let mut rival = Pen::clean(&self.scene).await?;
        rival.append(len).await?;
        rival.flush().await
    }

    /// Lets other tasks run: not at all, once, or so often that something may have arrived.
    pub(super) async fn some_moment(&mut self) {
        let times = self.random.pick(&[0, 1, 60]).copied().unwrap_or_default();
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
    }
}

/// A client that comes back soon, and waits as long as a real store may take.
pub(super) fn in_a_hurry(config: ClientConfigBuilder) -> ClientConfigBuilder {
    let retry = RetryPolicy::default()
        .with_initial_backoff(std::time::Duration::from_millis(1))
        .with_max_backoff(std::time::Duration::from_millis(20));
    config.retry(retry)
}

/// For errors where none may be.
pub(super) fn failed<E: std::error::Error>(what: &'static str) -> impl FnOnce(E) -> Violation {
    move |error| Violation::broken(format!("{what}: {}", story(&error)))
}

/// An error and all its sources.
pub(super) fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
