//! Our client, through its facade, as a program would use it.

use std::{io::SeekFrom, pin::pin, task::Poll};

use bytes::Bytes;
use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientConfigBuilder, ClientFactory, ReadFrom, ScopedStream, WriteMode,
};

use crate::{
    crowd,
    job::{Contender, Job, Outcome, REREAD, REREAD_PIECE, Work},
    null_server::ENDLESS,
};

/// Does the job.
///
/// # Errors
/// When the client reports one.
pub async fn run(job: &Job) -> Outcome<()> {
    let mut config = ClientConfigBuilder::default().controller_uri(&job.address);
    if let Some(window) = job.window {
        config = config
            .max_unacked_bytes(window)
            .max_read_ahead_bytes(window);
    }
    let factory = ClientFactory::new(config.build()?);
    match job.work {
        Work::Read | Work::ReadChunk => {
            let opening = factory.open_byte_reader(stream(&factory, ENDLESS).await?);
            let reader = opening.from(ReadFrom::Offset(0)).await?;
            if job.work == Work::ReadChunk {
                job.measure(&mut Chunks {
                    reader,
                    size: job.size,
                })
                .await
            } else {
                let buffer = vec![0; job.size];
                job.measure(&mut Reading { reader, buffer }).await
            }
        }
        Work::Reread => job.measure(&mut written(&factory, job).await?).await,
        Work::Wake => {
            let writer = writer(&factory, job).await?;
            let opening = factory.open_byte_reader(stream(&factory, "bench").await?);
            let reader = opening.from(ReadFrom::Tail).await?;
            let buffer = vec![0; job.size];
            let piece = Bytes::from(vec![7; job.size]);
            let mut waking = Waking {
                writer,
                reader,
                piece,
                buffer,
            };
            job.measure(&mut waking).await
        }
        Work::Crowd => crowd::run(job, &factory).await,
        Work::Serve => Err("a client is no server".into()),
        Work::Append | Work::Write | Work::Flush | Work::FlushBytes => {
            let writer = writer(&factory, job).await?;
            let piece = Bytes::from(vec![7; job.size]);
            job.measure(&mut Writing {
                writer,
                piece,
                work: job.work,
            })
            .await
        }
    }
}

async fn writer(factory: &ClientFactory, job: &Job) -> Outcome<ByteWriter> {
    let stream = stream(factory, "bench").await?;
    let opening = factory.open_byte_writer(stream).mode(mode(job));
    Ok(opening.await?)
}

/// Writes what is read over and over.
async fn written(factory: &ClientFactory, job: &Job) -> Outcome<Rereading> {
    let mut writer = writer(factory, job).await?;
    let piece = Bytes::from(vec![7; REREAD_PIECE]);
    for _ in 0..REREAD / REREAD_PIECE {
        writer.append(piece.clone()).await?;
    }
    writer.flush().await?;
    let opening = factory.open_byte_reader(stream(factory, "bench").await?);
    let reader = opening.from(ReadFrom::Offset(0)).await?;
    let buffer = vec![0; job.size];
    Ok(Rereading {
        reading: Reading { reader, buffer },
        end: u64::try_from(REREAD)?,
    })
}

/// The write mode that is measured.
pub(crate) fn mode(job: &Job) -> WriteMode {
    if job.shared {
        WriteMode::Shared
    } else {
        WriteMode::Exclusive
    }
}

/// A stream of this process alone, which is there when this returns.
async fn stream(factory: &ClientFactory, scope: &str) -> Outcome<ScopedStream> {
    let stream = format!("{scope}/s{}", std::process::id()).parse()?;
    factory.ensure_byte_stream(&stream).await?;
    Ok(stream)
}

struct Writing {
    writer: ByteWriter,
    piece: Bytes,
    work: Work,
}

impl Contender for Writing {
    async fn call(&mut self) -> Outcome<usize> {
        match self.work {
            Work::Append | Work::FlushBytes => {
                self.writer.append(self.piece.clone()).await?;
            }
            _ => {
                self.writer.write_all(&self.piece).await?;
            }
        }
        if matches!(self.work, Work::Flush | Work::FlushBytes) {
            self.writer.flush().await?;
        }
        Ok(self.piece.len())
    }

    async fn settle(&mut self) -> Outcome<()> {
        self.writer.flush().await?;
        Ok(())
    }
}

struct Reading {
    reader: ByteReader,
    buffer: Vec<u8>,
}

impl Contender for Reading {
    async fn call(&mut self) -> Outcome<usize> {
        Ok(self.reader.read(&mut self.buffer).await?)
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}

/// Begins again at the end.
struct Rereading {
    reading: Reading,
    end: u64,
}

impl Contender for Rereading {
    async fn call(&mut self) -> Outcome<usize> {
        let reader = &mut self.reading.reader;
        if reader.position() >= self.end {
            reader.seek(SeekFrom::Start(0)).await?;
        }
        self.reading.call().await
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}

struct Chunks {
    reader: ByteReader,
    size: usize,
}

impl Contender for Chunks {
    async fn call(&mut self) -> Outcome<usize> {
        let chunk = self.reader.read_chunk(self.size).await?;
        Ok(chunk.map_or(0, |chunk| chunk.len()))
    }

    async fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }
}

/// A writer, and a reader at its tail.
struct Waking {
    writer: ByteWriter,
    reader: ByteReader,
    piece: Bytes,
    buffer: Vec<u8>,
}

impl Contender for Waking {
    /// Lets the reader ask; the pause of the job is long enough for that to reach the store and wait there.
    async fn prepare(&mut self) -> Outcome<()> {
        match futures::poll!(pin!(self.reader.readable())) {
            Poll::Ready(arrived) => Ok(arrived?),
            Poll::Pending => Ok(()),
        }
    }

    async fn call(&mut self) -> Outcome<usize> {
        self.writer.append(self.piece.clone()).await?;
        self.reader.read_exact(&mut self.buffer).await?;
        Ok(self.piece.len())
    }

    async fn settle(&mut self) -> Outcome<()> {
        self.writer.flush().await?;
        Ok(())
    }
}
