//! Questions, and changes that may be asked for again.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use pravega_byte_stream::{ByteReader, ReadError, SegmentHandle};
use tokio::time::{sleep, timeout};

use super::Case;
use crate::{
    campaign::{Harm, Verdict, Violation},
    cancel::{
        knife::{ENDLESS, repeat},
        pen::Pen,
        scene::{Trial, failed},
    },
};

/// How often it is looked for a value that will come.
const LOOKS: Duration = Duration::from_millis(10);

pub(super) const CASES: &[Case] = &[
    Case::new("ByteReader::info", "no connection yet", |trial| {
        info(trial).boxed()
    }),
    Case::new("ByteReader::current_head", "no connection yet", |trial| {
        head(trial).boxed()
    }),
    Case::new("ByteReader::current_tail", "no connection yet", |trial| {
        tail(trial).boxed()
    }),
    Case::new("ByteReader::read_at", "no connection yet", |trial| {
        read_at(trial).boxed()
    }),
    Case::new("ByteReader::read_range", "no connection yet", |trial| {
        read_range(trial).boxed()
    }),
    Case::new("ByteReader::stream_range", "no connection yet", |trial| {
        stream_range(trial).boxed()
    }),
    Case::new("ByteReader::wait_for_tail", "bytes to come", |trial| {
        wait_for_tail(trial).boxed()
    })
    .parking(),
    Case::new("SegmentHandle::info", "no connection yet", |trial| {
        handle_info(trial).boxed()
    }),
    Case::new(
        "SegmentHandle::truncate_data_before",
        "no connection yet",
        |trial| truncate(trial).boxed(),
    )
    .spoiling(),
    Case::new(
        "SegmentHandle::truncate_keep_last",
        "no connection yet",
        |trial| keep_last(trial).boxed(),
    )
    .spoiling(),
    Case::new("SegmentHandle::seal", "no connection yet", |trial| {
        seal(trial).boxed()
    })
    .spoiling(),
    Case::new("SegmentHandle::attribute", "no connection yet", |trial| {
        attribute(trial).boxed()
    }),
    Case::new(
        "SegmentHandle::update_attribute",
        "no connection yet",
        |trial| update_attribute(trial).boxed(),
    ),
];

/// What must be the same.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it reads as what it is: two values, most of them numbers"
)]
pub(super) fn expect_eq<T: PartialEq + fmt::Debug>(what: &str, got: T, wanted: T) -> Verdict {
    match got == wanted {
        true => Ok(()),
        false => {
            let what = format!("{what}: {got:?} instead of {wanted:?}");
            Err(Violation::new(Harm::FalselyReported, 1, what))
        }
    }
}

/// Bytes that must be the same.
pub(super) fn expect_bytes(what: &str, got: &[u8], wanted: &[u8]) -> Verdict {
    match got == wanted {
        true => Ok(()),
        false => {
            let (got, wanted) = (got.len(), wanted.len());
            let what = format!("{what}: {got} other bytes than the {wanted} wanted");
            Err(Violation::new(Harm::Lost, 1, what))
        }
    }
}

/// A reader that nobody has used, and the content of its segment, which has at least some bytes.
pub(super) async fn filled(trial: &mut Trial) -> Verdict<(ByteReader, Bytes)> {
    let mut content = trial.scene.content(0).await?;
    if content.is_empty() {
        let mut pen = Pen::clean(&trial.scene).await?;
        for len in [700, 20, 9_000, 20_000, 350] {
            pen.append(len).await?;
        }
        let durable = pen.flush().await?;
        content = trial.scene.content(durable).await?;
    }
    let reader = trial
        .factory
        .create_byte_reader(trial.scene.segment.clone())
        .await;
    Ok((reader, content.into()))
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

async fn info(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let info = repeat!(trial.knife, reader.info());
    let info = info.map_err(failed("asking"))?;
    let got = (info.head, info.tail, info.is_sealed);
    expect_eq("the segment", got, (0, length(&content), false))
}

async fn head(trial: &mut Trial) -> Verdict {
    let (reader, _) = filled(trial).await?;
    let head = repeat!(trial.knife, reader.current_head());
    expect_eq("the head", head.map_err(failed("asking"))?, 0)
}

async fn tail(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let tail = repeat!(trial.knife, reader.current_tail());
    expect_eq(
        "the tail",
        tail.map_err(failed("asking"))?,
        length(&content),
    )
}

async fn read_at(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let start = trial.random.below(content.len());
    let len = 1 + trial.random.below(content.len() - start);
    let at = u64::try_from(start).unwrap_or_default();
    let read = repeat!(trial.knife, reader.read_at(at, len));
    let read = read.map_err(failed("reading"))?;
    expect_bytes("a read", &read, &content.slice(start..start + len))
}

async fn read_range(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let range = 20..length(&content) - 10;
    let read = repeat!(trial.knife, reader.read_range(range.clone()));
    let read = read.map_err(failed("reading"))?;
    expect_bytes("a range", &read, &content.slice(20..content.len() - 10))
}

/// Each wait for a piece is dropped and repeated; the stream goes on.
async fn stream_range(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let mut pieces = std::pin::pin!(reader.stream_range(0..length(&content)));
    let mut got = Vec::new();
    loop {
        let piece = repeat!(trial.knife, pieces.next());
        match piece {
            Some(piece) => got.extend_from_slice(&piece.map_err(failed("reading"))?),
            None => return expect_bytes("a stream", &got, &content),
        }
    }
}

async fn wait_for_tail(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let goal = length(&content) + 30;
    let mut reached = trial.knife.cut(reader.wait_for_tail(goal)).await;
    if reached.is_none() {
        let tail = trial.rival_writes(30).await?;
        reached = Some(reader.wait_for_tail(goal).await);
        expect_eq("what was written", tail, goal)?;
    }
    match reached {
        Some(Ok(tail)) => expect_eq("the tail", tail, goal),
        Some(Err(error)) => Err(failed::<ReadError>("waiting for the tail")(error)),
        None => Ok(()),
    }
}

fn handle(trial: &Trial) -> Verdict<SegmentHandle> {
    let segment = trial.scene.segment.clone();
    trial.factory.segment(segment).map_err(failed("a handle"))
}

async fn handle_info(trial: &mut Trial) -> Verdict {
    let (_, content) = filled(trial).await?;
    let handle = handle(trial)?;
    let info = repeat!(trial.knife, handle.info());
    expect_eq(
        "the tail",
        info.map_err(failed("asking"))?.tail,
        length(&content),
    )
}

async fn truncate(trial: &mut Trial) -> Verdict {
    let (reader, _) = filled(trial).await?;
    let handle = handle(trial)?;
    let truncated = repeat!(trial.knife, handle.truncate_data_before(500));
    truncated.map_err(failed("truncating"))?;
    let head = reader.current_head().await.map_err(failed("asking"))?;
    expect_eq("the head", head, 500)
}

async fn keep_last(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let handle = handle(trial)?;
    let wanted = length(&content) - 1_000;
    let kept = repeat!(trial.knife, handle.truncate_keep_last(1_000));
    expect_eq("the new head", kept.map_err(failed("truncating"))?, wanted)?;
    let head = reader.current_head().await.map_err(failed("asking"))?;
    expect_eq("the head", head, wanted)
}

async fn seal(trial: &mut Trial) -> Verdict {
    let (reader, content) = filled(trial).await?;
    let handle = handle(trial)?;
    let sealed = repeat!(trial.knife, handle.seal());
    sealed.map_err(failed("sealing"))?;
    let info = reader.info().await.map_err(failed("asking"))?;
    expect_eq(
        "the end",
        (info.is_sealed, info.tail),
        (true, length(&content)),
    )
}

async fn attribute(trial: &mut Trial) -> Verdict {
    let handle = handle(trial)?;
    let value = repeat!(trial.knife, handle.attribute(7));
    expect_eq(
        "an attribute without a value",
        value.map_err(failed("asking"))?,
        None,
    )
}

/// An update that was dropped has taken place or not. It does not take place later than the next one.
async fn update_attribute(trial: &mut Trial) -> Verdict {
    let handle = handle(trial)?;
    let id = u128::from(trial.random.next());
    let first = handle.update_attribute(id, None, Some(1));
    let updated = match trial.knife.cut(first).await {
        Some(updated) => updated,
        None => {
            trial.some_moment().await;
            handle.update_attribute(id, None, Some(1)).await
        }
    };
    match updated {
        Ok(true) => {}
        // The first one took place, and has done the same.
        Ok(false) if trial.knife.drops > 0 && trial.knife.polls > 0 => {}
        Ok(false) => return Err(Violation::broken("there was a value that nobody has set")),
        // Of an update that lost its connection it is not known whether it took place.
        Err(error) if error.is_retryable() => return Ok(()),
        Err(error) => return Err(failed("updating")(error)),
    }
    expect_eq("the value", settled(&handle, id).await?, Some(1))
}

/// The value of an attribute that has one. A real store compares with what it is about to commit, and shows what it
/// has committed: the value may be missing for a moment after an update was refused because of it.
async fn settled(handle: &SegmentHandle, id: u128) -> Verdict<Option<i64>> {
    let asking = async {
        loop {
            let value = handle.attribute(id).await.map_err(failed("asking"))?;
            if value.is_some() {
                return Ok(value);
            }
            sleep(LOOKS).await;
        }
    };
    timeout(ENDLESS, asking).await.unwrap_or(Ok(None))
}
