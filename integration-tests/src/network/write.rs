//! A writer: appends blocks, and writes down what it is told of each.

use std::{collections::VecDeque, sync::atomic::Ordering, time::Duration};

use pravega_byte_stream::{ByteWriter, Certainty, Receipt, SegmentError, WriteError, WriteMode};
use tokio::time::Instant;

use super::{
    client::{Client, Stage},
    plan::{Writing, between},
    record::Event,
};
use crate::{
    Random,
    campaign::{Harm, Violation},
    evidence::Block,
    history::Outcome,
};

/// One writer, until it has written what it has to.
pub(super) async fn run(client: &Client, part: u32, writing: Writing, mut random: Random) {
    let mut left = writing.most;
    // More than once only where something else than a store answered.
    loop {
        let Some(writer) = open(client, writing.mode).await else {
            return;
        };
        let mut life = Life {
            client,
            part,
            writing,
            random: Random::new(random.next()),
            id: client.seat.record.new_life(),
            epoch: 0,
            number: 0,
            waiting: VecDeque::new(),
            writer,
            is_broken: false,
        };
        life.live(left).await;
        life.settle(None);
        left = left.saturating_sub(life.number);
        if !life.is_broken {
            return;
        }
    }
}

/// Opens the writer, however long the storm lasts; none when the segment is sealed.
async fn open(client: &Client, mode: WriteMode) -> Option<ByteWriter> {
    let seat = &client.seat;
    // The controller is asked for the segment, and then the store for its end.
    let limit = seat.plan.pace.operation * 2;
    loop {
        let was_calm = seat.stage() >= Stage::Calm;
        let opening = client
            .factory
            .open_byte_writer(client.stream.clone())
            .mode(mode);
        match seat
            .within("open_byte_writer", limit, opening.into_future())
            .await
        {
            Some(Ok(writer)) => return Some(writer),
            Some(Err(SegmentError::Sealed { .. } | SegmentError::StreamSealed { .. })) => {
                return None;
            }
            Some(Err(error)) if was_calm => {
                let text = format!("no writer in calm weather: {error:?}");
                seat.record.violate(Violation::broken(text));
                return None;
            }
            _ => {}
        }
    }
}

/// A writer with the blocks that are not known to be stored.
struct Life<'a> {
    client: &'a Client,
    part: u32,
    writing: Writing,
    random: Random,
    /// Its number in the history.
    id: u32,
    /// Counts conflicts: what was given up leaves a hole in the numbers.
    epoch: u32,
    number: u32,
    waiting: VecDeque<Waiting>,
    writer: ByteWriter,
    /// It met something that is no store, and another writer has to go on.
    is_broken: bool,
}

struct Waiting {
    block: Block,
    expected: Option<u64>,
    receipt: Receipt,
}

impl Life<'_> {
    async fn live(&mut self, most: u32) {
        let seat = &self.client.seat;
        while self.number < most && seat.stage() == Stage::Storm {
            if !self.turn().await {
                return;
            }
        }
        seat.reached(Stage::Calm).await;
        self.come_to_an_end().await;
    }

    fn limit(&self) -> Duration {
        self.client.seat.plan.pace.operation
    }

    /// Some appends, and a flush. False when the writer can write no more.
    async fn turn(&mut self) -> bool {
        for _ in 0..1 + self.random.below(self.writing.burst) {
            if !self.append().await {
                return false;
            }
        }
        if self.random.one_in(2) && !self.flush().await {
            return false;
        }
        let pause = between(&mut self.random, Duration::ZERO, self.writing.pause);
        self.client.seat.pause(pause).await;
        true
    }

    async fn append(&mut self) -> bool {
        let seat = &self.client.seat;
        self.number += 1;
        let len = self.writing.lengths.draw(&mut self.random);
        let block = Block::new(self.id, self.epoch, self.number, len);
        let expected = match self.writing.mode {
            WriteMode::Exclusive => Some(self.writer.position()),
            _ => None,
        };
        seat.record.tried(self.id, block, expected);
        let appending = self.writer.append(block.bytes());
        let answer = seat
            .within("append", self.client.seat.plan.pace.operation, appending)
            .await;
        self.note_unflushed();
        match answer {
            Some(Ok(receipt)) => {
                seat.record
                    .note(Event::Accepted, self.part, u64::from(block.number));
                self.waiting.push_back(Waiting {
                    block,
                    expected,
                    receipt,
                });
                true
            }
            // No byte of the call was accepted.
            Some(Err(error)) => {
                seat.record.told(block, Outcome::NotStored);
                self.recover(&error).await
            }
            None => false,
        }
    }

    async fn flush(&mut self) -> bool {
        let limit = self.limit();
        let answer = self
            .client
            .seat
            .within("flush", limit, self.writer.flush())
            .await;
        self.note_unflushed();
        match answer {
            Some(Ok(_)) => {
                self.settle_stored();
                self.complain_about_waiting();
                true
            }
            Some(Err(error)) => self.recover(&error).await,
            None => false,
        }
    }

    /// After an error. False when the writer can write no more.
    async fn recover(&mut self, error: &WriteError) -> bool {
        self.settle_stored();
        match error {
            // The writer still tries.
            WriteError::Timeout { .. } | WriteError::Segment { .. } => true,
            WriteError::Conflict { .. } => self.resync(error).await,
            WriteError::Sealed { .. } => {
                self.settle(Some(error));
                false
            }
            WriteError::Broken { .. } if self.client.seat.plan.has_stranger() => {
                self.settle(Some(error));
                self.is_broken = true;
                false
            }
            other => {
                let text = format!("the writer broke: {other:?}");
                self.client.seat.record.violate(Violation::broken(text));
                self.settle(Some(error));
                false
            }
        }
    }

    /// After a conflict: gives up what was not stored.
    async fn resync(&mut self, error: &WriteError) -> bool {
        self.settle(Some(error));
        self.epoch += 1;
        loop {
            let limit = self.limit();
            let was_calm = self.client.seat.stage() >= Stage::Calm;
            let answer = self
                .client
                .seat
                .within("resync", limit, self.writer.resync())
                .await;
            match answer {
                Some(Ok(_)) => {
                    self.note_unflushed();
                    return true;
                }
                Some(Err(WriteError::Sealed { .. })) | None => return false,
                Some(Err(error)) if was_calm => {
                    let text = format!("no resync in calm weather: {error:?}");
                    self.client.seat.record.violate(Violation::broken(text));
                    return false;
                }
                Some(Err(_)) => {}
            }
        }
    }

    /// Faults have stopped: what is on its way must arrive within the time that a flush has.
    async fn come_to_an_end(&mut self) {
        let began = Instant::now();
        // One more block, so that there is something to flush.
        let mut conflicts = 0;
        loop {
            let before = self.epoch;
            if !self.append().await {
                return;
            }
            if !self.flush().await {
                return;
            }
            if self.waiting.is_empty() {
                break;
            }
            conflicts += 1;
            // A competitor may come first, as often as it has blocks.
            if self.epoch == before || conflicts > 200 {
                let late = self.writer.stats();
                let text = format!(
                    "{} bytes not stored in calm weather: {late:?}",
                    self.writer.unflushed_bytes()
                );
                self.client.seat.record.violate(Violation::broken(text));
                break;
            }
        }
        let took = began.elapsed();
        self.client
            .seat
            .record
            .with(|book| book.recoveries.push(took));
    }

    /// Notes the fate of the blocks at the front that are stored.
    fn settle_stored(&mut self) {
        while let Some(first) = self.waiting.front() {
            let Some(Ok(())) = first.receipt.try_durable() else {
                return;
            };
            let outcome = Outcome::Stored {
                offset: first.expected,
            };
            self.client.seat.record.told(first.block, outcome);
            self.waiting.pop_front();
        }
    }

    /// A flush has said that all is stored; then every receipt must say so.
    fn complain_about_waiting(&self) {
        if let Some(first) = self.waiting.front() {
            let bytes = u64::from(first.block.len);
            let text = format!("flushed, and {:?} waits", first.block);
            let violation = Violation::new(Harm::FalselyReported, bytes, text);
            self.client.seat.record.violate(violation);
        }
    }

    /// Notes what the receipts say of the blocks that are left. Where the error says that the segment did not
    /// end where a block was to begin, that block met a conflict.
    fn settle(&mut self, error: Option<&WriteError>) {
        self.settle_stored();
        let met = match error {
            Some(WriteError::Conflict { expected, .. }) => Some(*expected),
            _ => None,
        };
        for waiting in std::mem::take(&mut self.waiting) {
            let outcome = match waiting.receipt.try_durable() {
                Some(Ok(())) => Outcome::Stored {
                    offset: waiting.expected,
                },
                Some(Err(error)) if error.certainty() == Certainty::Definite => {
                    match met.is_some() && waiting.expected == met {
                        true => Outcome::Conflict,
                        false => Outcome::NotStored,
                    }
                }
                _ => Outcome::Unknown,
            };
            self.client.seat.record.told(waiting.block, outcome);
        }
        self.note_unflushed();
    }

    fn note_unflushed(&self) {
        let unflushed = self.writer.unflushed_bytes();
        let activity = &self.client.seat.activity;
        activity.unflushed.store(unflushed, Ordering::Relaxed);
    }
}
