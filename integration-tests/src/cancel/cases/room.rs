//! Writes that wait for room in a full window.

use std::{future::poll_fn, pin::Pin};

use futures::FutureExt as _;
use pravega_byte_stream::{ByteWriter, Receipt, WriteError};
use tokio::io::{AsyncWrite as _, AsyncWriteExt};

use super::Case;
use crate::{
    campaign::{Harm, Verdict, Violation},
    cancel::{
        pen::Pen,
        scene::{Trial, failed},
        waits::io_failed,
    },
    evidence::Block,
};

/// The writer's window in bytes, overhead included.
const WINDOW: usize = 2_000;
/// What it is filled with.
const PIECE: usize = 300;

pub(super) const CASES: &[Case] = &[
    Case::new("ByteWriter::write", "acks held back", |trial| {
        one_block(trial, How::Write, Acks::HeldBack).boxed()
    })
    .parking(),
    Case::new("ByteWriter::write", "acks on their way", |trial| {
        one_block(trial, How::Write, Acks::OnTheirWay).boxed()
    }),
    Case::new("ByteWriter::append", "acks held back", |trial| {
        one_block(trial, How::Append, Acks::HeldBack).boxed()
    })
    .parking(),
    Case::new("ByteWriter::append", "acks on their way", |trial| {
        one_block(trial, How::Append, Acks::OnTheirWay).boxed()
    }),
    Case::new("ByteWriter::reserve", "acks held back", |trial| {
        one_block(trial, How::Reserve, Acks::HeldBack).boxed()
    })
    .parking(),
    Case::new("ByteWriter::reserve", "acks on their way", |trial| {
        one_block(trial, How::Reserve, Acks::OnTheirWay).boxed()
    }),
    Case::new(
        "ByteWriter as AsyncWrite::poll_write",
        "acks held back",
        |trial| one_block(trial, How::PollWrite, Acks::HeldBack).boxed(),
    )
    .parking(),
    Case::new(
        "ByteWriter as AsyncWrite::poll_write",
        "acks on their way",
        |trial| one_block(trial, How::PollWrite, Acks::OnTheirWay).boxed(),
    ),
    Case::new("ByteWriter::write_all", "acks on their way", |trial| {
        many_blocks(trial, Face::Own).boxed()
    }),
    Case::new(
        "ByteWriter as AsyncWrite::poll_write",
        "many in a row",
        |trial| many_blocks(trial, Face::Tokio).boxed(),
    ),
];

#[derive(Clone, Copy)]
enum How {
    Write,
    Append,
    Reserve,
    PollWrite,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Acks {
    HeldBack,
    OnTheirWay,
}

#[derive(Clone, Copy)]
enum Face {
    Own,
    Tokio,
}

async fn put(
    writer: &mut ByteWriter,
    how: How,
    block: Block,
) -> Result<(usize, Option<Receipt>), WriteError> {
    let bytes = block.bytes();
    match how {
        How::Write => writer.write(&bytes).await.map(|len| (len, None)),
        How::Append => {
            let receipt = writer.append(bytes.clone()).await?;
            Ok((bytes.len(), Some(receipt)))
        }
        How::Reserve => {
            let permit = writer.reserve(bytes.len()).await?;
            let receipt = permit.append(bytes.clone())?;
            Ok((bytes.len(), Some(receipt)))
        }
        How::PollWrite => {
            let written = poll_fn(|cx| Pin::new(&mut *writer).poll_write(cx, &bytes)).await;
            written.map(|len| (len, None)).map_err(io_failed)
        }
    }
}

/// A write that was dropped has accepted nothing; the next one has, once.
async fn one_block(trial: &mut Trial, how: How, acks: Acks) -> Verdict {
    let mode = trial.some_mode();
    let mut pen = Pen::open(trial, mode, |it| it.max_unacked_bytes(WINDOW)).await?;
    if acks == Acks::HeldBack {
        trial.hold_acks();
    }
    pen.fill(PIECE)?;
    let block = pen.notes.next(WINDOW / 2);
    let before = pen.writer.position();
    let mut done = trial.knife.cut(put(&mut pen.writer, how, block)).await;
    if done.is_none() {
        check_position(&pen, before)?;
        trial.some_moment().await;
        trial.release();
        trial.some_moment().await;
        check_position(&pen, before)?;
        if trial.random.one_in(4) {
            pen.notes.refused(block);
            return pen.finish().await;
        }
        done = Some(put(&mut pen.writer, how, block).await);
    }
    if let Some(done) = done {
        let (len, receipt) = done.map_err(failed("writing"))?;
        if len != block.bytes().len() {
            return Err(Violation::broken(format!(
                "{len} bytes of an atomic write were taken"
            )));
        }
        pen.notes.accepted(block, receipt);
    }
    pen.finish().await
}

fn check_position(pen: &Pen, before: u64) -> Verdict {
    let after = pen.writer.position();
    if after == before {
        return Ok(());
    }
    let what = format!("a dropped write moved the writer from {before} to {after}");
    Err(Violation::new(
        Harm::FalselyReported,
        after.abs_diff(before),
        what,
    ))
}

/// Of a write of many pieces that was dropped, a prefix was accepted, whose length the position tells.
async fn many_blocks(trial: &mut Trial, face: Face) -> Verdict {
    let mode = trial.some_mode();
    let mut pen = Pen::open(trial, mode, |it| it.max_unacked_bytes(WINDOW)).await?;
    let len = pen.max_write(WINDOW + 1)?;
    let blocks: Vec<Block> = (0..5).map(|_| pen.notes.next(len)).collect();
    let all: Vec<u8> = blocks.iter().flat_map(|block| block.bytes()).collect();
    let before = pen.writer.position();
    let mut done = trial.knife.cut(put_all(&mut pen.writer, face, &all)).await;
    if done.is_none() {
        let accepted = usize::try_from(pen.writer.position() - before).unwrap_or(usize::MAX);
        if accepted % len != 0 || accepted > all.len() {
            let what = format!("a dropped write has accepted {accepted} bytes in pieces of {len}");
            return Err(Violation::new(Harm::FalselyReported, 1, what));
        }
        trial.some_moment().await;
        let rest = all.get(accepted..).unwrap_or_default();
        done = Some(put_all(&mut pen.writer, face, rest).await);
    }
    done.unwrap_or(Ok(())).map_err(failed("writing"))?;
    for block in blocks {
        pen.notes.accepted(block, None);
    }
    pen.finish().await
}

async fn put_all(writer: &mut ByteWriter, face: Face, bytes: &[u8]) -> Result<(), WriteError> {
    match face {
        Face::Own => writer.write_all(bytes).await,
        // Named in full: the writer has a method of its own with this name.
        Face::Tokio => AsyncWriteExt::write_all(writer, bytes)
            .await
            .map_err(io_failed),
    }
}
