//! Reading in order: every byte once, whichever call was dropped.

use std::{future::poll_fn, pin::Pin};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use pravega_byte_stream::{ByteReader, ReadError, ReadFrom};
use tokio::io::{AsyncBufRead as _, AsyncBufReadExt as _, AsyncRead as _, AsyncReadExt, ReadBuf};

use super::{
    Case,
    asking::{expect_bytes, expect_eq, filled},
};
use crate::{
    campaign::{Harm, Verdict, Violation},
    cancel::scene::{Trial, failed},
};

/// How many bytes one call wants.
const WANTED: usize = 3_000;
/// What readers hold ahead in bytes, so that they have to ask more than once.
const READ_AHEAD: usize = 4_096;

pub(super) const CASES: &[Case] = &[
    Case::new("ByteReader::read", "catching up", |it| {
        catch_up(it, How::Read).boxed()
    }),
    Case::new("ByteReader::read", "bytes to come", |it| {
        at_the_tail(it, How::Read).boxed()
    })
    .parking(),
    Case::new("ByteReader::read", "the end to come", |it| {
        before_the_end(it).boxed()
    })
    .parking()
    .spoiling(),
    Case::new("ByteReader::read_exact", "catching up", |it| {
        catch_up(it, How::ReadExact).boxed()
    }),
    Case::new("ByteReader::read_exact", "bytes to come", |it| {
        at_the_tail(it, How::ReadExact).boxed()
    })
    .parking(),
    Case::new("ByteReader::read_chunk", "catching up", |it| {
        catch_up(it, How::ReadChunk).boxed()
    }),
    Case::new("ByteReader::read_chunk", "bytes to come", |it| {
        at_the_tail(it, How::ReadChunk).boxed()
    })
    .parking(),
    Case::new("ByteReader::readable", "catching up", |it| {
        catch_up(it, How::Readable).boxed()
    }),
    Case::new("ByteReader::readable", "bytes to come", |it| {
        at_the_tail(it, How::Readable).boxed()
    })
    .parking(),
    Case::new("ByteReader as AsyncRead::poll_read", "catching up", |it| {
        catch_up(it, How::PollRead).boxed()
    }),
    Case::new(
        "ByteReader as AsyncRead::poll_read",
        "bytes to come",
        |it| at_the_tail(it, How::PollRead).boxed(),
    )
    .parking(),
    Case::new(
        "ByteReader as AsyncRead::poll_read",
        "many in a row",
        |it| catch_up(it, How::TokioReadExact).boxed(),
    ),
    Case::new(
        "ByteReader as AsyncBufRead::poll_fill_buf",
        "catching up",
        |it| catch_up(it, How::FillBuf).boxed(),
    ),
    Case::new(
        "ByteReader as AsyncBufRead::poll_fill_buf",
        "bytes to come",
        |it| at_the_tail(it, How::FillBuf).boxed(),
    )
    .parking(),
    Case::new(
        "ByteReader as AsyncBufRead::poll_fill_buf",
        "many in a row",
        |it| catch_up(it, How::ReadUntil).boxed(),
    ),
    Case::new(
        "ByteReaderStream as Stream::poll_next",
        "catching up",
        |it| as_stream(it).boxed(),
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Read,
    ReadExact,
    ReadChunk,
    Readable,
    PollRead,
    TokioReadExact,
    FillBuf,
    ReadUntil,
}

impl How {
    /// Whether a dropped call may have taken some bytes, which it has handed over then.
    fn may_be_half_done(self) -> bool {
        matches!(
            self,
            Self::ReadExact | Self::TokioReadExact | Self::ReadUntil
        )
    }
}

/// A reader and what it has delivered of a segment.
struct Eye {
    reader: ByteReader,
    content: Bytes,
    got: Vec<u8>,
}

impl Eye {
    async fn open(trial: &mut Trial, from: usize) -> Verdict<Self> {
        let (_, content) = filled(trial).await?;
        let start = u64::try_from(from.min(content.len())).unwrap_or_default();
        let opening = trial.factory.open_byte_reader(trial.scene.segment.clone());
        // Nothing is asked here: the first read does.
        let opening = opening.from(ReadFrom::Offset(start)).read_ahead(READ_AHEAD);
        let reader = opening.await.map_err(failed("opening a reader"))?;
        let got = content
            .get(..from.min(content.len()))
            .unwrap_or_default()
            .to_vec();
        Ok(Self {
            reader,
            content,
            got,
        })
    }

    /// One call, dropped and repeated.
    async fn look(&mut self, trial: &mut Trial, how: How) -> Verdict {
        let mut buf = vec![0; WANTED.min(self.content.len() - self.got.len()).max(1)];
        let before = self.reader.position();
        let first = trial.knife.cut(take(&mut self.reader, how, &mut buf)).await;
        match first {
            Some(done) => done.map_err(failed("reading"))?,
            None => {
                self.hand_over(&buf, before)?;
                if self.reader.position() != before && !how.may_be_half_done() {
                    let what = "a dropped read has moved the reader";
                    return Err(Violation::new(Harm::Lost, 1, what));
                }
                trial.some_moment().await;
                return Ok(());
            }
        }
        self.hand_over(&buf, before)
    }

    /// The next call, which nobody drops.
    async fn finish_look(&mut self, how: How) -> Verdict {
        let mut buf = vec![0; WANTED.min(self.content.len() - self.got.len()).max(1)];
        let before = self.reader.position();
        let taken = take(&mut self.reader, how, &mut buf).await;
        taken.map_err(failed("reading"))?;
        self.hand_over(&buf, before)
    }

    /// What the position has moved by was delivered.
    fn hand_over(&mut self, buf: &[u8], before: u64) -> Verdict {
        let moved = self.reader.position() - before;
        let taken = usize::try_from(moved)
            .ok()
            .and_then(|moved| buf.get(..moved));
        let Some(taken) = taken else {
            let what = format!(
                "the position moved by {moved}, {} bytes were there",
                buf.len()
            );
            return Err(Violation::new(Harm::Lost, moved, what));
        };
        self.got.extend_from_slice(taken);
        let wanted = self.content.get(..self.got.len()).unwrap_or_default();
        expect_bytes("what was read", &self.got, wanted)
    }
}

/// Takes what a call gives into `buf`; the position tells how much that was.
async fn take(reader: &mut ByteReader, how: How, buf: &mut Vec<u8>) -> Result<(), ReadError> {
    let io_failed = |_| ReadError::InvalidSeek;
    match how {
        How::Read => reader.read(buf).await.map(|_| ()),
        How::ReadExact => reader.read_exact(buf).await,
        How::ReadChunk => {
            let chunk = reader.read_chunk(buf.len()).await?;
            *buf = chunk.unwrap_or_default().to_vec();
            Ok(())
        }
        How::Readable => {
            reader.readable().await?;
            // It must be there now, without a wait.
            let chunk = reader.read_chunk(buf.len()).now_or_never();
            *buf = chunk.transpose()?.flatten().unwrap_or_default().to_vec();
            Ok(())
        }
        How::PollRead => {
            let mut room = ReadBuf::new(buf);
            let read = poll_fn(|cx| Pin::new(&mut *reader).poll_read(cx, &mut room));
            read.await.map_err(io_failed)
        }
        How::TokioReadExact => {
            let read = AsyncReadExt::read_exact(reader, buf).await;
            read.map(|_| ()).map_err(io_failed)
        }
        How::FillBuf => {
            let shown = reader.fill_buf().await.map_err(io_failed)?;
            let len = shown.len().min(buf.len());
            *buf = shown.get(..len).unwrap_or_default().to_vec();
            Pin::new(reader).consume(len);
            Ok(())
        }
        How::ReadUntil => {
            buf.clear();
            reader
                .read_until(b'\n', buf)
                .await
                .map(|_| ())
                .map_err(io_failed)
        }
    }
}

async fn catch_up(trial: &mut Trial, how: How) -> Verdict {
    let mut eye = Eye::open(trial, 0).await?;
    if how == How::ReadUntil {
        // It would wait for a byte that does not come: there must be an end.
        return until_the_end(trial, eye).await;
    }
    while eye.got.len() < eye.content.len() {
        eye.look(trial, how).await?;
        if eye.got.len() < eye.content.len() {
            eye.finish_look(how).await?;
        }
    }
    Ok(())
}

/// Lines, up to an end that the reader was opened with.
async fn until_the_end(trial: &mut Trial, eye: Eye) -> Verdict {
    let content = eye.content;
    let opening = trial.factory.open_byte_reader(trial.scene.segment.clone());
    let end = u64::try_from(content.len()).unwrap_or_default();
    let opening = opening
        .from(ReadFrom::Offset(0))
        .until(pravega_byte_stream::ReadUntil::Offset(end))
        .read_ahead(READ_AHEAD);
    let mut reader = opening.await.map_err(failed("opening a reader"))?;
    let mut got = Vec::new();
    while got.len() < content.len() {
        // What a dropped call has consumed is in its buffer.
        let line = trial.knife.cut(reader.read_until(b'\n', &mut got)).await;
        line.transpose().map_err(failed("reading"))?;
        trial.some_moment().await;
        let line = reader.read_until(b'\n', &mut got).await;
        line.map_err(failed("reading"))?;
    }
    expect_bytes("lines", &got, &content)
}

/// The reader waits where the next byte will be.
async fn at_the_tail(trial: &mut Trial, how: How) -> Verdict {
    let mut eye = Eye::open(trial, usize::MAX).await?;
    eye.look(trial, how).await?;
    let tail = trial.rival_writes(700).await?;
    eye.content = trial.scene.content(tail).await?.into();
    while eye.got.len() < eye.content.len() {
        eye.finish_look(how).await?;
    }
    Ok(())
}

/// The reader waits, and then the segment is sealed.
async fn before_the_end(trial: &mut Trial) -> Verdict {
    let mut eye = Eye::open(trial, usize::MAX).await?;
    eye.look(trial, How::Read).await?;
    let segment = trial.scene.segment.clone();
    let handle = trial
        .scene
        .clean
        .segment(segment)
        .map_err(failed("a handle"))?;
    handle.seal().await.map_err(failed("sealing"))?;
    let read = eye.reader.read(&mut [0; 10]).await;
    expect_eq("bytes at the end", read.map_err(failed("reading"))?, 0)
}

async fn as_stream(trial: &mut Trial) -> Verdict {
    let Eye {
        mut reader,
        content,
        mut got,
    } = Eye::open(trial, 0).await?;
    while got.len() < content.len() {
        let mut stream = reader.into_stream();
        let chunk = match trial.knife.cut(stream.next()).await {
            Some(chunk) => chunk,
            None => {
                trial.some_moment().await;
                stream.next().await
            }
        };
        let chunk = chunk.transpose().map_err(failed("reading"))?;
        got.extend_from_slice(&chunk.unwrap_or_default());
        reader = stream.into_reader();
    }
    expect_bytes("a stream", &got, &content)
}
