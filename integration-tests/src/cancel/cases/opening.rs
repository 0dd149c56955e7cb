//! Making streams, writers and readers.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use pravega_byte_stream::{
    OnTruncation, OpenByteReader, OpenByteWriter, ReadFrom, ReadUntil, WhenFull,
};

use super::{
    Case,
    asking::{expect_bytes, expect_eq, filled},
};
use crate::{
    campaign::Verdict,
    cancel::{
        knife::repeat,
        pen::Pen,
        scene::{Trial, failed},
    },
};

pub(super) const CASES: &[Case] = &[
    Case::new(
        "OpenByteWriter as IntoFuture::into_future",
        "any options",
        |trial| writer(trial).boxed(),
    ),
    Case::new(
        "OpenByteReader as IntoFuture::into_future",
        "any options",
        |trial| reader(trial).boxed(),
    ),
    Case::new(
        "ClientFactory::create_byte_reader",
        "no connection yet",
        |trial| lazy_reader(trial).boxed(),
    ),
    Case::new(
        "ClientFactory::ensure_byte_stream",
        "scope and stream missing",
        |trial| ensure(trial).boxed(),
    ),
    Case::new("ClientFactory::segment_of", "not known yet", |trial| {
        segment_of(trial).boxed()
    }),
];

async fn writer(trial: &mut Trial) -> Verdict {
    let tail = u64::try_from(trial.scene.content(0).await?.len()).unwrap_or_default();
    let (mode, options) = (trial.some_mode(), trial.random.next());
    let by_name = trial.random.one_in(2);
    let opening = || -> OpenByteWriter {
        let opening = match by_name {
            true => trial.factory.open_byte_writer(trial.scene.stream.clone()),
            false => trial.factory.open_byte_writer(trial.scene.segment.clone()),
        };
        let opening = match options % 2 {
            0 => opening.expect_at(tail),
            _ => opening.at_tail(),
        };
        let opening = match options / 2 % 3 {
            0 => opening.when_full(WhenFull::Refuse),
            1 => opening.when_full(WhenFull::WaitAtMost(Duration::from_secs(20))),
            _ => opening.operation_timeout(Duration::from_secs(30)),
        };
        match options / 6 % 2 {
            0 => opening.mode(mode).linger(Duration::from_millis(1)),
            _ => opening.mode(mode).max_unacked_bytes(100_000),
        }
    };
    let opened = match trial.knife.cut(opening().into_future()).await {
        Some(opened) => opened,
        None => opening().await,
    };
    let writer = opened.map_err(failed("opening a writer"))?;
    expect_eq("the position", writer.position(), tail)?;
    let mut pen = Pen::of(writer, &trial.scene);
    pen.append(300).await?;
    pen.finish().await
}

async fn reader(trial: &mut Trial) -> Verdict {
    let (_, content) = filled(trial).await?;
    let tail = u64::try_from(content.len()).unwrap_or_default();
    let by_name = trial.random.one_in(2);
    let (start, from) = match trial.random.below(4) {
        0 => (0, ReadFrom::Head),
        1 => (tail, ReadFrom::Tail),
        2 => (30, ReadFrom::Offset(30)),
        _ => (tail - 50, ReadFrom::BeforeTail(50)),
    };
    let until = match trial.random.below(2) {
        0 => ReadUntil::TailAtOpen,
        _ => ReadUntil::Offset(tail),
    };
    let opening = || -> OpenByteReader {
        let opening = match by_name {
            true => trial.factory.open_byte_reader(trial.scene.stream.clone()),
            false => trial.factory.open_byte_reader(trial.scene.segment.clone()),
        };
        opening
            .from(from)
            .until(until)
            .read_ahead(5_000)
            .on_truncation(OnTruncation::SkipToHead)
            .idle_timeout(Duration::from_secs(30))
    };
    let opened = match trial.knife.cut(opening().into_future()).await {
        Some(opened) => opened,
        None => opening().await,
    };
    let mut reader = opened.map_err(failed("opening a reader"))?;
    let mut got = Vec::new();
    while let Some(chunk) = reader.read_chunk(9_999).await.map_err(failed("reading"))? {
        got.extend_from_slice(&chunk);
    }
    let start = usize::try_from(start).unwrap_or_default();
    expect_bytes("what was read", &got, &content.slice(start..))
}

async fn lazy_reader(trial: &mut Trial) -> Verdict {
    let (_, content) = filled(trial).await?;
    let (factory, segment) = (trial.factory.clone(), trial.scene.segment.clone());
    let made = repeat!(trial.knife, factory.create_byte_reader(segment.clone()));
    let mut reader = made;
    let mut buf = [0; 30];
    reader
        .read_exact(&mut buf)
        .await
        .map_err(failed("reading"))?;
    expect_bytes(
        "the first bytes",
        &buf,
        content.get(..30).unwrap_or_default(),
    )
}

async fn ensure(trial: &mut Trial) -> Verdict {
    let stream = trial.scene.relay.backend().fresh_name();
    let factory = trial.factory.clone();
    let made = trial.knife.cut(factory.ensure_byte_stream(&stream)).await;
    let is_new = match made {
        Some(made) => made.map_err(failed("making a stream"))?,
        None => {
            let made = factory.ensure_byte_stream(&stream).await;
            made.map_err(failed("making a stream"))?
        }
    };
    if trial.knife.polls == 0 {
        expect_eq("a stream that nobody has made is new", is_new, true)?;
    }
    let again = factory.ensure_byte_stream(&stream).await;
    expect_eq("new a second time", again.map_err(failed("asking"))?, false)?;
    let mut writer = factory
        .open_byte_writer(stream)
        .await
        .map_err(failed("opening a writer"))?;
    writer
        .append(Bytes::from_static(b"works"))
        .await
        .map_err(failed("appending"))?;
    expect_eq(
        "durable",
        writer.flush().await.map_err(failed("flushing"))?,
        5,
    )
}

async fn segment_of(trial: &mut Trial) -> Verdict {
    let (factory, stream) = (trial.factory.clone(), trial.scene.stream.clone());
    let found = repeat!(trial.knife, factory.segment_of(&stream));
    let found = found.map_err(failed("looking up a segment"))?;
    expect_eq("the segment", found, trial.scene.segment.clone())
}
