//! Three clients at once, and whether what they saw can have happened one after the other.
//!
//! A real store is held to all of it but one: it says where a segment ends too late, so that its answer counts as
//! "at least so far".

use std::{cell::RefCell, time::Duration};

use futures::future::try_join_all;
use pravega_byte_stream::{
    ByteWriter, Certainty, ClientFactory, ReadError, Receipt, ScopedSegment, SegmentHandle,
    WriteError, WriteMode,
};
use tokio::{task::JoinSet, time::timeout};

use super::{
    stage::{Stage, broken},
    writing::story,
};
use crate::{
    Backend, Random,
    campaign::{Harm, Tally, Verdict, Violation},
    evidence::{Block, blocks_in},
    history::{self, History, Log, Outcome, Pending},
    relay::{Fault, Frames},
};

/// How many clients there are.
const CLIENTS: u32 = 3;
/// The fewest operations of a history.
const LEAST_OPERATIONS: usize = 20;
/// The most operations of a history, questions after conflicts not counted.
const MOST_OPERATIONS: usize = 100;
/// No history takes that long, unless one of its calls never ends.
const LONGEST: Duration = Duration::from_secs(60);

/// Makes one history through the relay and checks it.
pub(super) async fn check(backend: Backend, seed: u64, tally: &mut Tally) -> Verdict<u64> {
    let checking = async {
        let mut stage = Stage::set(backend, seed).await;
        spoil(&mut stage);
        let checked = make_and_check(&mut stage).await;
        stage.count(tally);
        checked.map_err(|violation| Violation {
            what: format!("history: {}", violation.what),
            ..violation
        })?;
        Ok(stage.trace.value())
    };
    let checked = timeout(LONGEST, Box::pin(checking)).await;
    checked.map_err(|_elapsed| broken("history: a call has no end"))?
}

/// Arms the faults of one history.
fn spoil(stage: &mut Stage) {
    for _ in 0..=stage.dice(4) {
        let nth = 1 + stage.dice(60);
        let bytes = usize::try_from(stage.dice(200)).unwrap_or_default();
        match stage.dice(7) {
            0 => {
                let requests = Frames::requests().nth(nth);
                stage.arm(
                    "history: request cut inside",
                    requests,
                    Fault::CutInside(bytes),
                );
            }
            1 => {
                let replies = Frames::replies().nth(nth);
                stage.arm(
                    "history: reply cut inside",
                    replies,
                    Fault::CutInside(bytes),
                );
            }
            2 => {
                let acks = Frames::replies().named("DataAppended").nth(1 + nth / 4);
                stage.arm("history: ack lost, cut", acks, Fault::SwallowAndCut);
            }
            3 => {
                let appends = Frames::requests().named("AppendBlockEnd").nth(1 + nth / 6);
                stage.arm("history: append lost, cut", appends, Fault::SwallowAndCut);
            }
            4 => {
                let blocks = Frames::requests().named("ConditionalBlockEnd");
                let blocks = blocks.nth(1 + nth / 6);
                stage.arm("history: append lost, cut", blocks, Fault::SwallowAndCut);
            }
            5 => late_copy(stage, "AppendBlockEnd", nth / 6),
            _ => late_copy(stage, "ConditionalBlockEnd", nth / 6),
        }
    }
}

/// A copy of an append arrives when some more acks have come on other connections.
fn late_copy(stage: &mut Stage, name: &'static str, nth: u64) {
    let appends = Frames::requests().named(name).nth(1 + nth);
    let (orphan, gate) = stage.orphan("history: late copy", appends);
    let progress = stage.watch(Frames::replies().named("DataAppended"));
    let until = stage.dice(4);
    stage.beside(async move {
        orphan.struck().await;
        progress.struck_times(progress.strikes() + until).await;
        gate.open();
    });
}

async fn make_and_check(stage: &mut Stage) -> Verdict {
    let length = MOST_OPERATIONS - LEAST_OPERATIONS + 1;
    // A third of them are short enough for the search.
    let operations = match stage.dice(3) {
        0 => LEAST_OPERATIONS - 6,
        _ => LEAST_OPERATIONS + stage.random.below(length),
    };
    let history = RefCell::new(History::new());
    let _beside: JoinSet<()> = stage.beside.drain(..).collect();
    let clients = (1..=CLIENTS).map(|number| Client::new(stage, &history, number));
    let clients: Vec<Client<'_>> = clients.collect();
    let share = operations / clients.len().max(1);
    try_join_all(clients.into_iter().map(|client| client.work(share))).await?;
    stage.heal().await;
    let content = super::play::content(stage).await?;
    let log = Log::of_blocks(0, &blocks_in(&content)?);
    judge(&history.into_inner(), &log)
}

/// Both checkers, where both can.
fn judge(history: &History, log: &Log) -> Verdict {
    let operations = history.operations();
    let tiled = history::tiling::check(operations, log);
    if operations.len() <= history::search::MAX_OPERATIONS {
        let searched = history::search::check(operations, log);
        if searched.is_ok() != tiled.is_ok() {
            let what = format!("the checkers disagree: {tiled:?}, {searched:?}: {operations:?}");
            return Err(broken(what));
        }
    }
    tiled
}

/// One client: a writer, and questions between its appends.
struct Client<'a> {
    history: &'a RefCell<History>,
    factory: ClientFactory,
    segment: ScopedSegment,
    number: u32,
    mode: WriteMode,
    random: Random,
    appended: u32,
    is_real: bool,
}

/// An append that was called and has no answer yet.
struct Open {
    call: Pending,
    receipt: Receipt,
    expected: u64,
}

impl<'a> Client<'a> {
    fn new(stage: &mut Stage, history: &'a RefCell<History>, number: u32) -> Self {
        let mode = match stage.dice(3) {
            0 => WriteMode::Shared,
            _ => WriteMode::Exclusive,
        };
        Self {
            history,
            factory: stage.factory(),
            segment: stage.segment.clone(),
            number,
            mode,
            random: Random::new(stage.random.next()),
            appended: 0,
            is_real: stage.relay.backend().is_real(),
        }
    }

    async fn work(mut self, operations: usize) -> Verdict {
        let opening = self.factory.open_byte_writer(self.segment.clone());
        let opened = opening.mode(self.mode).await;
        let mut writer = opened.map_err(|error| failed(&error))?;
        let handle = self.factory.segment(self.segment.clone());
        let handle = handle.map_err(|error| failed(&error))?;
        let mut done = 0;
        while done < operations {
            done += match self.random.below(8) {
                0 => self.ask(&handle).await?,
                1 => self.read().await?,
                _ => self.append(&mut writer, &handle).await?,
            };
        }
        self.factory.shutdown().await;
        Ok(())
    }

    async fn ask(&mut self, handle: &SegmentHandle) -> Verdict<usize> {
        let call = self.history.borrow_mut().ask(self.number);
        let info = handle.info().await.map_err(|error| failed(&error))?;
        match self.is_real {
            // Acks and refusals come from what the store is about to do, this answer from what it has done: a
            // condition may have failed because of bytes that are not told of yet.
            true => self.history.borrow_mut().read(call, info.tail),
            false => self.history.borrow_mut().tail(call, info.tail),
        }
        Ok(1)
    }

    async fn read(&mut self) -> Verdict<usize> {
        let reader = self.factory.create_byte_reader(self.segment.clone()).await;
        let from = u64::try_from(self.random.below(2_000)).unwrap_or_default();
        let call = self.history.borrow_mut().ask(self.number);
        match reader.read_at(from, 1 + self.random.below(500)).await {
            Ok(bytes) if !bytes.is_empty() => {
                let len = u64::try_from(bytes.len()).unwrap_or_default();
                self.history.borrow_mut().read(call, from + len);
                Ok(1)
            }
            // Behind the tail there is nothing to read, and the question stays without an answer.
            Ok(_) | Err(ReadError::Incomplete { .. }) => Ok(1),
            Err(error) => Err(failed(&error)),
        }
    }

    /// One append or a few at once, until all are settled.
    async fn append(&mut self, writer: &mut ByteWriter, handle: &SegmentHandle) -> Verdict<usize> {
        let count = 1 + self.random.below(4) / 2;
        let mut open = Vec::new();
        for _ in 0..count {
            let block = self.next_block();
            let expected = writer.position();
            let call = self.history.borrow_mut().append(
                self.number,
                Log::id(block),
                u64::from(block.len),
                (self.mode == WriteMode::Exclusive).then_some(expected),
            );
            match writer.append(block.bytes()).await {
                Ok(receipt) => open.push(Open {
                    call,
                    receipt,
                    expected,
                }),
                Err(error) => {
                    self.history.borrow_mut().finish(call, Outcome::NotStored);
                    self.only_conflict(&error)?;
                    break;
                }
            }
        }
        let flushed = writer.flush().await;
        for append in open {
            let outcome = self.outcome(&append)?;
            self.history.borrow_mut().finish(append.call, outcome);
        }
        if let Err(error) = flushed {
            self.only_conflict(&error)?;
            self.ask(handle).await?;
            writer.resync().await.map_err(|error| failed(&error))?;
        }
        Ok(count)
    }

    fn next_block(&mut self) -> Block {
        self.appended += 1;
        // Equal lengths hide what mixed ones show, and the other way round.
        let len = match self.random.below(2) {
            0 => 0,
            _ => self.random.below(60),
        };
        Block::new(self.number, 0, self.appended, len)
    }

    fn outcome(&self, append: &Open) -> Verdict<Outcome> {
        let is_exclusive = self.mode == WriteMode::Exclusive;
        Ok(match append.receipt.try_durable() {
            Some(Ok(())) => Outcome::Stored {
                offset: is_exclusive.then_some(append.expected),
            },
            Some(Err(error)) if error.certainty() != Certainty::Definite => Outcome::Unknown,
            Some(Err(WriteError::Conflict { expected, .. })) if expected == append.expected => {
                Outcome::Conflict
            }
            Some(Err(_)) => Outcome::NotStored,
            None => {
                let what = "an append without an answer after the flush".to_owned();
                return Err(Violation::new(Harm::FalselyReported, 1, what));
            }
        })
    }

    fn only_conflict(&self, error: &WriteError) -> Verdict {
        match error {
            WriteError::Conflict { .. } if self.mode == WriteMode::Exclusive => Ok(()),
            error => Err(failed(error)),
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Violation {
    broken(format!("a call failed: {}", story(error)))
}
