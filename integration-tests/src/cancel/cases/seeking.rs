//! Moving a reader: a move that was dropped has not taken place.

use std::io::SeekFrom;

use futures::FutureExt as _;
use tokio::io::AsyncSeekExt;

use super::{
    Case,
    asking::{expect_bytes, expect_eq, filled},
};
use crate::{
    campaign::Verdict,
    cancel::scene::{Trial, failed},
};

pub(super) const CASES: &[Case] = &[
    Case::new("ByteReader::seek", "from the end", |trial| {
        seek(trial, Face::Own).boxed()
    }),
    Case::new(
        "ByteReader as AsyncSeek::poll_complete",
        "from the end",
        |trial| seek(trial, Face::Tokio).boxed(),
    ),
];

#[derive(Clone, Copy)]
enum Face {
    Own,
    Tokio,
}

async fn seek(trial: &mut Trial, face: Face) -> Verdict {
    let (mut reader, content) = filled(trial).await?;
    let mut buf = [0; 10];
    reader
        .read_exact(&mut buf)
        .await
        .map_err(failed("reading"))?;
    let goal = content.len() - 40;
    let to = SeekFrom::End(-40);
    let sought = match face {
        Face::Own => trial
            .knife
            .cut(reader.seek(to))
            .await
            .map(|it| it.map_err(failed("seeking"))),
        Face::Tokio => {
            let seeking = AsyncSeekExt::seek(&mut reader, to);
            trial
                .knife
                .cut(seeking)
                .await
                .map(|it| it.map_err(failed("seeking")))
        }
    };
    let mut at = goal;
    if let Some(sought) = sought {
        expect_eq(
            "where a seek went",
            sought?,
            u64::try_from(goal).unwrap_or_default(),
        )?;
    } else if trial.random.one_in(2) {
        let sought = reader.seek(to).await.map_err(failed("seeking"))?;
        expect_eq(
            "where a seek went",
            sought,
            u64::try_from(goal).unwrap_or_default(),
        )?;
    } else {
        // It is not repeated: the reader stays, also when it is asked where it is.
        expect_eq("the position after a drop", reader.position(), 10)?;
        trial.some_moment().await;
        reader
            .read_exact(&mut buf)
            .await
            .map_err(failed("reading"))?;
        expect_bytes("after a dropped seek", &buf, &content.slice(10..20))?;
        let asked = AsyncSeekExt::stream_position(&mut reader).await;
        expect_eq(
            "the position asked for",
            asked.map_err(failed("asking"))?,
            20,
        )?;
        at = 20;
    }
    reader
        .read_exact(&mut buf)
        .await
        .map_err(failed("reading"))?;
    expect_bytes("after a seek", &buf, &content.slice(at..at + 10))
}
