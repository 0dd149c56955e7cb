//! The writer as a sink of items that do not fit into its window at once.

use bytes::Bytes;
use futures::{FutureExt as _, SinkExt as _};
use pravega_byte_stream::{ByteSink, WriteError};

use super::Case;
use crate::{
    campaign::{Harm, Verdict, Violation},
    cancel::{
        pen::Pen,
        scene::{Trial, failed},
    },
    evidence::Block,
};

/// The writer's window in bytes, overhead included.
const WINDOW: usize = 2_000;

pub(super) const CASES: &[Case] = &[
    Case::new(
        "ByteSink as Sink::poll_ready",
        "an item before it",
        |trial| pieces(trial, How::Feed).boxed(),
    ),
    Case::new(
        "ByteSink as Sink::poll_flush",
        "an item in pieces",
        |trial| pieces(trial, How::Flush).boxed(),
    ),
    Case::new(
        "ByteSink as Sink::poll_close",
        "an item in pieces",
        |trial| pieces(trial, How::Close).boxed(),
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Feed,
    Flush,
    Close,
}

async fn push(sink: &mut ByteSink, how: How) -> Result<(), WriteError> {
    match how {
        // Nothing more than waiting until the sink is ready.
        How::Feed => sink.feed(Bytes::new()).await,
        How::Flush => sink.flush().await,
        How::Close => sink.close().await,
    }
}

/// An item of several pieces: what of it is not in the writer yet is in the sink.
async fn pieces(trial: &mut Trial, how: How) -> Verdict {
    let mode = trial.some_mode();
    let mut pen = Pen::open(trial, mode, |it| it.max_unacked_bytes(WINDOW)).await?;
    let len = pen.max_write(WINDOW + 1)?;
    let blocks: Vec<Block> = (0..4).map(|_| pen.notes.next(len)).collect();
    let item: Bytes = blocks.iter().flat_map(|block| block.bytes()).collect();
    let whole = u64::try_from(item.len()).unwrap_or(u64::MAX);
    let Pen { writer, notes } = pen;
    let before = writer.position();
    let mut sink = writer.into_sink();
    sink.feed(item).await.map_err(failed("feeding"))?;
    if trial.knife.cut(push(&mut sink, how)).await.is_none() {
        trial.some_moment().await;
        let (writer, rest) = sink.into_parts();
        let accepted = writer.position() - before;
        let left = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        if accepted + left != whole {
            let what = format!("{accepted} bytes are in the writer and {left} left, of {whole}");
            return Err(Violation::new(Harm::Lost, whole, what));
        }
        sink = writer.into_sink();
        sink.feed(rest).await.map_err(failed("feeding"))?;
        push(&mut sink, how).await.map_err(failed("pushing"))?;
    }
    if how == How::Feed {
        sink.flush().await.map_err(failed("flushing"))?;
    }
    let (writer, rest) = sink.into_parts();
    if !rest.is_empty() {
        return Err(Violation::broken(format!(
            "{} bytes left after a flush",
            rest.len()
        )));
    }
    let mut pen = Pen { writer, notes };
    for block in blocks {
        pen.notes.accepted(block, None);
    }
    let durable = pen.writer.durable_offset();
    pen.check_flushed(durable)?;
    pen.finish().await
}
