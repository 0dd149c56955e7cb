//! A writer whose every block is accounted for.

use std::sync::Arc;

use bytes::Bytes;
use pravega_byte_stream::{
    ByteWriter, Certainty, ClientFactory, OpenByteWriter, Receipt, WriteError, WriteMode,
};

use super::scene::{Scene, Trial, failed, story};
use crate::{
    campaign::{Harm, Verdict, Violation},
    evidence::{Block, Fate},
};

/// A writer and what it was told.
pub(super) struct Pen {
    pub(super) writer: ByteWriter,
    pub(super) notes: Notes,
}

/// The blocks of one writer.
pub(super) struct Notes {
    scene: Arc<Scene>,
    id: u32,
    last: u32,
    /// Accepted, and no more is known yet.
    accepted: Vec<(Block, Option<Receipt>)>,
}

impl Notes {
    fn new(scene: &Arc<Scene>) -> Self {
        Self {
            scene: Arc::clone(scene),
            id: scene.next_writer(),
            last: 0,
            accepted: Vec::new(),
        }
    }

    /// The next block, which is going to be written.
    pub(super) fn next(&mut self, len: usize) -> Block {
        self.last += 1;
        let block = Block::new(self.id, 0, self.last, len);
        self.scene.ledger().tried(block);
        block
    }

    /// A block that was not accepted, and will not be tried again.
    pub(super) fn refused(&mut self, block: Block) {
        self.scene.ledger().told(block, Fate::NotStored);
    }

    /// A block that was accepted, perhaps with a receipt.
    pub(super) fn accepted(&mut self, block: Block, receipt: Option<Receipt>) {
        self.accepted.push((block, receipt));
    }

    /// Everything that was accepted is durable, or so it was said.
    pub(super) fn all_durable(&mut self) -> Verdict {
        for (block, receipt) in self.accepted.drain(..) {
            match receipt.as_ref().and_then(Receipt::try_durable) {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(false_report(block, &story(&error))),
                None if receipt.is_some() => {
                    return Err(false_report(
                        block,
                        "said to be durable, and its receipt waits",
                    ));
                }
                None => {}
            }
            self.scene.ledger().told(block, Fate::Durable);
        }
        Ok(())
    }

    /// The writer has failed: what the receipts say is what is known.
    pub(super) fn as_receipts_say(&mut self) {
        let mut ledger = self.scene.ledger();
        for (block, receipt) in self.accepted.drain(..) {
            let fate = match receipt.as_ref().and_then(Receipt::try_durable) {
                Some(Ok(())) => Fate::Durable,
                Some(Err(error)) if error.certainty() == Certainty::Definite => Fate::NotStored,
                Some(Err(_)) | None => Fate::Unknown,
            };
            ledger.told(block, fate);
        }
    }

    /// The receipt that was given last.
    pub(super) fn last_receipt(&self) -> Verdict<Receipt> {
        let last = self.accepted.iter().rev().find_map(|(_, it)| it.clone());
        last.ok_or_else(|| Violation::broken("there is no receipt"))
    }
}

fn false_report(block: Block, what: &str) -> Violation {
    let bytes = u64::from(block.len);
    Violation::new(Harm::FalselyReported, bytes, format!("{block:?}: {what}"))
}

impl Pen {
    /// A writer whose connections pass the relay.
    pub(super) async fn open(
        trial: &Trial,
        mode: WriteMode,
        options: impl FnOnce(OpenByteWriter) -> OpenByteWriter,
    ) -> Verdict<Self> {
        Self::open_with(&trial.factory, &trial.scene, mode, options).await
    }

    /// A writer of somebody else, in shared mode, on connections of its own.
    pub(super) async fn clean(scene: &Arc<Scene>) -> Verdict<Self> {
        Self::open_with(&scene.clean, scene, WriteMode::Shared, |opening| opening).await
    }

    async fn open_with(
        factory: &ClientFactory,
        scene: &Arc<Scene>,
        mode: WriteMode,
        options: impl FnOnce(OpenByteWriter) -> OpenByteWriter,
    ) -> Verdict<Self> {
        let opening = factory.open_byte_writer(scene.segment.clone()).mode(mode);
        let writer = options(opening).await.map_err(failed("opening a writer"))?;
        Ok(Self::of(writer, scene))
    }

    pub(super) fn of(writer: ByteWriter, scene: &Arc<Scene>) -> Self {
        Self {
            writer,
            notes: Notes::new(scene),
        }
    }

    /// Accepts a block of this length.
    pub(super) async fn append(&mut self, len: usize) -> Verdict {
        let block = self.notes.next(len);
        let receipt = self.writer.append(block.bytes()).await;
        let receipt = receipt.map_err(failed("appending"))?;
        self.notes.accepted(block, Some(receipt));
        Ok(())
    }

    /// Accepts blocks of this length until there is no room, at most a hundred.
    pub(super) fn fill(&mut self, len: usize) -> Verdict {
        for _ in 0..100 {
            let block = self.notes.next(len);
            match self.writer.try_append(block.bytes()) {
                Ok(receipt) => self.notes.accepted(block, Some(receipt)),
                Err(refused) => {
                    self.notes.refused(block);
                    return match refused.error {
                        WriteError::Full { .. } if refused.bytes == block.bytes() => Ok(()),
                        // Whoever fills the window of such a writer is told by the next call.
                        WriteError::Conflict { .. } => Ok(()),
                        error => Err(failed("filling the window")(error)),
                    };
                }
            }
        }
        Ok(())
    }

    /// The most bytes of one atomic write, which are not as many as `too_many`.
    pub(super) fn max_write(&mut self, too_many: usize) -> Verdict<usize> {
        match self.writer.try_append(Bytes::from(vec![0; too_many])) {
            Err(refused) => match refused.error {
                WriteError::TooLarge { max, .. } => Ok(max),
                error => Err(failed("asking for the atomic limit")(error)),
            },
            Ok(_) => Err(Violation::broken("more than a window was accepted at once")),
        }
    }

    /// Flushes: every block must be durable then, up to where the writer says.
    pub(super) async fn flush(&mut self) -> Verdict<u64> {
        let flushed = self.writer.flush().await.map_err(failed("flushing"))?;
        self.check_flushed(flushed)?;
        Ok(flushed)
    }

    /// A flush has said that everything is durable up to this offset.
    pub(super) fn check_flushed(&mut self, flushed: u64) -> Verdict {
        let durable = self.writer.durable_offset();
        if flushed != durable || self.writer.unflushed_bytes() > 0 {
            let what = format!("flushed to {flushed}, durable to {durable}");
            return Err(Violation::new(Harm::FalselyReported, 1, what));
        }
        self.notes.all_durable()
    }

    /// Writes one block more, flushes, and compares everything with the segment.
    pub(super) async fn finish(mut self) -> Verdict {
        self.append(50).await?;
        let flushed = self.flush().await?;
        let scene = Arc::clone(&self.notes.scene);
        drop(self);
        scene.judge(flushed).await
    }
}
