//! The end: of a writer, and of a factory while others still wait.

use futures::FutureExt as _;
use pravega_byte_stream::{ReadError, SegmentError, WriteError};

use super::{Case, asking::expect_eq};
use crate::{
    campaign::{Verdict, Violation},
    cancel::{
        pen::Pen,
        scene::{Trial, failed, story},
        waits::Wait,
    },
};

pub(super) const CASES: &[Case] = &[
    Case::new("ByteWriter::close", "acks on their way", |trial| {
        close(trial).boxed()
    })
    .spoiling(),
    Case::new("ClientFactory::shutdown", "a wait for acks", |trial| {
        under_a_wait(trial).boxed()
    })
    .spoiling(),
    Case::new("ClientFactory::shutdown", "a write without room", |trial| {
        under_a_write(trial).boxed()
    })
    .spoiling(),
    Case::new("ClientFactory::shutdown", "a read at the tail", |trial| {
        under_a_read(trial).boxed()
    })
    .spoiling(),
    Case::new("ClientFactory::shutdown", "a wait for the tail", |trial| {
        under_a_wait_for_the_tail(trial).boxed()
    })
    .spoiling(),
];

/// Dropping the close drops the writer. What it had accepted may be stored, in order and without a hole; what it
/// was told is stored.
async fn close(trial: &mut Trial) -> Verdict {
    let mut pen = trial.warm_pen().await?;
    for _ in 0..3 {
        let len = trial.random.below(20_000);
        pen.append(len).await?;
    }
    let Pen { writer, mut notes } = pen;
    match trial.knife.cut(writer.close()).await {
        Some(closed) => {
            closed.map_err(failed("closing"))?;
            notes.all_durable()?;
        }
        None => notes.as_receipts_say(),
    }
    trial.some_moment().await;
    // In the same segment somebody else goes on, between whatever still comes.
    let durable = trial.rival_writes(60).await?;
    trial.scene.judge(durable).await
}

/// A shutdown that has begun goes on, whether somebody waits for its end or not.
async fn shut_down(trial: &mut Trial) -> bool {
    let factory = trial.factory.clone();
    let has_ended = trial.knife.cut(factory.shutdown()).await.is_some();
    let has_begun = trial.knife.polls > 0;
    if !has_begun || (!has_ended && trial.random.one_in(2)) {
        factory.shutdown().await;
        return true;
    }
    has_ended
}

/// No child can be had any more.
async fn is_shut(trial: &Trial) -> Verdict {
    let opening = trial.factory.open_byte_writer(trial.scene.segment.clone());
    match opening.await {
        Err(SegmentError::ShutDown) => Ok(()),
        Err(error) => Err(Violation::broken(format!(
            "opening after the end: {}",
            story(&error)
        ))),
        Ok(_) => Err(Violation::broken("a writer was opened after the end")),
    }
}

async fn under_a_wait(trial: &mut Trial) -> Verdict {
    let mut pen = trial.warm_pen().await?;
    trial.hold_acks();
    pen.append(400).await?;
    let receipt = pen.notes.last_receipt()?;
    let wait = Wait::some(&mut trial.random);
    let blocked = tokio::spawn(async move { (wait.for_all(&mut pen, &receipt).await, pen) });
    trial.some_moment().await;
    shut_down(trial).await;
    let (ended, mut pen) = blocked.await.map_err(failed("a task"))?;
    closed(ended, &format!("{wait:?}"))?;
    closed(pen.writer.write(b"late").await.map(|_| ()), "a write")?;
    pen.notes.as_receipts_say();
    let durable = pen.writer.durable_offset();
    is_shut(trial).await?;
    trial.release();
    trial.scene.judge(durable).await
}

async fn under_a_write(trial: &mut Trial) -> Verdict {
    let mode = trial.some_mode();
    let mut pen = Pen::open(trial, mode, |it| it.max_unacked_bytes(2_000)).await?;
    trial.hold_acks();
    pen.fill(300)?;
    let block = pen.notes.next(1_000);
    let blocked =
        tokio::spawn(async move { (pen.writer.append(block.bytes()).await.map(|_| ()), pen) });
    trial.some_moment().await;
    shut_down(trial).await;
    let (ended, mut pen) = blocked.await.map_err(failed("a task"))?;
    closed(ended, "a write")?;
    pen.notes.refused(block);
    pen.notes.as_receipts_say();
    trial.release();
    let durable = trial.rival_writes(60).await?;
    trial.scene.judge(durable).await
}

fn closed(ended: Result<(), WriteError>, what: &str) -> Verdict {
    match ended {
        Err(WriteError::Closed { .. }) => Ok(()),
        Err(error) => Err(Violation::broken(format!("{what}: {}", story(&error)))),
        Ok(()) => Err(Violation::broken(format!(
            "{what} succeeded without an ack"
        ))),
    }
}

async fn under_a_read(trial: &mut Trial) -> Verdict {
    let mut reader = trial
        .factory
        .create_byte_reader(trial.scene.segment.clone())
        .await;
    let blocked = tokio::spawn(async move { reader.read(&mut [0; 10]).await });
    trial.some_moment().await;
    shut_down(trial).await;
    match blocked.await.map_err(failed("a task"))? {
        Err(ReadError::Closed { .. }) => Ok(()),
        other => Err(Violation::broken(format!("a read ended with {other:?}"))),
    }
}

async fn under_a_wait_for_the_tail(trial: &mut Trial) -> Verdict {
    let reader = trial
        .factory
        .create_byte_reader(trial.scene.segment.clone())
        .await;
    let blocked = tokio::spawn(async move { reader.wait_for_tail(1_000).await });
    trial.some_moment().await;
    shut_down(trial).await;
    match blocked.await.map_err(failed("a task"))? {
        Err(ReadError::Asking {
            source: SegmentError::ShutDown,
        }) => expect_eq("the tail", trial.scene.content(0).await?.len(), 0),
        other => Err(Violation::broken(format!(
            "a wait for the tail ended with {other:?}"
        ))),
    }
}
