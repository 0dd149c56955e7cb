//! The writer of a run, and what it was told.

use std::{pin::pin, sync::PoisonError};

use futures::FutureExt as _;
use pravega_byte_stream::{
    ByteWriter, Certainty, ClientFactory, Receipt, SegmentError, WriteError,
};

use super::stage::{Stage, broken};
use crate::{
    campaign::{Harm, Tally, Verdict, Violation},
    evidence::{Block, Fate, Ledger},
};

/// The number of the writer whose calls are watched.
pub(super) const WRITER: u32 = 1;

/// A call that times out again and again although its fault was ended has no end.
const MAX_TIMEOUTS: u32 = 200;

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// The offset behind the writer's last durable byte; none when no writer could be opened.
    pub(super) durable_offset: Option<u64>,
    /// The writer ended with an error.
    pub(super) has_failed: bool,
}

/// A writer at work.
struct Writing<'a> {
    stage: &'a mut Stage,
    tally: &'a mut Tally,
    writer: ByteWriter,
    receipts: Vec<(Block, Receipt)>,
    timeouts: u32,
    has_failed: bool,
}

/// Opens a writer, makes the appends with what happens in between, and tells the ledger what it was told.
pub(super) async fn write(
    stage: &mut Stage,
    factory: &ClientFactory,
    tally: &mut Tally,
) -> Verdict<Written> {
    let Some(writer) = open(stage, factory).await? else {
        return Ok(Written {
            durable_offset: None,
            has_failed: true,
        });
    };
    let mut writing = Writing {
        stage,
        tally,
        writer,
        receipts: Vec::new(),
        timeouts: 0,
        has_failed: false,
    };
    for number in 1..=writing.stage.appends {
        writing.cue(number).await;
        writing.append(number).await?;
        if writing.has_failed {
            break;
        }
    }
    while !writing.has_failed && !writing.flush().await? {}
    writing.settle()
}

/// None when the error that came instead is allowed.
async fn open(stage: &mut Stage, factory: &ClientFactory) -> Verdict<Option<ByteWriter>> {
    for _ in 0..MAX_TIMEOUTS {
        let opening = factory.open_byte_writer(stage.segment.clone());
        match opening.mode(stage.mode).await {
            Ok(writer) => return Ok(Some(writer)),
            Err(error) => {
                let again = stage.rescue.as_ref().filter(|_| error.is_retryable());
                match again {
                    Some(rescue) => rescue(&stage.relay),
                    None if is_allowed(stage, &error) => return Ok(None),
                    None => return Err(broken(format!("no writer: {}", story(&error)))),
                }
            }
        }
    }
    Err(broken("opening a writer has no end"))
}

fn is_allowed(stage: &Stage, error: &SegmentError) -> bool {
    let error = WriteError::from(error.clone());
    (stage.allowed.write)(&error)
}

impl Writing<'_> {
    /// Lets happen what is due before this append.
    async fn cue(&mut self, number: u32) {
        for cue in self.stage.due(number) {
            let state = match self.writer.unflushed_bytes() {
                0 => "nothing in flight",
                _ => "append in flight",
            };
            if let Some(fault) = cue.fault {
                self.tally.count(fault, state);
            }
            cue.happen(&self.stage.relay).await;
        }
    }

    async fn append(&mut self, number: u32) -> Verdict {
        let len = self.some_length();
        let block = Block::new(WRITER, 0, number, len);
        self.note(|ledger| ledger.tried(block));
        loop {
            match self.writer.append(block.bytes()).await {
                Ok(receipt) => {
                    self.receipts.push((block, receipt));
                    break;
                }
                Err(error) => {
                    self.failed(error).await?;
                    if self.has_failed {
                        self.note(|ledger| ledger.told(block, Fate::NotStored));
                        return Ok(());
                    }
                }
            }
        }
        match self.stage.random.below(3) {
            _ if self.stage.is_lockstep => while !self.has_failed && !self.flush().await? {},
            0 => {
                self.flush().await?;
            }
            1 => self.send(),
            _ => {}
        }
        Ok(())
    }

    /// Mostly small, sometimes large enough for several blocks to be in flight.
    fn some_length(&mut self) -> usize {
        match self.stage.random.below(12) {
            0 => self.stage.random.below(70_000),
            _ => self.stage.random.below(300),
        }
    }

    /// Lets bytes go without waiting for their ack.
    fn send(&mut self) {
        if let Ok(watch) = self.writer.watch() {
            // Its first poll lets them go; nobody waits for the rest.
            pin!(watch.flush()).now_or_never();
        }
    }

    /// True when everything is durable; false when it may be asked again.
    async fn flush(&mut self) -> Verdict<bool> {
        match self.writer.flush().await {
            Ok(offset) if offset == self.writer.durable_offset() => Ok(true),
            Ok(offset) => Err(Violation::new(
                Harm::FalselyReported,
                1,
                format!(
                    "flushed to {offset}, durable to {}",
                    self.writer.durable_offset()
                ),
            )),
            Err(error) => self.failed(error).await.map(|()| false),
        }
    }

    /// Goes on after an error, or notes that it was the last one.
    async fn failed(&mut self, error: WriteError) -> Verdict {
        match &error {
            WriteError::Conflict { .. } if self.stage.allowed.conflicts => self.resync().await,
            WriteError::Timeout { .. } if self.stage.rescue.is_some() => {
                self.timeouts += 1;
                if self.timeouts > MAX_TIMEOUTS {
                    return Err(broken(format!("no end: {}", story(&error))));
                }
                if let Some(rescue) = &self.stage.rescue {
                    rescue(&self.stage.relay);
                }
                Ok(())
            }
            WriteError::Conflict { .. } => Err(Violation::new(
                Harm::FalselyReported,
                1,
                format!("a conflict that is none: {}", story(&error)),
            )),
            _ if (self.stage.allowed.write)(&error) => {
                self.has_failed = true;
                Ok(())
            }
            _ => Err(broken(format!("the writer failed: {}", story(&error)))),
        }
    }

    async fn resync(&mut self) -> Verdict {
        match self.writer.resync().await {
            Ok(_) => Ok(()),
            Err(error) if (self.stage.allowed.write)(&error) => {
                self.has_failed = true;
                Ok(())
            }
            Err(error) => Err(broken(format!("no resync: {}", story(&error)))),
        }
    }

    /// Tells the ledger what became of each append.
    fn settle(self) -> Verdict<Written> {
        let durable_offset = Some(self.writer.durable_offset());
        let (has_failed, allowed) = (self.has_failed, self.stage.allowed);
        let is_broken = has_failed || allowed.conflicts;
        for (block, receipt) in &self.receipts {
            let fate = match receipt.try_durable() {
                Some(Ok(())) => Fate::Durable,
                Some(Err(error)) if error.certainty() == Certainty::Definite => Fate::NotStored,
                Some(Err(_)) | None => Fate::Unknown,
            };
            if fate != Fate::Durable && !is_broken {
                let what = format!("{block:?} is {fate:?} after the last flush");
                return Err(Violation::new(Harm::FalselyReported, 1, what));
            }
            self.note(|ledger| ledger.told(*block, fate));
        }
        if allowed.must_fail && !has_failed {
            return Err(broken("the writer did not notice"));
        }
        let reconnects = self.writer.stats().reconnects;
        if allowed.no_reconnect && reconnects > 0 {
            return Err(broken(format!("{reconnects} reconnects for nothing")));
        }
        Ok(Written {
            durable_offset,
            has_failed,
        })
    }

    fn note<T>(&self, note: impl FnOnce(&mut Ledger) -> T) -> T {
        let ledger = self.stage.ledger.lock();
        note(&mut ledger.unwrap_or_else(PoisonError::into_inner))
    }
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
