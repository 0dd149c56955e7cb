//! Waiting for acks.

use futures::FutureExt as _;

use super::Case;
use crate::{
    campaign::Verdict,
    cancel::{
        knife::repeat,
        pen::Pen,
        scene::{Trial, failed},
        waits::Wait,
    },
};

pub(super) const CASES: &[Case] = &[
    Case::new("ByteWriter::flush", "acks held back", |trial| {
        held(trial, Wait::Flush).boxed()
    })
    .parking(),
    Case::new("ByteWriter::flush", "no connection yet", |trial| {
        cold(trial, Wait::Flush).boxed()
    }),
    Case::new("ByteWriter::wait_durable", "acks held back", |trial| {
        held(trial, Wait::Offset).boxed()
    })
    .parking(),
    Case::new("ByteWriter::wait_durable", "no connection yet", |trial| {
        cold(trial, Wait::Offset).boxed()
    }),
    Case::new("Receipt::durable", "acks held back", |trial| {
        held(trial, Wait::ReceiptDurable).boxed()
    })
    .parking(),
    Case::new("Receipt::durable", "no connection yet", |trial| {
        cold(trial, Wait::ReceiptDurable).boxed()
    }),
    Case::new(
        "Receipt as IntoFuture::into_future",
        "acks held back",
        |trial| held(trial, Wait::ReceiptAwaited).boxed(),
    )
    .parking(),
    Case::new("DurabilityWatch::flush", "acks held back", |trial| {
        held(trial, Wait::WatchFlush).boxed()
    })
    .parking(),
    Case::new("DurabilityWatch::flush", "no connection yet", |trial| {
        cold(trial, Wait::WatchFlush).boxed()
    }),
    Case::new("DurabilityWatch::wait_durable", "acks held back", |trial| {
        held(trial, Wait::WatchOffset).boxed()
    })
    .parking(),
    Case::new(
        "ByteWriter as AsyncWrite::poll_flush",
        "acks held back",
        |trial| held(trial, Wait::PollFlush).boxed(),
    )
    .parking(),
    Case::new(
        "ByteWriter as AsyncWrite::poll_flush",
        "no connection yet",
        |trial| cold(trial, Wait::PollFlush).boxed(),
    ),
    Case::new(
        "ByteWriter as AsyncWrite::poll_shutdown",
        "acks held back",
        |trial| held(trial, Wait::PollShutdown).boxed(),
    )
    .parking(),
    Case::new(
        "ByteWriter::truncate_data_before",
        "own bytes below",
        |trial| truncate(trial).boxed(),
    )
    .spoiling(),
    Case::new("ByteWriter::seal", "own bytes unflushed", |trial| {
        seal(trial).boxed()
    })
    .spoiling(),
];

/// Acks are held back until the wait was dropped.
async fn held(trial: &mut Trial, wait: Wait) -> Verdict {
    let pen = trial.warm_pen().await?;
    trial.hold_acks();
    waited(trial, pen, wait).await
}

/// The first wait finds the segment store.
async fn cold(trial: &mut Trial, wait: Wait) -> Verdict {
    let mode = trial.some_mode();
    let pen = Pen::open(trial, mode, |opening| opening).await?;
    waited(trial, pen, wait).await
}

/// A wait that was dropped has not changed anything, and the next one waits for everything.
async fn waited(trial: &mut Trial, mut pen: Pen, wait: Wait) -> Verdict {
    for _ in 0..3 {
        let len = trial.random.below(3_000);
        pen.append(len).await?;
    }
    let receipt = pen.notes.last_receipt()?;
    let dropped = trial.knife.cut(wait.for_all(&mut pen, &receipt)).await;
    let answer = match dropped {
        Some(answer) => answer,
        None => {
            trial.some_moment().await;
            if trial.random.one_in(2) {
                // What is accepted after the drop is waited for as well.
                pen.append(200).await?;
            }
            trial.release();
            let receipt = pen.notes.last_receipt()?;
            wait.for_all(&mut pen, &receipt).await
        }
    };
    answer.map_err(failed("waiting for acks"))?;
    pen.notes.all_durable()?;
    pen.finish().await
}

async fn truncate(trial: &mut Trial) -> Verdict {
    let mut pen = trial.warm_pen().await?;
    pen.append(500).await?;
    let goal = pen.writer.position() - 100;
    let Pen { writer, .. } = &mut pen;
    let truncated = repeat!(trial.knife, writer.truncate_data_before(goal));
    truncated.map_err(failed("truncating"))?;
    pen.notes.all_durable()?;
    pen.append(30).await?;
    let tail = pen.flush().await?;
    let reader = trial
        .scene
        .clean
        .create_byte_reader(trial.scene.segment.clone())
        .await;
    let info = reader.info().await.map_err(failed("asking"))?;
    super::asking::expect_eq("head and tail", (info.head, info.tail), (goal, tail))
}

async fn seal(trial: &mut Trial) -> Verdict {
    let mut pen = trial.warm_pen().await?;
    pen.append(500).await?;
    let end = pen.writer.position();
    let Pen { writer, .. } = &mut pen;
    let sealed = repeat!(trial.knife, writer.seal());
    sealed.map_err(failed("sealing"))?;
    pen.notes.all_durable()?;
    let reader = trial
        .scene
        .clean
        .create_byte_reader(trial.scene.segment.clone())
        .await;
    let info = reader.info().await.map_err(failed("asking"))?;
    super::asking::expect_eq("sealed at", (info.is_sealed, info.tail), (true, end))?;
    trial.scene.judge(end).await
}
