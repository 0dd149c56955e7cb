//! A writer fails while nobody listens: the call that would have been told was dropped. The next one is told.

use std::time::Duration;

use futures::FutureExt as _;
use pravega_byte_stream::{Receipt, SegmentError, WriteError, WriteMode};
use tokio::time::{sleep, timeout};

use super::{Case, asking::expect_eq};
use crate::{
    campaign::{Harm, Verdict, Violation},
    cancel::{
        knife::{ENDLESS, repeat},
        pen::Pen,
        scene::{Trial, failed, story},
        waits::Wait,
    },
};

/// How often it is looked for a failure that nobody is told of.
const LOOKS: Duration = Duration::from_millis(1);

pub(super) const CASES: &[Case] = &[
    Case::new("ByteWriter::flush", "conflict to come", |trial| {
        conflict(trial, Wait::Flush).boxed()
    }),
    Case::new("ByteWriter::wait_durable", "conflict to come", |trial| {
        conflict(trial, Wait::Offset).boxed()
    }),
    Case::new("Receipt::durable", "conflict to come", |trial| {
        conflict(trial, Wait::ReceiptDurable).boxed()
    }),
    Case::new("DurabilityWatch::flush", "conflict to come", |trial| {
        conflict(trial, Wait::WatchFlush).boxed()
    }),
    Case::new(
        "DurabilityWatch::wait_durable",
        "conflict to come",
        |trial| conflict(trial, Wait::WatchOffset).boxed(),
    ),
    Case::new(
        "ByteWriter as AsyncWrite::poll_flush",
        "conflict to come",
        |trial| conflict(trial, Wait::PollFlush).boxed(),
    ),
    Case::new(
        "ByteWriter as AsyncWrite::poll_shutdown",
        "conflict to come",
        |trial| conflict(trial, Wait::PollShutdown).boxed(),
    ),
    Case::new("ByteWriter::flush", "seal to come", |trial| {
        sealed(trial, Wait::Flush).boxed()
    })
    .spoiling(),
    Case::new("Receipt::durable", "seal to come", |trial| {
        sealed(trial, Wait::ReceiptDurable).boxed()
    })
    .spoiling(),
    Case::new(
        "ByteWriter as AsyncWrite::poll_flush",
        "seal to come",
        |trial| sealed(trial, Wait::PollFlush).boxed(),
    )
    .spoiling(),
    Case::new("ByteWriter::append", "no room, conflict to come", |trial| {
        no_room(trial).boxed()
    }),
    Case::new("ByteWriter::resync", "conflict", |trial| {
        resync(trial).boxed()
    }),
    Case::new("ByteWriter::seek_to_tail", "tail elsewhere", |trial| {
        seek_to_tail(trial).boxed()
    }),
];

/// What the failure must be.
type IsIt = fn(&WriteError) -> bool;

fn is_conflict(error: &WriteError) -> bool {
    matches!(error, WriteError::Conflict { .. })
}

fn is_sealed(error: &WriteError) -> bool {
    matches!(error, WriteError::Sealed { .. })
        || matches!(
            error,
            WriteError::Segment {
                source: SegmentError::Sealed { .. }
            }
        )
}

/// An exclusive writer with unacknowledged bytes that another writer keeps out.
async fn overtaken(trial: &mut Trial) -> Verdict<Pen> {
    let mut pen = Pen::open(trial, WriteMode::Exclusive, |opening| opening).await?;
    if trial.random.one_in(2) {
        pen.append(100).await?;
        pen.flush().await?;
    }
    trial.rival_writes(80).await?;
    Ok(pen)
}

async fn conflict(trial: &mut Trial, wait: Wait) -> Verdict {
    let mut pen = overtaken(trial).await?;
    pen.append(400).await?;
    let behind = pen.notes.next(40);
    match pen.writer.try_append(behind.bytes()) {
        Ok(receipt) => pen.notes.accepted(behind, Some(receipt)),
        Err(refused) if is_conflict(&refused.error) => pen.notes.refused(behind),
        // Nobody is told before the store has said where the segment ends.
        Err(refused) if matches!(refused.error, WriteError::Full { .. }) => {
            pen.notes.refused(behind);
        }
        Err(refused) => return Err(failed("appending")(refused)),
    }
    let unflushed = pen.writer.unflushed_bytes();
    told_later(trial, &mut pen, wait, is_conflict).await?;
    pen.notes.as_receipts_say();
    let resynced = pen.writer.resync().await.map_err(failed("resync"))?;
    expect_eq("bytes given up", resynced.given_up, unflushed)?;
    pen.finish().await
}

async fn sealed(trial: &mut Trial, wait: Wait) -> Verdict {
    let mut pen = trial.warm_pen().await?;
    let segment = trial.scene.segment.clone();
    let handle = trial
        .scene
        .clean
        .segment(segment)
        .map_err(failed("a handle"))?;
    handle.seal().await.map_err(failed("sealing"))?;
    pen.append(400).await?;
    told_later(trial, &mut pen, wait, is_sealed).await?;
    pen.notes.as_receipts_say();
    let durable = pen.writer.durable_offset();
    drop(pen);
    trial.scene.judge(durable).await
}

/// The wait may be dropped before it hears of the failure; then the next two calls must.
async fn told_later(trial: &mut Trial, pen: &mut Pen, wait: Wait, is_it: IsIt) -> Verdict {
    let receipt = pen.notes.last_receipt()?;
    if let Some(answer) = trial.knife.cut(wait.for_all(pen, &receipt)).await {
        must_be(answer, is_it, "the first call")?;
    } else if trial.random.one_in(2) {
        has_come(&receipt).await?;
        // Now even a call that does not wait is told.
        let told = pen.writer.write(b"must not be accepted").await.map(|_| ());
        must_be(told, is_it, "a write after the failure")?;
    } else {
        trial.some_moment().await;
    }
    for nth in ["the next call", "the call after that"] {
        let wait = Wait::some(&mut trial.random);
        let answer = wait.for_all(pen, &receipt).await;
        must_be(answer, is_it, nth)?;
    }
    Ok(())
}

/// Waits until the failure is there, without being told of it.
async fn has_come(receipt: &Receipt) -> Verdict {
    let coming = async {
        while receipt.try_durable().is_none() {
            sleep(LOOKS).await;
        }
    };
    let come = timeout(ENDLESS, coming).await;
    come.map_err(|_elapsed| Violation::broken("the failure never came"))
}

fn must_be(answer: Result<(), WriteError>, is_it: IsIt, nth: &str) -> Verdict {
    match answer {
        Err(error) if is_it(&error) => Ok(()),
        Err(error) => Err(Violation::broken(format!("{nth}: {}", story(&error)))),
        Ok(()) => {
            let what = format!("{nth} says that bytes are stored that are not");
            Err(Violation::new(Harm::FalselyReported, 1, what))
        }
    }
}

/// A write that waits for room hears of the conflict, or the one after it does.
async fn no_room(trial: &mut Trial) -> Verdict {
    let exclusive = WriteMode::Exclusive;
    let mut pen = Pen::open(trial, exclusive, |it| it.max_unacked_bytes(2_000)).await?;
    trial.rival_writes(80).await?;
    pen.fill(300)?;
    let unflushed = pen.writer.unflushed_bytes();
    let block = pen.notes.next(1_000);
    let Pen { writer, .. } = &mut pen;
    let told = repeat!(trial.knife, writer.append(block.bytes()));
    let told = told.map(|_| ());
    must_be(told, is_conflict, "a write without room")?;
    pen.notes.refused(block);
    pen.notes.as_receipts_say();
    let resynced = pen.writer.resync().await.map_err(failed("resync"))?;
    expect_eq("bytes given up", resynced.given_up, unflushed)?;
    pen.finish().await
}

/// A resync that was dropped has given nothing up; the next one gives up everything.
async fn resync(trial: &mut Trial) -> Verdict {
    let mut pen = overtaken(trial).await?;
    pen.append(400).await?;
    let receipt = pen.notes.last_receipt()?;
    must_be(receipt.durable().await, is_conflict, "the receipt")?;
    let Pen { writer, .. } = &mut pen;
    let resynced = repeat!(trial.knife, writer.resync());
    let resynced = resynced.map_err(failed("resync"))?;
    expect_eq("bytes given up", resynced.given_up, 400)?;
    pen.notes.as_receipts_say();
    expect_eq("the position", pen.writer.position(), resynced.tail)?;
    pen.finish().await
}

async fn seek_to_tail(trial: &mut Trial) -> Verdict {
    let mut pen = Pen::open(trial, WriteMode::Exclusive, |opening| opening).await?;
    if trial.random.one_in(2) {
        pen.append(100).await?;
        pen.flush().await?;
    }
    let before = pen.writer.position();
    let tail = trial.rival_writes(80).await?;
    let Pen { writer, .. } = &mut pen;
    let first = trial.knife.cut(writer.seek_to_tail()).await;
    let sought = match first {
        Some(sought) => sought,
        None => {
            expect_eq("the position after a drop", writer.position(), before)?;
            trial.some_moment().await;
            expect_eq("the position after a drop", writer.position(), before)?;
            writer.seek_to_tail().await
        }
    };
    expect_eq(
        "the tail",
        sought.map_err(failed("seeking the tail"))?,
        tail,
    )?;
    expect_eq("the position", pen.writer.position(), tail)?;
    pen.finish().await
}
